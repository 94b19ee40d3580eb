import KubeModel
import NetworkTypes
import Synchronization
import Testing
import Transport

@testable import APIServer

@Suite("Refusals in Kubernetes' words") struct RefusalTests {
    @Test func callersWithoutCredentialsAre401() async throws {
        let server = try await TestServer()
        for token in [nil, "wrong"] {
            let response = await server.send("GET", Samples.services, token: token)
            #expect(response.status == 401)
            #expect(response.json["kind"] == "Status")
            #expect(response.json["reason"] == "Unauthorized")
        }
        #expect(await server.send("GET", "/nowhere", token: nil).status == 401)
        #expect(await server.send("GET", "/version", token: "wrong").status == 401)
    }

    @Test(arguments: [
        "/nowhere", "/api/v2/pods", "/api/v1/things", "/apis/networking.k8s.io/v9/ingresses",
        "/api/v1/namespaces/default/nodes", "/api/v1/services/x", "/api/v1/namespaces/default/services/x/scale",
    ])
    func unknownPathsAre404(_ path: String) async throws {
        let server = try await TestServer()
        let response = await server.send("GET", path)
        #expect(response.status == 404)
        #expect(response.message == "the server could not find the requested resource")
    }

    @Test(arguments: [
        ("POST", "/api/v1/namespaces/default/services/x"), ("PUT", "/api/v1/namespaces/default/services"),
        ("POST", "/api/v1/services"), ("DELETE", "/api/v1/services"),
        ("DELETE", "/api/v1/namespaces/default/services/x/status"), ("TRACE", "/api/v1/nodes"), ("POST", "/version"),
    ])
    func unknownMethodsAre405(_ method: String, _ path: String) async throws {
        let server = try await TestServer()
        let response = await server.send(method, path)
        #expect(response.status == 405)
        #expect(response.json["reason"] == "MethodNotAllowed")
    }

    @Test func tooManyWritesAre429() async throws {
        let server = try await TestServer(maxWritesInFlight: 0)
        let response = await server.send("POST", Samples.configMaps, Samples.configMap("a"))
        #expect(response.status == 429)
        #expect(response.header("Retry-After") == "1")
        #expect(response.json["reason"] == "TooManyRequests")
        #expect(await server.send("GET", Samples.configMaps).status == 200)
    }

    @Test func placesAreGivenBack() async throws {
        let server = try await TestServer()
        _ = await server.send("POST", Samples.configMaps, Samples.configMap("a"))
        _ = await server.send("POST", Samples.configMaps, Samples.configMap("a"))
        _ = await server.send("GET", "\(Samples.configMaps)/none")
        #expect(server.core.pipeline.limit.current == (0, 0))
    }

    @Test(arguments: ["/api/v1/namespaces", "/api/v1/namespaces/default", "/api", "/apis", "/version", "/openapi/v3"])
    func headIsNotServedButToProbes(_ path: String) async throws {
        let server = try await TestServer()
        #expect(await server.send("HEAD", path).status == 405)
        #expect(await server.send("HEAD", "/livez").status == 200)
    }

    @Test(arguments: ["x", "-1", "1.5", "99999999999999999999"])
    func aVersionThatIsNoNumberIsABadRequest(_ version: String) async throws {
        let server = try await TestServer()
        let answer = await server.send("GET", "/api/v1/namespaces?resourceVersion=\(version)")
        #expect(answer.status == 400)
        #expect(answer.json["reason"] == "BadRequest")
        #expect(answer.message.hasPrefix("invalid resource version: resourceVersion: Invalid value: "))
    }

    @Test func methodsOfOnesOwnMakeNoTimeSeries() async throws {
        let server = try await TestServer()
        for index in 0..<50 { _ = await server.send("M\(index)", "/x", token: nil) }
        let text = await server.send("GET", "/metrics").text
        #expect(text.contains("apiserver_request_total{verb=\"other\",resource=\"\",code=\"401\"} 50"))
        #expect(!text.contains("M1"))
    }

    @Test func readsWaitForThoseWhoseAnswersAreNotTaken() async throws {
        let limit = InFlightLimit(maxReads: 1, maxWrites: 1)
        let pipeline = try await TestServer(limit: limit)
        // An answer that has not left keeps its place.
        let held = HeldResponse()
        pipeline.core.pipeline.handle(Self.list, held)
        #expect(limit.current.reads == 1)
        #expect(await pipeline.send("GET", "/api/v1/namespaces").status == 429)
        held.leave()
        #expect(limit.current.reads == 0)
        #expect(await pipeline.send("GET", "/api/v1/namespaces").status == 200)
    }

