import Foundation
import KubeModel
import NetworkTypes
import Synchronization
import TestSupport
import Testing
import Transport

@testable import APIServer

/// `proxy` of Pods for other protocols, with backends that speak raw bytes.
@Suite("Requests for another protocol that go through to Pods") struct ProxyUpgradeTests {
    private struct Running {
        let server: TestServer
        let http: HTTPServer
        let port: Int
        let listener: RawListener

        /// Opens a connection and sends a request for the protocol `raw`.
        func open(_ behind: String = "", path: String = "pods/web/proxy/x?a=b", more: String = "") throws -> RawPeer {
            let peer = try #require(RawPeer(port: port))
            peer.send(
                "GET /api/v1/namespaces/default/\(path) HTTP/1.1\r\nHost: api\r\nConnection: keep-alive, Upgrade\r\n"
                    + "Upgrade: raw\r\nAuthorization: Bearer \(APIServerTests.TestServer.token)\r\n"
                    + "\(more)\r\n\(behind)")
            return peer
        }

        func upgrades(_ result: String) -> Int? { metric("martlet_api_proxy_upgrades_total{result=\"\(result)\"}") }

        func metric(_ name: String) -> Int? {
            server.core.pipeline.metrics.proxy.lines.lazy.filter { $0.hasPrefix(name + " ") }.compactMap {
                $0.split(separator: " ").last.flatMap { Int($0) }
            }.first
        }
    }

    /// - Parameter serve: the backend, behind the request's head.
    private func withBackend(
        configuration: HTTPServerConfiguration = HTTPServerConfiguration(), forwarder: RequestForwarder? = nil,
        serve: @escaping @Sendable (_ head: String, RawPeer) -> Void, _ body: (Running) async throws -> Void
    ) async throws {
        let listener = RawListener { peer in serve(peer.read(through: "\r\n\r\n"), peer) }
        let server = try await TestServer(serviceCIDR: "127.96.0.0/16")
        let http = HTTPServer(
            loops: server.core.loops, configuration: configuration,
            handler: PipelineHandler(pipeline: server.core.pipeline))
        let front = try http.listen(.tcp(SocketAddress(ip: .loopbackV4, port: 0)))
        let pods = "/api/v1/namespaces/default/pods"
        let pod: JSONValue = [
            "metadata": ["name": "web"],
            "spec": [
                "containers": [
                    ["name": "a", "image": "a", "ports": [["containerPort": .integer(Int64(listener.port))]]]
                ]
            ],
        ]
        #expect(await server.send("POST", pods, pod).status == 201)
        let status: JSONValue = ["status": ["phase": "Running", "podIP": "127.0.0.1", "podIPs": [["ip": "127.0.0.1"]]]]
        let merge = "application/merge-patch+json"
        #expect(await server.send("PATCH", "\(pods)/web/status", status, contentType: merge).status == 200)
        let port = Int(try #require(front.port).rawValue)
        try await body(Running(server: server, http: http, port: port, listener: listener))
        await http.shutdown(drain: .seconds(1))
    }

    private static let switching = "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: raw\r\n"

    /// Off Swift's own threads: the peers block.
    private func blocking<T: Sendable>(_ body: @escaping @Sendable () throws -> T) async throws -> T {
        try await withCheckedThrowingContinuation { continuation in
            Thread.detachNewThread { continuation.resume(with: Result { try body() }) }
        }
    }

    @Test func `bytes go both ways, those too that are early, and each end goes on to the other side`() async throws {
        let seen = Mutex("")
        try await withBackend { head, peer in
            seen.withLock { $0 = head }
            peer.send(Self.switching + "Sec-Thing: kept\r\n\r\nfirst ")
            // Early bytes, then the rest up to the client's end; only then the answer.
            peer.send(peer.readToEnd() + Array(" done".utf8))
        } _: { running in
            let answer = try await blocking {
                let peer = try running.open("early ", more: "X-Mine: 1\r\n")
                let head = peer.read(through: "\r\n\r\n")
                peer.send("late")
                peer.finishSending()
                return head + String(decoding: peer.readToEnd(), as: UTF8.self)
            }
            #expect(
                answer
                    == "HTTP/1.1 101 Switching Protocols\r\nSec-Thing: kept\r\nUpgrade: raw\r\n"
                    + "Connection: Upgrade\r\n\r\nfirst early late done")
            let head = seen.withLock { $0 }
            #expect(head.hasPrefix("GET /x?a=b HTTP/1.1\r\nHost: api\r\n"))
            #expect(head.contains("\r\nUpgrade: raw\r\n") && head.contains("\r\nConnection: Upgrade\r\n"))
            #expect(head.contains("\r\nX-Mine: 1\r\n") && head.contains("\r\nX-Forwarded-For: 127.0.0.1\r\n"))
            #expect(!head.contains("Authorization") && !head.contains("keep-alive"))
            #expect(await Polling.until { running.metric("martlet_api_proxy_tunnels") == 0 })
            #expect(running.upgrades("switched") == 1)
            #expect(running.metric("martlet_api_proxy_tunnel_bytes_total{direction=\"to_backend\"}") == 10)
            #expect(running.metric("martlet_api_proxy_tunnel_bytes_total{direction=\"to_client\"}") == 21)
            #expect(running.http.connectionCount == 0)
        }
    }

