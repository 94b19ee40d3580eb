import Foundation
import NetworkTypes
import Testing
import Transport

@testable import Controllers

@Suite("A gRPC probe asks a server for real") struct ProbeClientTests {
    /// Answers the first call of the first connection with one message.
    private final class HealthServer: Sendable {
        let port: UInt16
        private let listener: Int32

        init(_ message: [UInt8], code: UInt8) throws {
            listener = try Socket.listen(SocketAddress(ip: .loopbackV4, port: 0))
            port = try #require(Socket.localAddress(listener)).port.rawValue
            func frame(_ type: UInt8, _ flags: UInt8, _ stream: UInt8, _ payload: [UInt8]) -> [UInt8] {
                [0, 0, UInt8(payload.count), type, flags, 0, 0, 0, stream] + payload
            }
            let trailer = [0, 11] + Array("grpc-status".utf8) + [1, UInt8(ascii: "0") + code]
            // SETTINGS, `:status: 200`, the message behind its length, and the trailer (RFC 9113, RFC 7541, gRPC over HTTP/2).
            let answer =
                frame(4, 0, 0, []) + frame(1, 4, 1, [0x88])
                + frame(0, 0, 1, [0, 0, 0, 0, UInt8(message.count)] + message)
                + frame(1, 5, 1, trailer)
            let listener = listener
            _ = fcntl(listener, F_SETFL, fcntl(listener, F_GETFL) & ~O_NONBLOCK)
            Thread.detachNewThread {
                let peer = accept(listener, nil, nil)
                guard peer >= 0 else { return }
                var buffer = [UInt8](repeating: 0, count: 4096)
                _ = recv(peer, &buffer, buffer.count, 0)
                _ = send(peer, answer, answer.count, Int32(MSG_NOSIGNAL))
                // Until the caller hangs up.
                while recv(peer, &buffer, buffer.count, 0) > 0 {}
                close(peer)
            }
        }

        deinit { close(listener) }
    }

    @Test(
        arguments: [
            ([0x08, 1], 0, nil), ([0x08, 2], 0, "NOT_SERVING"), ([], 5, "grpc-status 5"),
        ] as [([UInt8], UInt8, String?)])
    func `what the server says decides`(message: [UInt8], code: UInt8, failure: String?) async throws {
        let server = try HealthServer(message, code: code)
        let said = try await ProbeClient().check(
            ProbeTarget(host: "127.0.0.1", port: Int(server.port), check: .grpc(service: "shop")), timeout: .seconds(30)
        )
        if let failure { #expect(said?.contains(failure) == true, "\(said ?? "")") } else { #expect(said == nil) }
    }

    @Test func `nobody there is a failure`() async throws {
        let said = try await ProbeClient().check(
            ProbeTarget(host: "127.83.0.9", port: 9, check: .grpc(service: "")), timeout: .seconds(5))
        #expect(said != nil)
    }
}
