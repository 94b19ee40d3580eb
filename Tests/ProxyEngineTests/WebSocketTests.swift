import Foundation
import NetworkTypes
import Testing

@testable import ProxyEngine

@Suite("WebSockets over HTTP/2 (RFC 8441)") struct WebSocketTests {
    private typealias Client = HTTP2TestClient

    private static func connect(_ path: String) -> [(String, String)] {
        [
            (":method", "CONNECT"), (":protocol", "websocket"), (":scheme", "http"), (":authority", "a.example"),
            (":path", path), ("sec-websocket-version", "13"),
        ]
    }

    @Test func `a key is accepted as RFC 6455 section 1.3 shows`() {
        let key = WebSocketKey("dGhlIHNhbXBsZSBub25jZQ==".utf8)
        #expect(String(decoding: key.accept, as: UTF8.self) == "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=")
        #expect(WebSocketKey().text.count == 24)
        #expect(WebSocketKey() != WebSocketKey())
    }

    @Test func `a WebSocket over HTTP/2 is one over HTTP/1.1 to the upstream`() async throws {
        let upstream = FakeUpstream()
        let harness = try EngineHarness([upstream.address])
        let client = Client(harness.connect())
        client.head(1, Self.connect("/upgrade"), ends: false)
        while (client.answers[1]?.body.count ?? 0) < 6, client.readFrame() != nil {}
        #expect(client.answers[1]?.status == 200)
        #expect(client.answers[1]?.text == "hello ")
        // What is the handshake's stays with it (RFC 8441 section 5).
        for name in ["upgrade", "connection", "content-length", "sec-websocket-accept"] {
            #expect(client.answers[1]?[name] == nil)
        }
        client.content(1, Array("frames".utf8), ends: false)
        while (client.answers[1]?.body.count ?? 0) < 12, client.readFrame() != nil {}
        client.content(1, [], ends: true)
        let answer = client.answer(1)
        #expect(answer.text == "hello frames")
        #expect(answer.isEnded)
        let request = try #require(upstream.requests.first)
        #expect(request.startLine == "GET /upgrade HTTP/1.1")
        #expect(request["upgrade"] == "websocket")
        #expect(request.all("sec-websocket-key").count == 1)
        let counters = await harness.counters { $0.tunnelsOpen == 0 && $0.bufferedBytes == 0 }
        #expect(counters.tunnelsOpen == 0)
        await harness.stop()
        upstream.stop()
    }

    @Test func `what is sent before the answer is the tunnel's`() async throws {
        let upstream = FakeUpstream()
        let harness = try EngineHarness([upstream.address])
        let client = Client(harness.connect())
        client.socket.send(
            Client.frame(1, 4, 1, Client.block(Self.connect("/upgrade") + [("sec-websocket-key", "b3VycyE=")]))
                + Client.frame(0, 0, 1, Array("early".utf8)) + Client.frame(0, 1, 1, Array(" bird".utf8)))
        #expect(client.answer(1).text == "hello early bird")
        let keys = upstream.requests.first?.all("sec-websocket-key") ?? []
        #expect(keys.count == 1)
        #expect(keys.first != "b3VycyE=")
        await harness.stop()
        upstream.stop()
    }

    /// To extended CONNECT every success is an open tunnel.
    @Test(arguments: [
        ("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", 502), ("HTTP/1.1 204 No Content\r\n\r\n", 502),
        ("HTTP/1.1 302 Found\r\nLocation: /\r\nContent-Length: 0\r\n\r\n", 502),
        ("HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\nno", 403),
        ("HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n", 503),
        ("HTTP/1.1 101 Yes\r\nUpgrade: websocket\r\nConnection: upgrade\r\n\r\n", 502),
        (
            "HTTP/1.1 101 Yes\r\nUpgrade: websocket\r\nConnection: upgrade\r\n"
                + "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n", 502
        ),
    ])
    func `an upgrade that the upstream does not make is a failure`(response: String, status: Int) async throws {
        let upstream = FakeUpstream { socket, _ in socket.send(response) }
        let harness = try EngineHarness([upstream.address])
        let client = Client(harness.connect())
        client.head(1, Self.connect("/"), ends: false)
        #expect(client.answer(1).status == status)
        let counters = await harness.counters { $0.tunnelsOpen == 0 && $0.bufferedBytes == 0 }
        #expect(counters.tunnelsOpen == 0)
        await harness.stop()
        upstream.stop()
    }

    @Test func `another protocol than the one that was asked for is none`() async throws {
        let upstream = FakeUpstream { socket, request in
            let accept = String(decoding: WebSocketKey((request["Sec-WebSocket-Key"] ?? "").utf8).accept, as: UTF8.self)
            return socket.send(
                "HTTP/1.1 101 Yes\r\nUpgrade: echo\r\nConnection: upgrade\r\nSec-WebSocket-Accept: \(accept)\r\n\r\n")
        }
        let harness = try EngineHarness([upstream.address])
        let client = Client(harness.connect())
        client.head(1, Self.connect("/"), ends: false)
        #expect(client.answer(1).status == 502)
        await harness.stop()
        upstream.stop()
    }

    @Test func `an upstream that speaks HTTP/2 is asked nothing that it would take for a GET`() async throws {
        let upstream = FakeUpstream(raw: { socket in
            let server = Client(serving: socket)
            while let stream = server.nextHead() { server.head(stream, [(":status", "200")]) }
        })
        var configuration = EngineHarness.toAll([upstream.address])
        configuration.upstreams[0].version = .http2
        let harness = try EngineHarness(configuration)
        let client = Client(harness.connect())
        client.head(1, Self.connect("/"), ends: false)
        #expect(client.answer(1).status == 501)
        #expect(upstream.accepted == 0)
        client.head(3, Client.get("/"))
        #expect(client.answer(3).status == 200)
        await harness.stop()
        upstream.stop()
    }
}
