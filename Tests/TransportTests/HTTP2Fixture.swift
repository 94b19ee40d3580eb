import Foundation
import NetworkTypes
import System

@testable import Transport

/// A server that speaks HTTP/2 over TLS, and clients for it.
struct HTTP2Fixture {
    let directory: TemporaryDirectory
    let authority: CertificateAuthority
    let server: TestServer

    init(_ configure: (inout HTTPServerConfiguration) -> Void = { _ in }) throws {
        directory = try TemporaryDirectory()
        authority = try .create(commonName: "ca")
        try FileBytes.replace(directory.file("ca.crt"), with: authority.certificatePEM, mode: 0o644)
        let credentials = try authority.issueServer(dnsNames: ["localhost"], addresses: [.loopbackV4])
        let identity = try TLSIdentity(certificatePEM: credentials.certificatePEM, keyPEM: credentials.keyPEM)
        var configuration = HTTPServerConfiguration(
            tls: try TLSContext(server: TLSCertificates(fallback: identity)))
        configure(&configuration)
        server = try TestServer(configuration: configuration)
    }

    func url(_ path: String) -> String { "https://localhost:\(server.port)\(path)" }

    func curl(_ path: String, _ arguments: [String] = []) async throws -> (status: Int32, output: String) {
        try await run(
            "curl",
            ["-s", "--http2", "--max-time", "20", "--cacert", directory.file("ca.crt")] + arguments + [url(path)])
    }

    /// A blocking TLS connection that has agreed on h2 and sent its preface, with these settings.
    func session(settings: [UInt8] = []) throws -> RawTLS {
        let connection = try connection()
        connection.send(HTTP2Frame.preface + HTTP2Frame.bytes(type: 4, settings))
        return connection
    }

    /// A blocking TLS connection that has agreed on h2.
    func connection() throws -> RawTLS {
        try RawTLS(port: server.port, authority: authority.certificatePEM, protocols: ["h2"])
    }
}

/// One frame (RFC 9113, 4.1) to be sent, or that was read.
struct HTTP2Frame {
    static let preface = Array("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".utf8)
    static let data: UInt8 = 0
    static let headers: UInt8 = 1
    static let resetStream: UInt8 = 3
    static let goAway: UInt8 = 7

    var type: UInt8
    var flags: UInt8
    var stream: UInt32
    var payload: [UInt8]

    /// The error code of RST_STREAM.
    var errorCode: UInt32 { payload.prefix(4).reduce(0) { $0 << 8 | UInt32($1) } }

    static func bytes(type: UInt8, flags: UInt8 = 0, stream: UInt32 = 0, _ payload: [UInt8] = []) -> [UInt8] {
        let count = payload.count
        var bytes: [UInt8] = [UInt8(count >> 16 & 255), UInt8(count >> 8 & 255), UInt8(count & 255), type, flags]
        for shift in stride(from: 24, through: 0, by: -8) { bytes.append(UInt8(stream >> UInt32(shift) & 255)) }
        return bytes + payload
    }

    /// HEADERS of a request, without Huffman coding and the dynamic table (RFC 7541, 6.2.2).
    static func request(
        _ stream: UInt32, _ method: String, _ path: String, ends: Bool, fields: [(String, String)] = []
    ) -> [UInt8] {
        var block: [UInt8] = [0x87]
        for (name, value) in [(":method", method), (":path", path), (":authority", "localhost")] + fields {
            block += [0, UInt8(name.utf8.count)] + Array(name.utf8) + [UInt8(value.utf8.count)] + Array(value.utf8)
        }
        return bytes(type: headers, flags: ends ? 5 : 4, stream: stream, block)
    }

    /// The whole frames at the start of `bytes`.
    static func parse(_ bytes: [UInt8]) -> [HTTP2Frame] {
        var frames: [HTTP2Frame] = []
        var position = 0
        while position + 9 <= bytes.count {
            let count = Int(bytes[position]) << 16 | Int(bytes[position + 1]) << 8 | Int(bytes[position + 2])
            guard position + 9 + count <= bytes.count else { break }
            let stream = bytes[position + 5..<position + 9].reduce(UInt32(0)) { $0 << 8 | UInt32($1) }
            frames.append(
                HTTP2Frame(
                    type: bytes[position + 3], flags: bytes[position + 4], stream: stream,
                    payload: Array(bytes[position + 9..<position + 9 + count])))
            position += 9 + count
        }
        return frames
    }
}

/// A blocking TLS client for bytes of one's own.
final class RawTLS {
    private let descriptor: Int32
    private let session: TLSSession
    private let context: TLSContext

    init(port: UInt16, authority: [UInt8], protocols: [String]) throws {
        context = try TLSContext(client: .authorities(pem: authority), protocols: protocols)
        descriptor = try Socket.connect(SocketAddress(ip: .loopbackV4, port: Port(port)))
        _ = fcntl(descriptor, F_SETFL, fcntl(descriptor, F_GETFL) & ~O_NONBLOCK)
        var limit = timeval(tv_sec: 10, tv_usec: 0)
        setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
        session = try context.session(descriptor: descriptor, serverName: "localhost")
        // OpenSSL writes with write(2): a server that has closed must not end the test process.
        signal(SIGPIPE, SIG_IGN)
        guard session.handshake() == .complete else { throw TransportError(.tls, "handshake") }
    }

    deinit {
        session.free()
        close(descriptor)
    }

    func send(_ bytes: [UInt8]) { _ = trySend(bytes) }

    /// - Returns: whether the connection has taken all of it.
    func trySend(_ bytes: [UInt8]) -> Bool {
        var sent = 0
        while sent < bytes.count {
            guard case .bytes(let count) = bytes[sent...].withUnsafeBytes({ session.write($0) }) else { return false }
            sent += count
        }
        return true
    }

    func readToEnd() -> [UInt8] { read { _ in false } }

    /// Frames until they are enough, the connection ends, or ten seconds of silence.
    func frames(until isEnough: ([HTTP2Frame]) -> Bool) -> [HTTP2Frame] {
        HTTP2Frame.parse(read { isEnough(HTTP2Frame.parse($0)) })
    }

    private func read(_ isEnough: ([UInt8]) -> Bool) -> [UInt8] {
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 65_536)
        while !isEnough(bytes), case .bytes(let count) = buffer.withUnsafeMutableBytes({ session.read(into: $0) }) {
            bytes.append(contentsOf: buffer[..<count])
        }
        return bytes
    }
}
