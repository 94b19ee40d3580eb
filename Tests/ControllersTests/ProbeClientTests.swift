import Foundation
import KubeModel
import NetworkTypes
import Synchronization
import TestSupport
import Testing
import Transport

@testable import Controllers

@Suite("Probes ask servers for real") struct ProbeClientTests {
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

    /// A server that means no good, or that is none.
    struct Hostile: Sendable, CustomTestStringConvertible {
        var testDescription: String
        var check: ProbeTarget.Check
        /// Enough for an answer where one is expected, and short where the time has to end it.
        var timeout = Duration.milliseconds(300)
        var passes = false
        /// What it says once it has been asked.
        var greeting = ""
        /// What it says for ever after that.
        var refrain: [UInt8] = []

        static let plain = ProbeTarget.Check.http(isSecure: false, path: "/", headers: [])
        static let secure = ProbeTarget.Check.http(isSecure: true, path: "/", headers: [])
        static let grpc = ProbeTarget.Check.grpc(service: "")
        private static let long = Duration.seconds(30)
        private static let head = "HTTP/1.1 200 OK\r\n"
        /// A frame of SETTINGS.
        private static let opening = "\0\0\0\u{4}\0\0\0\0\0"

        static let all: [Hostile] = [
            Hostile(
                testDescription: "an endless body", check: plain, timeout: long, passes: true,
                greeting: head + "Content-Length: 999999999999\r\n\r\n", refrain: [UInt8](repeating: 65, count: 65_536)),
            Hostile(
                testDescription: "endless chunks", check: plain, timeout: long, passes: true,
                greeting: head + "Transfer-Encoding: chunked\r\n\r\n", refrain: Array("4\r\nabcd\r\n".utf8)),
            Hostile(
                testDescription: "an endless head", check: plain, timeout: long, greeting: head,
                refrain: Array("X-Again: and again\r\n".utf8)),
            Hostile(
                testDescription: "an endless line", check: plain, timeout: long, greeting: head + "X: ",
                refrain: Array("and again".utf8)),
            Hostile(
                testDescription: "an answer that never begins", check: plain,
                refrain: Array("HTTP/1.1 100 Continue\r\n\r\n".utf8)),
            Hostile(testDescription: "no answer", check: plain),
            Hostile(testDescription: "no HTTP", check: plain, timeout: long, greeting: "SSH-2.0-OpenSSH_9.9\r\n\r\n"),
            Hostile(
                testDescription: "a way elsewhere, which nobody goes", check: plain, timeout: long, passes: true,
                greeting: "HTTP/1.1 302 Found\r\nLocation: http://169.254.169.254/\r\nContent-Length: 0\r\n\r\n"),
            Hostile(testDescription: "a handshake that never begins", check: secure),
            Hostile(
                testDescription: "a handshake of nonsense", check: secure, timeout: long,
                refrain: Array("HTTP/1.1 400 Bad Request\r\n\r\n".utf8)),
            Hostile(testDescription: "a call without an answer", check: grpc),
            Hostile(
                testDescription: "a call that is answered without end", check: grpc, timeout: long,
                // The head of an answer, then DATA of 16,000 bytes.
                greeting: opening + "\0\0\u{1}\u{1}\u{4}\0\0\0\u{1}\u{88}",
                refrain: [0, 0x3E, 0x80, 0, 0, 0, 0, 0, 1] + [UInt8](repeating: 0, count: 16_000)),
            Hostile(
                testDescription: "a call that is pinged without end", check: grpc, greeting: opening,
                refrain: [0, 0, 8, 6, 0, 0, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8]),
        ]
    }

    @Test(arguments: Hostile.all)
    func `whatever a server does, a check ends and hangs up`(hostile: Hostile) async throws {
        let hangUps = Mutex(0)
        let greeting = hostile.greeting.unicodeScalars.map { UInt8(truncatingIfNeeded: $0.value) }
        let server = RawListener { peer in
            _ = peer.receive()
            _ = peer.send(greeting)
            if hostile.refrain.isEmpty {
                _ = peer.readToEnd()
            } else {
                while peer.send(hostile.refrain) {}
            }
            hangUps.withLock { $0 += 1 }
        }
        let said = try await ProbeClient().check(
            ProbeTarget(host: "127.0.0.1", port: server.port, check: hostile.check), timeout: hostile.timeout)
        #expect((said == nil) == hostile.passes, "\(said ?? "passed")")
        // Sooner than the server would give up by itself.
        try await eventually { hangUps.withLock { $0 } == 1 }
    }
}
