import APIResources
import KubeModel
import Synchronization
import Testing
import Transport

@testable import APIServer

@Suite("What every object passes before it is stored") struct AdmissionTests {
    /// A step that asks the test for its word.
    private final class Gate: Sendable {
        private let questions = Mutex<[@Sendable (AdmissionVerdict.Answer) -> Void]>([])

        var count: Int { questions.withLock { $0.count } }

        var step: AdmissionStep {
            AdmissionStep.always("gate") { (draft, _) throws(Status) in
                guard draft.request.resource.definition.plural == "configmaps" else { return .proceed }
                return .wait { resume in self.questions.withLock { $0.append(resume) } }
            }
        }

        /// Answers who asked as the `index`th, as often as this is called.
        func answer(_ index: Int, _ answer: AdmissionVerdict.Answer) {
            let resume = questions.withLock { $0[index] }
            resume(answer)
        }

        static func label(_ value: String) -> AdmissionVerdict.Answer {
            .change { (draft) throws(Status) in draft.object["metadata"]["labels"]["gate"] = .string(value) }
        }
    }

    /// The standard steps with one more behind `name`.
    private static func steps(_ gate: Gate, behind name: String) throws -> [AdmissionStep] {
        var steps = AdmissionStep.standard
        let place = try #require(steps.firstIndex { $0.name == name })
        steps.insert(gate.step, at: place + 1)
        return steps
    }

