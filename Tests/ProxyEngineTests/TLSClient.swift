@testable import Transport

/// A blocking TLS client on a ``TestSocket``.
final class TLSClient {
    private let socket: TestSocket
    private let context: TLSContext
    private let session: TLSSession
    let failure: String?

    init(_ port: UInt16, name: String?, trust: TLSContext.ServerTrust, identity: TLSIdentity? = nil) throws {
        socket = TestSocket(connectingTo: port)
        context = try TLSContext(client: trust, identity: identity)
        session = try context.session(descriptor: socket.descriptor, serverName: name)
        if case .failed(let reason) = session.handshake() { failure = reason } else { failure = nil }
    }

    deinit { session.free() }

    func send(_ bytes: [UInt8]) {
        var sent = 0
        while sent < bytes.count {
            let result = bytes.withUnsafeBytes { session.write(UnsafeRawBufferPointer(rebasing: $0[sent...])) }
            guard case .bytes(let count) = result else { return }
            sent += count
        }
    }

    func send(_ text: String) { send(Array(text.utf8)) }

    /// Up to `count` bytes, fewer at the end.
    func read(_ count: Int) -> [UInt8] {
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 16_384)
        while bytes.count < count {
            let room = min(chunk.count, count - bytes.count)
            let result = chunk.withUnsafeMutableBytes {
                session.read(into: UnsafeMutableRawBufferPointer(rebasing: $0[..<room]))
            }
            guard case .bytes(let received) = result else { break }
            bytes += chunk[..<received]
        }
        return bytes
    }

    func readHead() -> String {
        var head: [UInt8] = []
        while head.suffix(4) != [13, 10, 13, 10] {
            let byte = read(1)
            if byte.isEmpty { break }
            head += byte
        }
        return String(decoding: head, as: UTF8.self)
    }

    func get(_ target: String, host: String, length: Int) -> [UInt8] {
        send("GET \(target) HTTP/1.1\r\nHost: \(host)\r\n\r\n")
        return readHead().hasPrefix("HTTP/1.1 200") ? read(length) : []
    }
}