    @Test func `the backend may end first, and the client still sends`() async throws {
        let rest = Mutex<[UInt8]>([])
        try await withBackend { _, peer in
            peer.send(Self.switching + "\r\nbye")
            peer.finishSending()
            let all = peer.readToEnd()
            rest.withLock { $0 = all }
        } _: { running in
            try await blocking {
                let peer = try running.open()
                #expect(peer.read(through: "\r\n\r\n").hasPrefix("HTTP/1.1 101 "))
                #expect(peer.readToEnd() == Array("bye".utf8))
                peer.send("after it")
                peer.finishSending()
            }
            #expect(await Polling.until { rest.withLock { $0 } == Array("after it".utf8) })
            #expect(await Polling.until { running.http.connectionCount == 0 })
        }
    }

    /// More than kernel and buffers hold, and nobody takes it.
    @Test(arguments: ["to the backend", "to the client"])
    func `a side is read no further while the other does not take what there is`(direction: String) async throws {
        let total = 64 << 20
        let go = DispatchSemaphore(value: 0)
        let moved = Mutex(0)
        let isUp = direction == "to the backend"
        let sendAll: @Sendable (RawPeer) -> Void = { peer in
            let piece = [UInt8](repeating: 0x61, count: 1 << 16)
            while moved.withLock({ $0 }) < total {
                let count = peer.sendWithoutWaiting(piece)
                if count == 0 { usleep(1000) }
                moved.withLock { $0 += count }
            }
            peer.finishSending()
        }
        let takeAll: @Sendable (RawPeer) -> Int = { peer in
            var count = 0
            while true {
                let next = peer.receive()
                if next.isEmpty { return count }
                count += next.count
            }
        }
        let taken = Mutex<Int?>(nil)
        try await withBackend { _, peer in
            peer.send(Self.switching + "\r\n")
            if isUp {
                go.wait()
                let count = takeAll(peer)
                taken.withLock { $0 = count }
            } else {
                sendAll(peer)
                _ = peer.readToEnd()
            }
        } _: { running in
            Thread.detachNewThread {
                guard let peer = try? running.open() else { return }
                _ = peer.read(through: "\r\n\r\n")
                if isUp {
                    sendAll(peer)
                    _ = peer.readToEnd()
                } else {
                    go.wait()
                    let count = takeAll(peer)
                    taken.withLock { $0 = count }
                }
            }
            // Until the sender stands still.
            var last = -1
            while last != moved.withLock({ $0 }) || last <= 0 {
                last = moved.withLock { $0 }
                try await Task.sleep(for: .milliseconds(300))
            }
            let name = "martlet_api_proxy_tunnel_bytes_total{direction=\"\(isUp ? "to_backend" : "to_client")\"}"
            #expect(last < total)
            let passed = try #require(running.metric(name))
            #expect(passed < 24 << 20, "\(passed)")
            go.signal()
            #expect(await Polling.until { taken.withLock { $0 != nil } })
            #expect(taken.withLock { $0 } ?? 0 >= total)
            #expect(await Polling.until { running.metric("martlet_api_proxy_tunnels") == 0 })
        }
    }

