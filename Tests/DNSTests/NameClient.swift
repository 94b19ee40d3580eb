import DNS
import Glibc
import NetworkTypes
import Transport

/// One socket of somebody who asks a name server, or of the test's own server. Waits for what it needs, never for a time.
///
/// `@unchecked Sendable`: `send` touches nothing but the descriptor, so that one task may send while another one receives.
final class NameClient: @unchecked Sendable {
    struct Failure: Error { var what: String }

    let descriptor: Int32
    private let isStream: Bool
    private var received: [UInt8] = []

    /// Connects; a stream is in progress at first.
    init(_ server: SocketAddress, isStream: Bool = false, from source: IPAddress? = nil) throws {
        let own = source.map { SocketAddress(ip: $0, port: 0) }
        descriptor =
            isStream ? try Socket.connect(server, from: own) : try Socket.connectUDP(server, from: own)
        self.isStream = isStream
    }

    /// A connection that was accepted.
    init(accepted descriptor: Int32) {
        self.descriptor = descriptor
        isStream = true
    }

    deinit { Socket.close(descriptor) }

    /// Waits until something can be done; a minute without is a failure.
    static func wait(_ descriptor: Int32, _ events: Int32) throws {
        var ready = pollfd(fd: descriptor, events: Int16(events), revents: 0)
        guard poll(&ready, 1, 60_000) == 1 else { throw Failure(what: "nothing came") }
    }

    /// Every byte, as they are; false when the other side is gone.
    @discardableResult
    func send(_ bytes: [UInt8]) throws -> Bool {
        var sent = 0
        while sent < bytes.count {
            try Self.wait(descriptor, POLLOUT)
            switch bytes[sent...].withUnsafeBytes({ Socket.write(descriptor, $0) }) {
            case .bytes(let count): sent += count
            case .wouldBlock: continue
            case .closed, .failed: return false
            }
        }
        return true
    }

    /// A message: over a stream behind its length.
    func ask(_ message: [UInt8]) throws {
        guard try send(isStream ? Self.framed(message) : message) else { throw Failure(what: "the server is gone") }
    }

    /// The next message; nil when the stream ended.
    func receive() throws -> [UInt8]? {
        while true {
            if isStream, received.count >= 2 {
                let length = Int(received.span.u16(at: 0))
                if received.count >= 2 + length {
                    defer { received.removeFirst(2 + length) }
                    return Array(received[2..<(2 + length)])
                }
            }
            try Self.wait(descriptor, POLLIN)
            var buffer = [UInt8](repeating: 0, count: 65_536)
            switch buffer.withUnsafeMutableBytes({ Socket.read(descriptor, into: $0) }) {
            case .bytes(let count):
                guard isStream else { return Array(buffer[..<count]) }
                received += buffer[..<count]
            case .wouldBlock: continue
            case .closed, .failed: return nil
            }
        }
    }

    /// Asks, and reads what is answered.
    func answer(_ query: [UInt8]) throws -> Wire.Message? {
        try ask(query)
        return try receive().flatMap { Wire.Message($0) }
    }

    static func framed(_ message: [UInt8]) -> [UInt8] { Wire.bytes16(UInt16(message.count)) + message }
}
