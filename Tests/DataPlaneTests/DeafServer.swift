import Glibc
import NetworkTypes
import Testing
import Transport

/// A TCP server that accepts one connection and never reads.
final class DeafServer {
    let address: SocketAddress
    private let listener: Int32
    private var accepted: Int32 = -1

    init() throws {
        listener = try Socket.listen(SocketAddress("127.0.0.1:0")!)
        address = try #require(Socket.localAddress(listener))
    }

    deinit {
        if accepted >= 0 { Socket.close(accepted) }
        Socket.close(listener)
    }

    func waitForConnection() throws {
        guard accepted < 0 else { return }
        var ready = pollfd(fd: listener, events: Int16(POLLIN), revents: 0)
        try #require(poll(&ready, 1, 10_000) == 1)
        guard case .connection(let descriptor, _) = Socket.accept(listener) else {
            throw BlockingSocket.Failure(number: errno)
        }
        accepted = descriptor
    }

    /// Whether the connection breaks with a reset, waiting for it.
    func nextReset() throws -> Bool {
        try waitForConnection()
        var ready = pollfd(fd: accepted, events: 0, revents: 0)
        guard poll(&ready, 1, 10_000) == 1 else { return false }
        return Socket.pendingError(accepted) == ECONNRESET
    }
}

/// The kernel's list of IPv4 TCP sockets (proc(5), `/proc/net/tcp`).
struct TCPSocketTable {
    struct Entry {
        var local: SocketAddress
        var remote: SocketAddress
        var isEstablished: Bool
        /// The kernel asks the peer whether it is there when nothing else is under way.
        var hasKeepaliveTimer: Bool
    }

    static func current() throws -> [Entry] {
        guard let file = fopen("/proc/self/net/tcp", "r") else { throw BlockingSocket.Failure(number: errno) }
        defer { fclose(file) }
        var entries: [Entry] = []
        var line = [CChar](repeating: 0, count: 512)
        while fgets(&line, 512, file) != nil {
            let text = String(decoding: line.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
            let words = text.split(separator: " ")
            guard words.count > 5, let local = address(words[1]), let remote = address(words[2]) else { continue }
            entries.append(
                Entry(
                    local: local, remote: remote, isEstablished: words[3] == "01",
                    hasKeepaliveTimer: words[5].hasPrefix("02:")))
        }
        return entries
    }

    private static func address(_ text: Substring) -> SocketAddress? {
        let parts = text.split(separator: ":")
        guard parts.count == 2, let ip = UInt32(parts[0], radix: 16), let port = UInt16(parts[1], radix: 16) else {
            return nil
        }
        return SocketAddress(ip: IPAddress(v4: ip.byteSwapped), port: Port(port))
    }
}