    @Test(arguments: [
        ("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nplain", 200, "plain"),
        ("HTTP/1.1 403 Forbidden\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nno\r\n0\r\n\r\n", 403, "no"),
        ("HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 426 Upgrade Required\r\n\r\nuntil the end", 426, "until the end"),
        ("HTTP/1.1 302 Found\r\nLocation: /login\r\nContent-Length: 0\r\n\r\n", 302, ""),
    ])
    func `another answer is passed on, and ends the connection with what came behind the request`(
        answer: String, status: Int, body: String
    ) async throws {
        try await withBackend { _, peer in
            peer.send(answer)
            peer.finishSending()
        } _: { running in
            let second = "GET /api/v1/namespaces/default/pods HTTP/1.1\r\nHost: a\r\n\r\n"
            let text = try await blocking {
                String(decoding: try running.open(second).readToEnd(), as: UTF8.self)
            }
            #expect(text.hasPrefix("HTTP/1.1 \(status) "))
            #expect(text.contains("\r\nConnection: close\r\n"))
            #expect(text.matches(of: #/HTTP\/1\.1 /#).count == 1, "the second request was answered: \(text)")
            #expect(body.isEmpty || text.contains(body))
            #expect(!text.contains("\r\nLocation: ") || text.contains("/pods/web/proxy/login\r\n"))
            #expect(running.upgrades("answered") == 1)
        }
    }

