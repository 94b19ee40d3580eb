import KubeClient
import KubeModel
import Testing

@Suite("A client reaches every verb of the API") struct APIClientTests {
    private let api = InMemoryAPI([Service.definition, Ingress.definition, Node.definition])
    private var client: APIClient { APIClient(transport: api) }

    private func service(_ name: String, labels: [String: String]? = nil) -> Service {
        Service(
            metadata: ObjectMeta(name: name, namespace: "shop", labels: labels),
            spec: ServiceSpec(ports: [ServicePort(port: 80)]))
    }

    @Test func `typed objects go through every verb`() async throws {
        let created = try await client.create(service("web"))
        #expect(created.metadata.uid != nil)
        var changed = created
        changed.spec?.ports = [ServicePort(port: 81)]
        let updated = try await client.update(changed)
        #expect(updated.metadata.resourceVersion != created.metadata.resourceVersion)
        let patched = try await client.patch(
            Service.self, "web", namespace: "shop", .merge(["spec": ["type": "NodePort"]]))
        #expect(patched.spec?.type == "NodePort")
        #expect(patched.spec?.ports?.first?.port == 81)
        let read = try await client.get(Service.self, "web", namespace: "shop")
        #expect(read == patched)
        try await client.delete(Service.self, "web", namespace: "shop")
        let status = await #expect(throws: Status.self) {
            try await client.get(Service.self, "web", namespace: "shop")
        }
        #expect(status?.isNotFound == true)
        #expect(status?.message == "services \"web\" not found")
    }

    @Test func `paths follow the API conventions`() async throws {
        _ = try? await client.get(Ingress.self, "a b", namespace: "shop")  // Not there: only the path counts.
        _ = try await client.list(
            Service.self, options: ListOptions(labelSelector: "app in (a,b)", limit: 5, resourceVersion: "0"))
        _ = try? await client.updateStatus(service("web"))  // As above.
        _ = try? await client.get(Node.self, "n", namespace: "ignored")  // As above.
        #expect(
            api.requests == [
                "GET /apis/networking.k8s.io/v1/namespaces/shop/ingresses/a%20b",
                "GET /api/v1/services?labelSelector=app%20in%20%28a%2Cb%29&limit=5&resourceVersion=0",
                "PUT /api/v1/namespaces/shop/services/web/status", "GET /api/v1/nodes/n",
            ])
    }

    @Test func `a stale update conflicts`() async throws {
        let created = try await client.create(service("web"))
        _ = try await client.patch(Service.self, "web", namespace: "shop", .merge(["spec": ["type": "NodePort"]]))
        let status = await #expect(throws: Status.self) { try await client.update(created) }
        #expect(status?.isConflict == true)
    }

    @Test func `deletion preconditions are sent`() async throws {
        _ = try await client.create(service("web"))
        let status = await #expect(throws: Status.self) {
            try await client.delete(
                Service.self, "web", namespace: "shop", options: DeleteOptions(resourceVersion: "1"))
        }
        #expect(status?.isConflict == true)
    }

    @Test func `status and spec are kept apart`() async throws {
        _ = try await client.create(service("web"))
        let ingress: JSONValue = [
            "status": ["loadBalancer": ["ingress": [["ip": "192.0.2.1"]]]], "spec": ["type": "X"],
        ]
        let written = try await client.patch(
            Service.self, "web", namespace: "shop", .merge(ingress), subresource: "status")
        #expect(written.spec?.type == nil)
        #expect(written.status?.loadBalancer?.ingress?.first?.ip == "192.0.2.1")
    }

    @Test func `an answer that is no Status still becomes one`() async throws {
        struct Broken: APITransport {
            func send(_ request: APIRequest) async throws -> APIResponse {
                APIResponse(status: 503, body: Array("upstream is away".utf8))
            }
            func open(_ request: APIRequest) async throws -> APIStream {
                APIStream(status: 410, chunks: AsyncThrowingStream { $0.finish() })
            }
        }
        let client = APIClient(transport: Broken())
        let status = await #expect(throws: Status.self) { try await client.get(Node.self, "n") }
        #expect(status?.code == 503)
        #expect(status?.message == "upstream is away")
        let gone = await #expect(throws: Status.self) { try await client.watch(Node.self) }
        #expect(gone?.isExpired == true)
    }

    @Test func `a watch delivers events in order and resumes`() async throws {
        let list = try await client.list(Service.self)
        _ = try await client.create(service("a", labels: ["app": "x"]))
        _ = try await client.create(service("b"))
        _ = try await client.patch(
            Service.self, "a", namespace: "shop", .merge(["metadata": ["labels": ["app": .null]]]))
        try await client.delete(Service.self, "b", namespace: "shop")
        func collect(_ count: Int, _ options: ListOptions) async throws -> [String] {
            var seen: [String] = []
            for try await event in try await client.watch(Service.self, options: options) {
                switch event {
                case .added(let object): seen.append("+\(object.metadata.name ?? "")")
                case .modified(let object): seen.append("~\(object.metadata.name ?? "")")
                case .deleted(let object): seen.append("-\(object.metadata.name ?? "")")
                case .bookmark, .undecodable: break
                }
                if seen.count == count { break }
            }
            return seen
        }
        let all = try await collect(4, ListOptions(resourceVersion: list.resourceVersion))
        #expect(all == ["+a", "+b", "~a", "-b"])
        let labelled = try await collect(
            2, ListOptions(labelSelector: "app=x", resourceVersion: list.resourceVersion))
        #expect(labelled == ["+a", "-a"])
    }

    @Test func `a compacted revision gives 410`() async throws {
        _ = try await client.create(service("a"))
        api.compact()
        let status = await #expect(throws: Status.self) {
            try await client.watch(Service.self, options: ListOptions(resourceVersion: "1"))
        }
        #expect(status?.isExpired == true)
    }

    @Test func `one bad object does not hide the others`() async throws {
        _ = try await client.create(service("good"))
        _ = try await client.create(
            Service.definition,
            ["metadata": ["name": "bad"], "spec": ["ports": [["port": "eighty"]]]], namespace: "shop")
        let list = try await client.list(Service.self)
        #expect(list.items.map(\.metadata.name) == ["good"])
        #expect(list.undecodable.map(\.key.name) == ["bad"])
    }
}
