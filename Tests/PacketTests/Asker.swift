import CLinux
import Glibc
import NetworkTypes
import TrafficModel

/// What a client got.
enum Outcome: Equatable, CustomStringConvertible {
    /// `seen` is the client's address as the server sees it.
    case answered(by: String, port: Int, seen: IPAddress)
    /// It was told at once that nobody serves this.
    case refused
    /// Nothing came.
    case silent
    case failed(Int32)

    var server: String? {
        guard case .answered(let name, _, _) = self else { return nil }
        return name
    }

    var port: Int? {
        guard case .answered(_, let port, _) = self else { return nil }
        return port
    }

    var seen: IPAddress? {
        guard case .answered(_, _, let seen) = self else { return nil }
        return seen
    }

    var description: String {
        switch self {
        case .answered(let name, let port, let seen): "answered by \(name) on \(port), which saw \(seen)"
        case .refused: "refused"
        case .silent: "silent"
        case .failed(let number): "failed: \(String(cString: strerror(number)))"
        }
    }
}

/// A socket of a client: one TCP connection, or one UDP flow.
final class Asker: @unchecked Sendable {
    // One thread at a time uses it: tests wait for each question.
    private let descriptor: Int32
    private let address: SocketAddress
    private let transport: TransportProtocol

    convenience init(in namespace: Namespace, to address: SocketAddress, _ transport: TransportProtocol) throws {
        self.init(
            try namespace.run { RawSocket.open(address.ip.family, transport) }, address, transport)
    }

    /// In the namespace of the calling thread.
    convenience init(here address: SocketAddress, _ transport: TransportProtocol) throws {
        self.init(RawSocket.open(address.ip.family, transport), address, transport)
    }

    private init(_ descriptor: Int32, _ address: SocketAddress, _ transport: TransportProtocol) {
        self.descriptor = descriptor
        self.address = address
        self.transport = transport
    }

    deinit {
        // Reset rather than wait: thousands of connections must not use up the ports.
        var linger = Glibc.linger(l_onoff: 1, l_linger: 0)
        setsockopt(descriptor, SOL_SOCKET, SO_LINGER, &linger, socklen_t(MemoryLayout<Glibc.linger>.size))
        close(descriptor)
    }

    /// Connects and reads the line that the server begins with.
    func begin(within limit: Duration) -> Outcome { connect() ?? hear(within: limit) }

    /// The first half of `begin`, which waits for nothing.
    ///
    /// - Returns: nil where the answer is to be waited for.
    func connect() -> Outcome? {
        _ = fcntl(descriptor, F_SETFL, O_NONBLOCK)
        guard RawSocket.with(address, { Glibc.connect(descriptor, $0, $1) }) != 0 else { return nil }
        return errno == EINPROGRESS ? nil : Self.outcome(errno)
    }

    /// The second half.
    func hear(within limit: Duration) -> Outcome {
        if transport == .udp { return ask(within: limit) }
        let end = ContinuousClock.now + limit
        guard RawSocket.isReady(descriptor, POLLOUT, within: limit) else { return .silent }
        let error = RawSocket.pendingError(descriptor)
        guard error == 0 else { return Self.outcome(error) }
        return receive(within: max(.zero, end - .now))
    }

    /// Asks over the flow (UDP): sends a datagram and reads the answer. Repeated while nothing comes.
    func ask(within limit: Duration) -> Outcome {
        // Late answers to earlier questions are none to this one.
        var buffer = [UInt8](repeating: 0, count: 256)
        while recv(descriptor, &buffer, buffer.count, 0) > 0 {}
        let clock = ContinuousClock()
        let end = clock.now + limit
        repeat {
            guard send(descriptor, "?", 1, Int32(MSG_NOSIGNAL)) == 1 else { return Self.outcome(errno) }
            if RawSocket.isReady(descriptor, POLLIN, within: min(limit, .milliseconds(300))) {
                return receive(within: limit)
            }
        } while clock.now < end
        return .silent
    }

    /// Sends one datagram without waiting for an answer.
    func poke() { send(descriptor, "?", 1, Int32(MSG_NOSIGNAL)) }

    /// Whether the socket could be bound.
    func bind(to address: SocketAddress) -> Bool {
        RawSocket.with(address) { Glibc.bind(descriptor, $0, $1) } == 0
    }

    /// Whom the kernel says that the socket is connected to; nil where it is not.
    var peer: SocketAddress? {
        var peer = sockaddr_storage()
        var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
        let result = withUnsafeMutablePointer(to: &peer) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { getpeername(descriptor, $0, &length) }
        }
        return result == 0 ? RawSocket.address(of: peer) : nil
    }

    /// Whether what is sent over a connection comes back.
    func echoes(_ text: String = "still there\n", within limit: Duration = .seconds(10)) -> Bool {
        guard send(descriptor, text, text.utf8.count, Int32(MSG_NOSIGNAL)) == text.utf8.count else {
            return false
        }
        var buffer = [UInt8](repeating: 0, count: 256)
        guard RawSocket.isReady(descriptor, POLLIN, within: limit) else { return false }
        let count = recv(descriptor, &buffer, buffer.count, 0)
        return count > 0 && String(decoding: buffer[..<count], as: UTF8.self) == text
    }

    private func receive(within limit: Duration) -> Outcome {
        guard RawSocket.isReady(descriptor, POLLIN, within: limit) else { return .silent }
        var buffer = [UInt8](repeating: 0, count: 256)
        let count = recv(descriptor, &buffer, buffer.count, 0)
        guard count > 0 else { return count == 0 ? .refused : Self.outcome(errno) }
        let words = String(decoding: buffer[..<count], as: UTF8.self).split(whereSeparator: \.isWhitespace)
        guard words.count == 3, let port = Int(words[1]), let seen = IPAddress(words[2]) else {
            return .failed(EBADMSG)
        }
        return .answered(by: String(words[0]), port: port, seen: seen)
    }

    private static func outcome(_ number: Int32) -> Outcome {
        switch number {
        // A datagram that rules on the client's own host refuse: the kernel tells the sender before the ICMP message.
        case EPERM: .refused
        case ECONNREFUSED, ECONNRESET: .refused
        default: .failed(number)
        }
    }
}
