import Foundation
import KubeModel
import NetworkTypes
import Synchronization
import Testing
import Transport

@testable import APIServer

/// `proxy` of Pods and Services, with a backend on this machine.
@Suite("Requests that go through to Pods") struct ProxyTests {
    /// Says what it was asked.
    private final class Backend: HTTPServerHandler {
        let streams = Mutex<[HTTPResponseStream]>([])

        func handle(_ request: HTTPRequest, _ responder: HTTPResponder) {
            switch request.path {
            case "/moved": responder.send(HTTPResponse(status: 302, headers: ["Location": "/there"], body: [UInt8]()))
            case "/missing": responder.send(HTTPResponse(status: 404, text: "not here\n"))
            case "/big":
                responder.send(HTTPResponse(status: 200, body: [UInt8](repeating: 0x61, count: 3_000_000)))
            case "/broken":
                let stream = responder.startStream(status: 200, headers: [:])
                stream.write(Array("half".utf8))
                streams.withLock { $0.append(stream) }
            default:
                responder.withBody(of: request) { request in
                    let seen: JSONValue = [
                        "method": .string(request.method.rawValue), "target": .string(request.target),
                        "authorization": request.headers["Authorization"].map { .string($0) } ?? .null,
                        "forwarded": .string(request.headers["X-Forwarded-Uri"] ?? ""),
                        "body": .string(String(decoding: request.body, as: UTF8.self)),
                    ]
                    responder.send(
                        HTTPResponse(
                            status: 200, headers: ["Content-Type": "application/json", "X-Backend": "yes"],
                            body: seen.encoded()))
                }
            }
        }
    }

    private struct Running {
        let server: TestServer
        let client: HTTPClient
        let backend: Backend
        let port: Int

        func send(_ method: HTTPMethod, _ path: String, body: [UInt8] = []) async throws -> HTTPClientResponse {
            try await client.send(
                HTTPClientRequest(
                    method: method, target: "/api/v1/namespaces/default/\(path)",
                    headers: ["Authorization": "Bearer \(TestServer.token)"], body: body))
        }
    }

