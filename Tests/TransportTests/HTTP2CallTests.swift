import Foundation
import NetworkTypes
import Synchronization
import Testing

@testable import Transport

@Suite("A call over HTTP/2 in cleartext brings its whole answer")
struct HTTP2CallTests {
    /// Sends bytes to the first connection as soon as it has said something, and keeps what it said.
    private final class OneAnswer: Sendable {
        let address: SocketAddress
        let heard = Mutex<[UInt8]>([])
        private let listener: Int32

        init(_ answer: [UInt8], closes: Bool = false) throws {
            listener = try Socket.listen(SocketAddress(ip: .loopbackV4, port: 0))
            address = try #require(Socket.localAddress(listener))
            let listener = listener
            // The thread blocks where the product never does.
            _ = fcntl(listener, F_SETFL, fcntl(listener, F_GETFL) & ~O_NONBLOCK)
            Thread.detachNewThread { [self] in
                let peer = accept(listener, nil, nil)
                guard peer >= 0 else { return }
                var buffer = [UInt8](repeating: 0, count: 4096)
                let count = recv(peer, &buffer, buffer.count, 0)
                heard.withLock { $0 += buffer.prefix(max(0, count)) }
                _ = send(peer, answer, answer.count, Int32(MSG_NOSIGNAL))
                if closes { shutdown(peer, Int32(SHUT_WR)) }
                // Until the caller hangs up.
                while recv(peer, &buffer, buffer.count, 0) > 0 {}
                close(peer)
            }
        }

        deinit { close(listener) }
    }

    private static func frame(_ type: UInt8, _ flags: UInt8, _ stream: UInt8, _ payload: [UInt8]) -> [UInt8] {
        [0, UInt8(payload.count >> 8), UInt8(payload.count & 0xFF), type, flags, 0, 0, 0, stream] + payload
    }

    private static let settings = frame(4, 0, 0, [])
    /// `:status: 200`, from the static table.
    private static let head = frame(1, 0x4, 1, [0x88])

    private static func trailers(_ code: String) -> [UInt8] {
        let name = Array("grpc-status".utf8)
        return frame(1, 0x5, 1, [0, UInt8(name.count)] + name + [UInt8(code.utf8.count)] + Array(code.utf8))
    }

    private func call(_ server: OneAnswer, timeout: Duration = .seconds(30)) async throws -> HTTP2Call.Answer {
        let loop = try EventLoop(name: "call")
        defer { loop.stop() }
        return try await HTTP2Call.post(
            to: server.address, authority: "localhost", path: "/grpc.health.v1.Health/Check",
            fields: [("content-type", "application/grpc")], body: [0, 0, 0, 0, 0], on: loop, timeout: timeout)
    }

    @Test func `head, body and trailers come together`() async throws {
        let server = try OneAnswer(
            Self.settings + Self.head + Self.frame(0, 0, 1, [0, 0, 0, 0, 2, 0x08, 1]) + Self.trailers("0"))
        let answer = try await call(server)
        #expect(answer.status == 200)
        #expect(answer.body == [0, 0, 0, 0, 2, 0x08, 1])
        #expect(answer["grpc-status"] == "0")
        #expect(server.heard.withLock { $0.starts(with: Array("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".utf8)) })
    }

    @Test func `a server of another protocol is told`() async throws {
        let server = try OneAnswer(Array("HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n".utf8))
        let error = await #expect(throws: TransportError.self) { try await call(server) }
        #expect(error?.code == .protocolViolation)
    }

    @Test func `a connection that ends before the answer does is an error`() async throws {
        let server = try OneAnswer(Self.settings + Self.head, closes: true)
        let error = await #expect(throws: TransportError.self) { try await call(server) }
        #expect(error?.code == .connectionClosed)
    }

    @Test func `a server that never answers is given up`() async throws {
        let server = try OneAnswer(Self.settings)
        let error = await #expect(throws: TransportError.self) { try await call(server, timeout: .milliseconds(50)) }
        #expect(error?.code == .timedOut)
    }

    @Test func `an answer without end is cut`() async throws {
        let piece = Self.frame(0, 0, 1, [UInt8](repeating: 0x61, count: 16_000))
        let server = try OneAnswer(Self.settings + Self.head + piece + piece + piece + piece + piece)
        let error = await #expect(throws: TransportError.self) { try await call(server) }
        #expect(error?.code == .limitExceeded || error?.code == .protocolViolation)
    }
}
