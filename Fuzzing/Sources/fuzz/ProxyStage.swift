import Glibc
import NetworkTypes
import ProxyEngine
import Synchronization
import Transport

/// A running L7 engine between a client and an upstream that both do what an input says. One for the process; inputs
/// come one after the other.
///
/// An input is what the client sends, then GS (0x1D), then the upstream's first answer, GS, its second and so on; after
/// those it answers `ok`. FS (0x1C) cuts what is sent at once. An answer that ends with RS (0x1E) closes the connection,
/// one that ends with SUB (0x1A) resets it. Requests for the host `m` go to the upstream by HTTP/2: an answer is then what
/// it sends when a connection has begun, and after those it answers 200.
final class ProxyStage {
    private enum Ending { case none, close, reset }

    private struct Answer {
        var pieces: [[UInt8]]
        var ending: Ending
    }

    private struct Peer {
        var descriptor: Int32
        var received: [UInt8] = []
        var answeredUpTo = 0
        var lastStream: UInt8 = 0
    }

    private let engine: ProxyEngine
    private let listener: Int32
    private let port: UInt16

    init() {
        let listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue | SOCK_NONBLOCK.rawValue), 0)
        self.listener = listener
        var address = Self.loopback(0)
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        withUnsafeMutablePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                precondition(bind(listener, $0, length) == 0 && listen(listener, 64) == 0)
                getsockname(listener, $0, &length)
            }
        }
        let upstream = SocketAddress(ip: .loopbackV4, port: Port(UInt16(bigEndian: address.sin_port)))
        let wanted = ProxyConfiguration.Listener(address: SocketAddress(ip: .loopbackV4, port: 0), scheme: .http)
        guard let loops = try? EventLoop.group(count: 1, name: "l7") else { fatalError("no event loop") }
        // What an input leaves unfinished ends by the engine's own deadlines, soon.
        var limits = ProxyLimits()
        limits.requestHeadTimeout = .milliseconds(50)
        limits.requestBodyTimeout = .milliseconds(50)
        limits.responseTimeout = .milliseconds(50)
        limits.writeTimeout = .milliseconds(50)
        limits.tunnelIdleTimeout = .milliseconds(50)
        engine = ProxyEngine(loops: loops, accessLog: CheckedLog())
        engine.apply(
            ProxyConfiguration(
                listeners: [wanted],
                hosts: [
                    .init(host: .any, routes: [.init(path: "/", match: .prefix, upstream: 0)]),
                    .init(
                        host: .exact("s"), routes: [.init(path: "/", match: .prefix, upstream: 0)],
                        redirectsToHTTPS: true),
                    .init(host: .exact("m"), routes: [.init(path: "/", match: .prefix, upstream: 1)]),
                ],
                upstreams: [
                    .init(name: "fuzzed", endpoints: [upstream]),
                    .init(name: "multiplexed", endpoints: [upstream], version: .http2),
                ], limits: limits))
        port = engine.boundAddresses[wanted]?.port.rawValue ?? 0
    }

    private static func loopback(_ port: UInt16) -> sockaddr_in {
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        return address
    }

    /// Plays one input to its end: every connection is closed then, and the engine keeps nothing of it.
    func play(_ input: [UInt8]) {
        var parts = input.split(separator: 0x1D, omittingEmptySubsequences: false)
        let pieces = parts.removeFirst().split(separator: 0x1C).map(Array.init)
        var answers = parts.prefix(8).map(Self.answer)[...]
        let client = connect()
        var unsent = pieces[...]
        var received: [UInt8] = []
        var peers: [Peer] = []
        var isEnded = false
        var quiet = 0
        while !isEnded {
            if let piece = unsent.popFirst() { Self.write(client, piece) }
            var events = [pollfd(fd: client, events: Int16(POLLIN), revents: 0)]
            events.append(pollfd(fd: listener, events: Int16(POLLIN), revents: 0))
            for peer in peers { events.append(pollfd(fd: peer.descriptor, events: Int16(POLLIN), revents: 0)) }
            let count = poll(&events, nfds_t(events.count), unsent.isEmpty ? 2 : 1)
            quiet = count > 0 ? 0 : quiet + 1
            if quiet == 1, unsent.isEmpty { shutdown(client, Int32(SHUT_WR)) }
            FuzzTarget.check(quiet < 2_000, "the proxy neither answers nor closes")
            if events[0].revents != 0 { isEnded = !Self.read(client, into: &received) }
            for (index, event) in events[2...].enumerated().reversed() where event.revents != 0 {
                if !serve(&peers[index], &answers) { peers.remove(at: index) }
            }
            if events[1].revents != 0 {
                let descriptor = accept(listener, nil, nil)
                if descriptor >= 0 { peers.append(Peer(descriptor: descriptor)) }
            }
        }
        close(client)
        for peer in peers {
            Self.checkRequests(peer.received)
            close(peer.descriptor)
        }
        drainListener()
        Self.checkResponse(received)
        checkThatNothingIsLeft()
    }

    private func connect() -> Int32 {
        var address = Self.loopback(port)
        var descriptor: Int32
        while true {
            descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
            let result = withUnsafePointer(to: &address) {
                $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                    Glibc.connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
                }
            }
            if result == 0 { break }
            // libFuzzer's alarm ends a call that waits.
            precondition(errno == EINTR, "the engine does not listen: \(String(cString: strerror(errno)))")
            close(descriptor)
        }
        var one: Int32 = 1
        setsockopt(descriptor, Int32(IPPROTO_TCP), TCP_NODELAY, &one, 4)
        _ = fcntl(descriptor, F_SETFL, O_NONBLOCK)
        return descriptor
    }

    private static func answer(_ part: ArraySlice<UInt8>) -> Answer {
        var bytes = part
        var ending = Ending.none
        if bytes.last == 0x1E { ending = .close } else if bytes.last == 0x1A { ending = .reset }
        if ending != .none { bytes = bytes.dropLast() }
        return Answer(pieces: bytes.split(separator: 0x1C).map(Array.init), ending: ending)
    }

    static let preface = Array("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".utf8)

    /// Where the next request head ends that is to be answered, and its stream: 0 of HTTP/1.1.
    private static func nextHead(_ peer: inout Peer) -> (end: Int, stream: UInt8)? {
        let bytes = peer.received
        guard bytes.starts(with: preface) else {
            return bytes[peer.answeredUpTo...].firstRange(of: [13, 10, 13, 10]).map { ($0.upperBound, 0) }
        }
        var position = max(peer.answeredUpTo, preface.count)
        while position + 9 <= bytes.count {
            let end =
                position + 9 + (Int(bytes[position]) << 16 | Int(bytes[position + 1]) << 8 | Int(bytes[position + 2]))
            guard end <= bytes.count else { break }
            // HEADERS, not trailers: no input has so many requests that their number would not fit.
            if bytes[position + 3] == 1, bytes[position + 8] > peer.lastStream {
                peer.lastStream = bytes[position + 8]
                return (end, peer.lastStream)
            }
            position = end
        }
        return nil
    }

    /// What answers when an input has nothing more.
    private static func ok(_ stream: UInt8) -> [UInt8] {
        if stream == 0 { return Array("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok".utf8) }
        let settings: [UInt8] = stream == 1 ? [0, 0, 0, 4, 0, 0, 0, 0, 0] : []
        return settings + [0, 0, 1, 1, 5, 0, 0, 0, stream, 0x88]
    }

    /// Answers each request head once; of HTTP/2 the first one of a connection, and all others with 200. False when the connection
    /// has ended.
    private func serve(_ peer: inout Peer, _ answers: inout ArraySlice<Answer>) -> Bool {
        let isOpen = Self.read(peer.descriptor, into: &peer.received)
        while let (end, stream) = Self.nextHead(&peer) {
            peer.answeredUpTo = end
            guard stream < 2, let answer = answers.popFirst() else {
                Self.write(peer.descriptor, Self.ok(stream))
                continue
            }
            for piece in answer.pieces { Self.write(peer.descriptor, piece) }
            guard answer.ending != .none else { continue }
            if answer.ending == .reset {
                var value = linger(l_onoff: 1, l_linger: 0)
                setsockopt(
                    peer.descriptor, SOL_SOCKET, SO_LINGER, &value, socklen_t(MemoryLayout<linger>.size))
            }
            Self.checkRequests(peer.received)
            close(peer.descriptor)
            return false
        }
        if !isOpen {
            Self.checkRequests(peer.received)
            close(peer.descriptor)
        }
        return isOpen
    }

    private func drainListener() {
        while true {
            let descriptor = accept(listener, nil, nil)
            if descriptor < 0 { return }
            close(descriptor)
        }
    }

    /// What does not fit into the socket's buffer is left out: inputs are small.
    private static func write(_ descriptor: Int32, _ bytes: [UInt8]) {
        _ = send(descriptor, bytes, bytes.count, Int32(MSG_NOSIGNAL) | Int32(MSG_DONTWAIT))
    }

    /// False at the end of the stream.
    private static func read(_ descriptor: Int32, into bytes: inout [UInt8]) -> Bool {
        var chunk = [UInt8](repeating: 0, count: 65_536)
        while true {
            let count = recv(descriptor, &chunk, chunk.count, Int32(MSG_DONTWAIT))
            if count < 0, errno == EAGAIN { return true }
            if count <= 0 { return false }
            bytes += chunk[..<count]
        }
    }

    // MARK: What must hold

    /// The first thing that the upstream gets is a head that can be read in one way only, and says for whom it is.
    private static func checkRequests(_ bytes: [UInt8]) {
        guard !bytes.isEmpty else { return }
        if bytes.starts(with: preface) { return checkFrames(Array(bytes.dropFirst(preface.count))) }
        bytes.withUnsafeBytes { bytes in
            var head = HTTP1RequestHead()
            switch head.parse(bytes, limits: HTTP1HeadLimits(headBytes: 65_000)) {
            case .incomplete: return
            case .invalid(let violation): FuzzTarget.check(false, "sent upstream: \(violation)")
            case .complete: break
            }
            FuzzTarget.check(head.fields.first(.xForwardedFor) != nil, "sent upstream without X-Forwarded-For")
            FuzzTarget.check(head.fields.first(.host) != nil, "sent upstream without Host")
            for index in 0..<head.fields.count {
                let name = head.fields[index].name.bytes(in: bytes)
                FuzzTarget.check(!name.contains(0x5F), "sent upstream with an underscore in a name")
            }
        }
    }

    private static func checkResponse(_ bytes: [UInt8]) {
        guard !bytes.isEmpty else { return }
        // A response begins with a letter, a frame with the upper byte of its length.
        if bytes[0] == 0 { return checkFrames(bytes) }
        bytes.withUnsafeBytes { bytes in
            var head = HTTP1ResponseHead()
            if case .invalid(let violation) = head.parse(
                bytes, toHead: false, limits: HTTP1HeadLimits(headBytes: 65_000))
            {
                FuzzTarget.check(false, "sent to the client: \(violation)")
            }
        }
    }

    /// Frames of HTTP/2 of types that exist and of sizes that every client takes, SETTINGS before all others.
    private static func checkFrames(_ bytes: [UInt8]) {
        var position = 0
        while position + 9 <= bytes.count {
            let length = Int(bytes[position]) << 16 | Int(bytes[position + 1]) << 8 | Int(bytes[position + 2])
            let type = bytes[position + 3]
            FuzzTarget.check(length <= 16_384, "a frame of \(length) bytes")
            FuzzTarget.check(type <= 9 && type != 5, "a frame of type \(type)")
            FuzzTarget.check(position > 0 || type == 4, "the first frame has type \(type)")
            position += 9 + length
        }
    }

    private func checkThatNothingIsLeft() {
        var last = ProxyCounters()
        for _ in 0..<2_000 {
            let box = Box()
            Task { [engine] in
                let counters = await engine.counters()
                box.answer.withLock { $0 = counters }
            }
            while true {
                if let counters = box.answer.withLock({ $0 }) {
                    last = counters
                    break
                }
                usleep(50)
            }
            if last.connectionsOpen == 0, last.upstreamConnectionsOpen == 0 { break }
            usleep(1_000)
        }
        FuzzTarget.check(last.connectionsOpen == 0, "\(last.connectionsOpen) clients are left")
        FuzzTarget.check(last.upstreamConnectionsOpen == 0, "\(last.upstreamConnectionsOpen) upstreams are left")
        FuzzTarget.check(last.bufferedBytes == 0, "\(last.bufferedBytes) bytes are left")
        FuzzTarget.check(last.tunnelsOpen == 0, "\(last.tunnelsOpen) tunnels are left")
    }

    private final class Box: Sendable {
        let answer = Mutex<ProxyCounters?>(nil)
    }
}

/// Formats every line and throws it away.
private final class CheckedLog: AccessLog {
    private let line = Mutex(AccessLogLine())

    func record(_ entry: borrowing AccessRecord) {
        var bytes: [UInt8] = []
        line.withLock { $0.append(entry, unixTime: 0, to: &bytes) }
        FuzzTarget.check(bytes.count <= AccessLogLine.maxLineBytes, "a line of \(bytes.count) bytes")
        FuzzTarget.check(
            bytes.last == 0x0A && bytes.dropLast().allSatisfy { (0x20...0x7E).contains($0) }, "a line that is not one")
    }
}