    @Test(arguments: [
        "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: other\r\n\r\n",
        "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: raw, other\r\n\r\n",
        "HTTP/1.1 101 Switching Protocols\r\n\r\n", "nothing like it\r\n\r\n", "HTTP/1.1 20",
    ])
    func `an answer that can't be followed is a Status, and its connection ends`(answer: String) async throws {
        let ended = Mutex(false)
        try await withBackend { _, peer in
            peer.send(answer)
            if answer.hasSuffix("20") { return peer.finishSending() }
            _ = peer.readToEnd()
            ended.withLock { $0 = true }
        } _: { running in
            let text = try await blocking { String(decoding: try running.open().readToEnd(), as: UTF8.self) }
            #expect(text.hasPrefix("HTTP/1.1 503 "), "\(text)")
            #expect(text.contains("\"reason\":\"ServiceUnavailable\""))
            #expect(text.contains("error trying to reach service"))
            #expect(running.upgrades("failed") == 1)
            if !answer.hasSuffix("20") { #expect(await Polling.until { ended.withLock { $0 } }) }
        }
    }

    @Test func `a backend that leaves HTTP without being asked is not followed`() async throws {
        try await withBackend { _, peer in
            peer.send(Self.switching + "\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
            _ = peer.readToEnd()
        } _: { running in
            let text = try await blocking {
                let peer = try #require(RawPeer(port: running.port))
                // `Upgrade` without `Connection` asks for nothing.
                peer.send(
                    "GET /api/v1/namespaces/default/pods/web/proxy/x HTTP/1.1\r\nHost: api\r\nUpgrade: raw\r\n"
                        + "Authorization: Bearer \(APIServerTests.TestServer.token)\r\nConnection: close\r\n\r\n")
                return String(decoding: peer.readToEnd(), as: UTF8.self)
            }
            #expect(text.hasPrefix("HTTP/1.1 503 "), "\(text)")
        }
    }

    @Test(arguments: [
        ("Content-Length: 3\r\n", "abc", 400), ("Transfer-Encoding: chunked\r\n", "3\r\nabc\r\n0\r\n\r\n", 400),
        ("Authorization: Bearer other\r\n", "", 400),
    ])
    func `what is refused never reaches the backend`(field: String, body: String, status: Int) async throws {
        let reached = Atomic(false)
        try await withBackend { _, _ in
            reached.store(true, ordering: .relaxed)
        } _: { running in
            let text = try await blocking {
                String(decoding: try running.open(body, more: field).readToEnd(), as: UTF8.self)
            }
            #expect(text.hasPrefix("HTTP/1.1 \(status) "), "\(text)")
            #expect(text.contains("\"kind\":\"Status\""))
            let wasReached = reached.load(ordering: .relaxed)
            #expect(!wasReached)
        }
    }

    @Test func `a caller without credentials, and a Pod that is not there, open nothing`() async throws {
        let reached = Atomic(false)
        try await withBackend { _, _ in
            reached.store(true, ordering: .relaxed)
        } _: { running in
            let texts = try await blocking {
                let stranger = try #require(RawPeer(port: running.port))
                stranger.send(
                    "GET /api/v1/namespaces/default/pods/web/proxy/ HTTP/1.1\r\nHost: api\r\nConnection: Upgrade\r\n"
                        + "Upgrade: websocket\r\n\r\n")
                let missing = try running.open(path: "pods/none/proxy/")
                return [stranger, missing].map { String(decoding: $0.readToEnd(), as: UTF8.self) }
            }
            #expect(texts[0].hasPrefix("HTTP/1.1 401 ") && texts[1].hasPrefix("HTTP/1.1 404 "))
            let wasReached = reached.load(ordering: .relaxed)
            #expect(!wasReached)
        }
    }

    @Test func `a WebSocket's handshake is the backend's to judge`() async throws {
        try await withBackend { head, peer in
            peer.send(
                head.contains("Sec-WebSocket-Version: 8")
                    ? "HTTP/1.1 101 Web Socket Protocol Handshake\r\nConnection: Upgrade\r\nUpgrade: WebSocket\r\n\r\n"
                    : "HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")
            peer.finishSending()
        } _: { running in
            let text = try await blocking {
                let peer = try #require(RawPeer(port: running.port))
                peer.send(
                    "GET /api/v1/namespaces/default/pods/web/proxy HTTP/1.1\r\nHost: api\r\n"
                        + "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 8\r\n"
                        + "Authorization: Bearer \(APIServerTests.TestServer.token)\r\n\r\n")
                peer.finishSending()
                return String(decoding: peer.readToEnd(), as: UTF8.self)
            }
            #expect(text.hasPrefix("HTTP/1.1 101 "), "\(text)")
        }
    }

    @Test func `the token of a browser's WebSocket lets in and goes no further`() async throws {
        let seen = Mutex("")
        try await withBackend { head, peer in
            seen.withLock { $0 = head }
            peer.send("HTTP/1.1 101 OK\r\nUpgrade: websocket\r\nSec-WebSocket-Protocol: chat\r\n\r\n")
            peer.finishSending()
        } _: { running in
            let ask: @Sendable (String, String) throws -> String = { upgrade, token in
                let peer = try #require(RawPeer(port: running.port))
                let encoded = Base64URL.encode(Array(token.utf8))
                peer.send(
                    "GET /api/v1/namespaces/default/pods/web/proxy/ HTTP/1.1\r\nHost: api\r\n"
                        + "Connection: Upgrade\r\nUpgrade: \(upgrade)\r\n"
                        + "Sec-WebSocket-Protocol: base64url.bearer.authorization.k8s.io.\(encoded), chat\r\n\r\n")
                peer.finishSending()
                return String(decoding: peer.readToEnd(), as: UTF8.self)
            }
            let answers = try await blocking {
                [
                    try ask("websocket", APIServerTests.TestServer.token), try ask("websocket", "wrong"),
                    try ask("raw", APIServerTests.TestServer.token),
                ]
            }
            #expect(answers.map { $0.prefix(13) } == ["HTTP/1.1 101 ", "HTTP/1.1 401 ", "HTTP/1.1 401 "])
            #expect(answers[0].contains("\r\nSec-WebSocket-Protocol: chat\r\n"))
            let head = seen.withLock { $0 }
            #expect(head.contains("\r\nSec-WebSocket-Protocol: chat\r\n") && !head.contains("bearer"), "\(head)")
        }
    }

    @Test func `a connection that breaks takes the other along`() async throws {
        let ended = Mutex(false)
        try await withBackend { head, peer in
            peer.send(Self.switching + "\r\n")
            if head.contains("GET /reset") {
                _ = peer.receive(1)
                return peer.resetAtEnd()
            }
            _ = peer.readToEnd()
            ended.withLock { $0 = true }
        } _: { running in
            try await blocking {
                let peer = try running.open(path: "pods/web/proxy/reset")
                _ = peer.read(through: "\r\n\r\n")
                peer.send("x")
                #expect(peer.readToEnd().isEmpty)
            }
            #expect(await Polling.until { running.metric("martlet_api_proxy_tunnels") == 0 })
            try await blocking {
                let peer = try running.open()
                _ = peer.read(through: "\r\n\r\n")
                peer.resetAtEnd()
            }
            #expect(await Polling.until { ended.withLock { $0 } })
            #expect(await Polling.until { running.metric("martlet_api_proxy_tunnels") == 0 })
        }
    }

    @Test func `a half of a tunnel in which nothing passes is not kept for ever`() async throws {
        var configuration = HTTPServerConfiguration()
        configuration.halfClosedTimeout = .milliseconds(10)
        try await withBackend(configuration: configuration) { _, peer in
            peer.send(Self.switching + "\r\n")
            peer.finishSending()
            _ = peer.readToEnd()
        } _: { running in
            let peer = try running.open()
            #expect(await Polling.until { running.upgrades("switched") == 1 })
            #expect(await Polling.until { running.metric("martlet_api_proxy_tunnels") == 0 })
            #expect(await Polling.until { running.http.connectionCount == 0 })
            _ = peer
        }
    }

    @Test func `tunnels end when the server does, and what was written arrives`() async throws {
        let ended = Mutex(false)
        try await withBackend { _, peer in
            peer.send(Self.switching + "\r\nlast words")
            _ = peer.readToEnd()
            ended.withLock { $0 = true }
        } _: { running in
            let peer = try running.open()
            let head = try await blocking { peer.read(through: "last words") }
            #expect(head.hasPrefix("HTTP/1.1 101 "))
            await running.http.shutdown(drain: .seconds(60))
            #expect(running.http.connectionCount == 0)
            #expect(try await blocking { peer.readToEnd().isEmpty })
            #expect(await Polling.until { ended.withLock { $0 } })
        }
    }

    @Test func `half an answer is not taken for a whole one when the server stops`() async throws {
        try await withBackend { _, peer in
            peer.send("HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\nhalf")
            _ = peer.readToEnd()
        } _: { running in
            let peer = try #require(RawPeer(port: running.port))
            peer.send(
                "GET /api/v1/namespaces/default/pods/web/proxy/x HTTP/1.1\r\nHost: api\r\n"
                    + "Authorization: Bearer \(APIServerTests.TestServer.token)\r\n\r\n")
            let head = try await blocking { peer.read(through: "half\r\n") }
            #expect(head.contains("\r\nTransfer-Encoding: chunked\r\n"))
            await running.http.shutdown(drain: .milliseconds(300))
            #expect(try await blocking { peer.readToEnd().isEmpty })
        }
    }

    // MARK: Limits

    private static func destination(_ port: Int) throws -> ProxyDestination {
        ProxyDestination(
            address: .loopbackV4, port: try #require(UInt16(exactly: port).flatMap(Port.init)), usesTLS: false)
    }

    private static func outcome(_ forwarder: RequestForwarder, port: Int) async throws -> RequestForwarder.Outcome {
        let destination = try destination(port)
        let offer = try #require(
            UpgradeOffer(
                HTTPRequest(method: .get, target: "/", headers: ["Connection": "upgrade", "Upgrade": "raw"])))
        return await withCheckedContinuation { continuation in
            forwarder.forward(
                RequestForwarder.Request(method: "GET", target: "/", headers: [:], body: [], prefix: "/p"),
                offering: offer, to: destination, by: "me", SingleResponse { _ in }
            ) { continuation.resume(returning: $0) }
        }
    }

    @Test func `a backend that stays silent is a timeout, and one that is not there is not available`() async throws {
        let loops = try EventLoop.group(count: 1)
        defer { for loop in loops { loop.stop() } }
        let forwarder = RequestForwarder(loops: loops, answerTimeout: .milliseconds(50))
        let silent = RawListener { _ = $0.readToEnd() }
        guard case .failed(let status) = try await Self.outcome(forwarder, port: silent.port) else {
            Issue.record("answered")
            return
        }
        #expect(status.code == 504 && status.reason == .timeout)
        // A port that was just given back: nobody listens there.
        let free = RawListener { _ in }.port
        guard case .failed(let status) = try await Self.outcome(forwarder, port: free) else {
            Issue.record("answered")
            return
        }
        #expect(status.code == 503)
        #expect(await Polling.until { forwarder.tunnels.count == 0 })
    }

    @Test func `tunnels are limited for each user and for all`() async throws {
        let limit = TunnelLimit(maximum: 3, maximumPerUser: 2)
        #expect(limit.enter("a") && limit.enter("a") && !limit.enter("a"))
        #expect(limit.enter("b") && !limit.enter("b") && !limit.enter("c"))
        limit.leave("a")
        #expect(limit.enter("c") && limit.count == 3)
        let loops = try EventLoop.group(count: 1)
        defer { for loop in loops { loop.stop() } }
        let forwarder = RequestForwarder(loops: loops, tunnels: TunnelLimit(maximum: 0))
        guard case .failed(let status) = try await Self.outcome(forwarder, port: 9) else {
            Issue.record("answered")
            return
        }
        #expect(status.code == 429)
    }
}