    @Test func `whoever takes none of its lists gets small answers only, and others are served`() async throws {
        let server = try await TestServer(limit: InFlightLimit(maxReads: 8, maxWrites: 8))
        var object = Samples.configMap("large")
        object["data"]["x"] = .string(String(repeating: "v", count: 100_000))
        #expect(await server.send("POST", Samples.configMaps, object).status == 201)
        #expect(await server.send("POST", Samples.configMaps, Samples.configMap("small")).status == 201)
        var list = Self.list
        list.path = Samples.configMaps
        list.peer = SocketAddress(ip: .loopbackV4, port: 4001)
        let held = (0..<4).map { _ in HeldResponse() }
        for response in held { server.core.pipeline.handle(list, response) }
        // From the same address, over another connection.
        list.peer = SocketAddress(ip: .loopbackV4, port: 4002)
        let refused = HeldResponse()
        server.core.pipeline.handle(list, refused)
        #expect(refused.status == 429)
        // Nobody has taken that one either, and it has no place.
        #expect(server.core.limit.current.reads == 4)
        list.path = "\(Samples.configMaps)/small"
        let small = HeldResponse()
        server.core.pipeline.handle(list, small)
        #expect(small.status == 200)
        small.leave()
        // From elsewhere.
        #expect(await server.send("GET", Samples.configMaps).status == 200)
        for response in held {
            #expect(response.status == 200)
            response.leave()
        }
        #expect(server.core.limit.current.reads == 0)
    }

    private static var list: IncomingRequest {
        var request = IncomingRequest(method: "GET", path: "/api/v1/namespaces")
        request.authorization = "Bearer \(TestServer.token)"
        return request
    }

    @Test func statusPagesTellPeopleAndMetricsTellMachines() async throws {
        let server = try await TestServer()
        _ = await server.send("GET", "/readyz")
        let indicators = await server.send("GET", "/metrics/slis").text
        #expect(indicators.contains("kubernetes_healthcheck{name=\"ping\",type=\"livez\"} 1\n"))
        #expect(
            indicators.contains("kubernetes_healthchecks_total{name=\"ping\",status=\"success\",type=\"readyz\"} 1\n"))
        #expect(await server.send("GET", "/flagz").text.contains("\nservice-cluster-ip-range=10.96.0.0/16\n"))
        #expect(await server.send("GET", "/statusz").text.contains("\nUp: 0 hr 00 min "))
        #expect(await server.send("GET", "/statusz", token: nil).status == 401)
        #expect(await server.send("GET", "/version").json["gitCommit"] == "0123abc")
    }

    @Test func whoReadsEndpointsHearsThatTheyAreOld() async throws {
        let server = try await TestServer()
        let answer = await server.send("GET", "/api/v1/endpoints")
        #expect(answer.header("Warning")?.contains("v1 Endpoints is deprecated in v1.33+") == true)
        let created = await server.send(
            "POST", "/api/v1/namespaces/default/endpoints",
            ["apiVersion": "v1", "kind": "Endpoints", "metadata": ["name": "a"]])
        #expect(created.headers.count { $0.name == "Warning" } == 1)
    }
}

/// An answer that its client does not take for a while.
private final class HeldResponse: ResponseWriter {
    private let sent = Mutex<OutgoingResponse?>(nil)

    func readBody(_ completion: @escaping @Sendable (Result<[UInt8], RequestBodyFailure>) -> Void) {
        completion(.success([]))
    }

    func send(_ response: OutgoingResponse) { sent.withLock { $0 = response } }
    func startStream(contentType: String, warnings: [String]) -> any ResponseStream { TestWatch() }
    func startBody(status: Int, headers: [(name: String, value: String)]) -> any BodyStream {
        CollectedBody(status: status, headers: headers) { _ in }
    }
    func startTunnel(
        headers: [(name: String, value: String)], receive: @escaping @Sendable ([UInt8]) -> Void,
        ended: @escaping @Sendable () -> Void
    ) -> any TunnelStream { ClosedTunnel() }
    func onClose(_ handler: @escaping @Sendable () -> Void) {}
    var status: Int? { sent.withLock { $0?.status } }
    func leave() { sent.withLock { $0?.onSent }?() }
}