    @Test func `the order of the steps is declared`() {
        #expect(
            AdmissionStep.standard.map(\.name) == [
                "identity", "namespace", "defaults", "metadata", "schema", "prepare", "nodes", "validate", "own",
                "generation",
                "warn", "allocate", "unchanged",
            ])
    }

    @Test func `writes that wait for somebody keep no loop from working, and go on with what they hear`() async throws {
        let gate = Gate()
        let server = try await TestServer(admission: try Self.steps(gate, behind: "defaults"))
        let names = (0..<8).map { "waiting-\($0)" }
        let answers = await withTaskGroup(of: TestResponse.self) { group in
            for name in names {
                group.addTask { await server.send("POST", Samples.configMaps, Samples.configMap(name)) }
            }
            #expect(await Polling.until { gate.count == names.count })
            // Every loop does what it is given, and requests are answered.
            for loop in server.core.loops {
                await withCheckedContinuation { continuation in loop.execute { continuation.resume() } }
            }
            #expect(await server.send("GET", Samples.configMaps).names.isEmpty)
            for index in names.indices { gate.answer(index, Gate.label("seen")) }
            var answers: [TestResponse] = []
            for await answer in group { answers.append(answer) }
            return answers
        }
        #expect(answers.allSatisfy { $0.status == 201 && $0.json["metadata"]["labels"]["gate"] == "seen" })
        #expect(await server.send("GET", Samples.configMaps).names.sorted() == names)
    }

    @Test func `a write whose answer nobody can give any more is refused`() async throws {
        let step = AdmissionStep.always("forgetful") { (draft, _) throws(Status) in
            draft.request.resource.definition.plural == "configmaps" ? .wait { _ in } : .proceed
        }
        let server = try await TestServer(admission: AdmissionStep.standard + [step])
        #expect(await server.send("POST", Samples.configMaps, Samples.configMap("a")).status == 500)
        #expect(await server.send("GET", "\(Samples.configMaps)/a").status == 404)
    }

    @Test func `who judges is asked about an update that changes nothing too`() async throws {
        let gate = Gate()
        let server = try await TestServer(admission: try Self.steps(gate, behind: "allocate"))
        async let created = server.send("POST", Samples.configMaps, Samples.configMap("a"))
        #expect(await Polling.until { gate.count == 1 })
        gate.answer(0, .proceed)
        let object = await created
        #expect(object.status == 201)
        async let same = server.send("PUT", "\(Samples.configMaps)/a", object.json)
        #expect(await Polling.until { gate.count == 2 })
        gate.answer(1, .proceed)
        let answer = await same
        #expect(answer.status == 200)
        #expect(answer.json["metadata"]["resourceVersion"] == object.json["metadata"]["resourceVersion"])
        async let refused = server.send("PUT", "\(Samples.configMaps)/a", object.json)
        #expect(await Polling.until { gate.count == 3 })
        gate.answer(2, .refuse(.forbidden(GroupResource(group: "", resource: "configmaps"), "a", "not today")))
        #expect(await refused.status == 403)
    }

    @Test func `a refusal of the one who was asked is the answer, and only the first word counts`() async throws {
        let gate = Gate()
        let server = try await TestServer(admission: try Self.steps(gate, behind: "validate"))
        async let response = server.send("POST", Samples.configMaps, Samples.configMap("a"))
        #expect(await Polling.until { gate.count == 1 })
        gate.answer(0, .refuse(.forbidden(GroupResource(group: "", resource: "configmaps"), "a", "not today")))
        gate.answer(0, .proceed)
        let refused = await response
        #expect(refused.status == 403)
        #expect(refused.message.contains("not today"))
        #expect(await server.send("GET", "\(Samples.configMaps)/a").status == 404)
    }

    @Test func `a patch that lost its race while it waited passes every step again, on the newer object`() async throws
    {
        let gate = Gate()
        let server = try await TestServer(admission: try Self.steps(gate, behind: "defaults"))
        let target = "\(Samples.configMaps)/a"
        async let created = server.send("POST", Samples.configMaps, Samples.configMap("a"))
        #expect(await Polling.until { gate.count == 1 })
        gate.answer(0, .proceed)
        #expect(await created.status == 201)

        let merge = "application/merge-patch+json"
        async let slow = server.send("PATCH", target, ["data": ["slow": "1"]], contentType: merge)
        #expect(await Polling.until { gate.count == 2 })
        async let fast = server.send("PATCH", target, ["data": ["fast": "1"]], contentType: merge)
        #expect(await Polling.until { gate.count == 3 })
        gate.answer(2, .proceed)
        #expect(await fast.status == 200)
        gate.answer(1, Gate.label("first"))
        #expect(await Polling.until { gate.count == 4 })
        gate.answer(3, Gate.label("second"))
        let patched = await slow
        #expect(patched.status == 200)
        #expect(patched.json["data"]["fast"] == "1")
        #expect(patched.json["data"]["slow"] == "1")
        #expect(patched.json["metadata"]["labels"]["gate"] == "second")
    }

    @Test func `what a refused object has claimed is given back`() async throws {
        let isOpen = Mutex(false)
        let door = AdmissionStep.always("door") { (draft, _) throws(Status) in
            guard draft.request.resource.definition.plural == "services" else { return .proceed }
            guard isOpen.withLock({ $0 }) else {
                throw Status.forbidden(draft.request.resource.definition.groupResource, draft.name, "closed")
            }
            return .proceed
        }
        let server = try await TestServer(admission: AdmissionStep.standard + [door])
        let service: JSONValue = [
            "apiVersion": "v1", "kind": "Service", "metadata": ["name": "web"],
            "spec": ["type": "NodePort", "clusterIP": "10.96.7.7", "ports": [["port": 80, "nodePort": 30777]]],
        ]
        let services = "/api/v1/namespaces/default/services"
        #expect(await server.send("POST", services, service).status == 403)
        isOpen.withLock { $0 = true }
        let created = await server.send("POST", services, service)
        #expect(created.status == 201, "\(created.message)")
        #expect(created.json["spec"]["clusterIP"] == "10.96.7.7")
    }

    @Test func `a request to sign a certificate says who made it`() async throws {
        let server = try await TestServer()
        var object: JSONValue = ["metadata": ["name": "csr"], "spec": ["username": "somebody-else"]]
        let context = StrategyContext(
            namespace: "", name: "csr",
            user: UserInfo(name: "ann", uid: "7", groups: ["a"], extra: ["scopes": ["x", "y"]]),
            now: Timestamp(secondsSinceEpoch: 0))
        let kind = try #require(
            server.core.resources.find(
                group: "certificates.k8s.io", version: "v1", plural: "certificatesigningrequests"))
        kind.strategy.prepareForCreate(&object, context)
        #expect(
            object["spec"] == ["username": "ann", "uid": "7", "groups": ["a"], "extra": ["scopes": ["x", "y"]]])
    }
}
