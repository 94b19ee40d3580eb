import DNS
import Glibc
import NetworkTypes
import Transport

/// One socket of somebody who asks a name server. Waits for what it needs, never for a time.
final class NameClient {
    struct Failure: Error { var what: String }

    let descriptor: Int32
    private let isStream: Bool
    /// What came over a stream; messages up to `taken` were read.
    private var received: [UInt8] = []
    private var taken = 0
    private var isClosed = false

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
    @discardableResult
    static func wait(_ descriptor: Int32, _ events: Int32) throws -> Int32 {
        var ready = pollfd(fd: descriptor, events: Int16(events), revents: 0)
        guard poll(&ready, 1, 60_000) == 1 else { throw Failure(what: "nothing came") }
        return Int32(ready.revents)
    }

    /// Whether something can be read now.
    var hasInput: Bool {
        var ready = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
        return poll(&ready, 1, 0) == 1
    }

    /// Every byte, as they are; reads meanwhile what comes, since nobody has room for any number of answers. False when the
    /// other side is gone.
    @discardableResult
    func send(_ bytes: [UInt8]) throws -> Bool {
        var sent = 0
        while sent < bytes.count {
            let ready = try Self.wait(descriptor, isStream ? POLLIN | POLLOUT : POLLOUT)
            if isStream, ready & POLLIN != 0 {
                guard read() else { return false }
            }
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

    func finishSending() { Socket.shutdownWrite(descriptor) }

    /// The next message; nil when the stream ended, or the kernel says that nobody listens.
    func receive() throws -> [UInt8]? {
        while true {
            if isStream, received.count - taken >= 2 {
                let end = taken + 2 + Int(received.span.u16(at: taken))
                if received.count >= end {
                    defer { taken = end }
                    return Array(received[(taken + 2)..<end])
                }
            }
            if isClosed { return nil }
            try Self.wait(descriptor, POLLIN)
            if isStream {
                if !read() { isClosed = true }
                continue
            }
            var buffer = [UInt8](repeating: 0, count: 65_536)
            switch buffer.withUnsafeMutableBytes({ Socket.read(descriptor, into: $0) }) {
            case .bytes(let count): return Array(buffer[..<count])
            case .wouldBlock: continue
            case .closed, .failed: return nil
            }
        }
    }

    /// One read of a stream; false at its end.
    private func read() -> Bool {
        var buffer = [UInt8](repeating: 0, count: 65_536)
        switch buffer.withUnsafeMutableBytes({ Socket.read(descriptor, into: $0) }) {
        case .bytes(let count):
            received += buffer[..<count]
            return true
        case .wouldBlock: return true
        case .closed, .failed: return false
        }
    }

    func message() throws -> Wire.Message? { try receive().flatMap { Wire.Message($0) } }

    /// Asks, and reads what is answered.
    func answer(_ query: [UInt8]) throws -> Wire.Message? {
        try ask(query)
        return try message()
    }

    static func framed(_ message: [UInt8]) -> [UInt8] { Wire.bytes16(UInt16(message.count)) + message }
}