    /// - Parameter serviceCIDR: with one on the loopback, Pods may be there too.
    private func withBackend(
        serviceCIDR: String = "127.96.0.0/16", _ body: (Running) async throws -> Void
    ) async throws {
        let loops = try EventLoop.group(count: 2)
        defer { for loop in loops { loop.stop() } }
        let backend = Backend()
        let web = HTTPServer(loops: loops, configuration: HTTPServerConfiguration(), handler: backend)
        let bound = try web.listen(.tcp(SocketAddress(ip: .loopbackV4, port: 0)))
        let server = try await TestServer(serviceCIDR: serviceCIDR)
        let http = HTTPServer(
            loops: server.core.loops, configuration: HTTPServerConfiguration(),
            handler: PipelineHandler(pipeline: server.core.pipeline))
        let front = try http.listen(.tcp(SocketAddress(ip: .loopbackV4, port: 0)))
        let client = HTTPClient(
            endpoint: .tcp(host: "127.0.0.1", port: try #require(front.port)), loops: loops)
        let port = Int(try #require(bound.port).rawValue)
        try await makePod(server, port: port)
        try await body(Running(server: server, client: client, backend: backend, port: port))
        client.shutdown()
        await http.shutdown()
        await web.shutdown()
    }

    private func makePod(_ server: TestServer, port: Int, address: String = "127.0.0.1") async throws {
        let pods = "/api/v1/namespaces/default/pods"
        let pod: JSONValue = [
            "metadata": ["name": "web"],
            "spec": [
                "containers": [["name": "a", "image": "a", "ports": [["containerPort": .integer(Int64(port))]]]]
            ],
        ]
        #expect(await server.send("POST", pods, pod).status == 201)
        let status: JSONValue = [
            "status": ["phase": "Running", "podIP": .string(address), "podIPs": [["ip": .string(address)]]]
        ]
        let merge = "application/merge-patch+json"
        #expect(await server.send("PATCH", "\(pods)/web/status", status, contentType: merge).status == 200)
    }

    private func makeService(
        _ running: Running, ready: Bool = true, reference: JSONValue? = nil, address: String = "127.0.0.1"
    ) async {
        var service = Samples.service("web", port: 80)
        service["spec"]["ports"][0]["name"] = "http"
        _ = await running.server.send("POST", Samples.services, service)
        var endpoint: JSONValue = ["addresses": [.string(address)], "conditions": ["ready": .bool(ready)]]
        endpoint["targetRef"] = reference
        let slice: JSONValue = [
            "metadata": ["name": "web-1", "labels": ["kubernetes.io/service-name": "web"]], "addressType": "IPv4",
            "ports": [["name": "http", "port": .integer(Int64(running.port)), "protocol": "TCP"]],
            "endpoints": [endpoint],
        ]
        let answer = await running.server.send(
            "POST", "/apis/discovery.k8s.io/v1/namespaces/default/endpointslices", slice)
        #expect(answer.status == 201, "\(answer.message)")
    }

    private static let pod: JSONValue = ["kind": "Pod", "namespace": "default", "name": "web"]

    @Test(arguments: ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"])
    func `every method goes to the Pod with path, query and body, without credentials`(method: String) async throws {
        try await withBackend { running in
            let body = ["POST", "PUT", "PATCH"].contains(method) ? Array("text".utf8) : []
            let answer = try await running.send(
                HTTPMethod(rawValue: method), "pods/web/proxy/a//b%2Fc/?x=1&y", body: body)
            #expect(answer.status == 200)
            #expect(answer.headers["X-Backend"] == "yes")
            let seen = try JSONParser.parse(answer.body)
            #expect(seen["method"].string == method)
            #expect(seen["target"] == "/a//b%2Fc/?x=1&y")
            #expect(seen["authorization"] == .null)
            #expect(seen["forwarded"] == "/api/v1/namespaces/default/pods/web/proxy/a//b%2Fc/")
            #expect(seen["body"].string?.utf8.count == body.count)
        }
    }

    @Test func `an answer is passed on as it is, however large`() async throws {
        try await withBackend { running in
            let missing = try await running.send(.get, "pods/web:\(running.port)/proxy/missing")
            #expect(missing.status == 404 && String(decoding: missing.body, as: UTF8.self) == "not here\n")
            let big = try await running.send(.get, "pods/web/proxy/big")
            #expect(big.body.count == 3_000_000)
            let moved = try await running.send(.get, "pods/web/proxy/moved")
            #expect(moved.headers["Location"] == "/api/v1/namespaces/default/pods/web/proxy/there")
            #expect(try await running.send(.head, "pods/web/proxy/x").status == 200)
        }
    }

    @Test func `an answer that breaks is seen to be broken`() async throws {
        try await withBackend { running in
            let stream = try await running.client.stream(
                HTTPClientRequest(
                    target: "/api/v1/namespaces/default/pods/web/proxy/broken",
                    headers: ["Authorization": "Bearer \(TestServer.token)"]))
            await #expect(throws: (any Error).self) {
                for try await _ in stream.body {
                    for stream in running.backend.streams.withLock({ $0 }) { stream.cancel() }
                }
            }
        }
    }

    @Test func `a path without a slash is redirected`() async throws {
        try await withBackend { running in
            let answer = try await running.send(.get, "pods/web/proxy?x=1")
            #expect(answer.status == 301)
            #expect(answer.headers["Location"] == "/api/v1/namespaces/default/pods/web/proxy/?x=1")
            let posted = try await running.send(.post, "pods/web/proxy", body: [0x61])
            #expect(try JSONParser.parse(posted.body)["target"] == "/")
        }
    }

    @Test(arguments: ["web:http", "web:80", "http:web:http"])
    func `a Service's ready endpoint answers, by the name or the number of the port`(name: String) async throws {
        try await withBackend { running in
            await makeService(running, reference: Self.pod)
            let answer = try await running.send(.get, "services/\(name)/proxy/x")
            #expect(answer.status == 200)
            #expect(try JSONParser.parse(answer.body)["target"] == "/x")
        }
    }

    @Test func `a Service without a ready endpoint is not available`() async throws {
        try await withBackend { running in
            await makeService(running, ready: false, reference: Self.pod)
            let answer = try await running.send(.get, "services/web:http/proxy/x")
            #expect(answer.status == 503)
            let status = try JSONParser.parse(answer.body)
            #expect(status["reason"] == "ServiceUnavailable")
            #expect(status["message"] == "no endpoints available for service \"web:http\"")
            let port = try await running.send(.get, "services/web:81/proxy/")
            #expect(try JSONParser.parse(port.body)["message"] == "no service port 81 found for service \"web\"")
            #expect(try await running.send(.get, "services/none:80/proxy/").status == 404)
            #expect(try await running.send(.get, "services/ftp:web:80/proxy/").status == 400)
        }
    }

    @Test(
        arguments: [
            nil, ["kind": "Node", "name": "web"], ["kind": "Pod", "namespace": "kube-system", "name": "web"],
            ["kind": "Pod", "namespace": "default", "name": "other"],
        ] as [JSONValue?])
    func `endpoints that name no Pod of the namespace are not reached`(reference: JSONValue?) async throws {
        try await withBackend { running in
            await makeService(running, reference: reference)
            let answer = try await running.send(.get, "services/web:http/proxy/x")
            #expect(answer.status == 503)
        }
    }

    @Test func `an endpoint that says it is a Pod and has another address is not reached`() async throws {
        try await withBackend { running in
            await makeService(running, reference: Self.pod, address: "127.0.0.2")
            let answer = try await running.send(.get, "services/web:http/proxy/x")
            #expect(answer.status == 503)
        }
    }

    @Test func `the loopback is refused where Pods are not there, and ports of others where they are`() async throws {
        try await withBackend(serviceCIDR: "10.96.0.0/16") { running in
            let answer = try await running.send(.get, "pods/web/proxy/x")
            #expect(answer.status == 400)
            #expect(try JSONParser.parse(answer.body)["message"] == "address not allowed")
        }
        try await withBackend { running in
            let other = running.port == 6443 ? 6444 : 6443
            let answer = try await running.send(.get, "pods/web:\(other)/proxy/x")
            #expect(answer.status == 400)
        }
    }

    @Test(arguments: ["169.254.169.254", "0.0.0.0", "224.0.0.1", "255.255.255.255", "fe80::1", "::ffff:127.0.0.1"])
    func `addresses that are no Pod's are refused`(address: String) async throws {
        let server = try await TestServer(serviceCIDR: "127.96.0.0/16")
        try await makePod(server, port: 80, address: address)
        let answer = await server.send("GET", "/api/v1/namespaces/default/pods/web/proxy/x")
        #expect(answer.status == 400 && answer.message == "address not allowed")
    }

    @Test func `a backend that is not there is told`() async throws {
        try await withBackend { running in
            let pods = "/api/v1/namespaces/default/pods"
            // A port that was just given back: nobody listens there.
            let free = try await Self.freePort()
            _ = await running.server.send("DELETE", "\(pods)/web")
            try await makePod(running.server, port: free)
            let answer = try await running.send(.get, "pods/web/proxy/x")
            #expect(answer.status == 503)
            let message = try JSONParser.parse(answer.body)["message"].string ?? ""
            #expect(message.hasPrefix("error trying to reach service: "))
        }
    }

    private static func freePort() async throws -> Int {
        let loops = try EventLoop.group(count: 1)
        defer { for loop in loops { loop.stop() } }
        let server = HTTPServer(loops: loops, configuration: HTTPServerConfiguration(), handler: Backend())
        let port = Int(try server.listen(.tcp(SocketAddress(ip: .loopbackV4, port: 0))).port?.rawValue ?? 0)
        await server.shutdown()
        return port
    }
}
