import KubeModel
import Testing

@testable import APIServer

/// What Pods get from their PriorityClass (Kubernetes' admission plugin `Priority`).
@Suite("Priorities of Pods") struct PriorityTests {
    private static let pods = "/api/v1/namespaces/default/pods"
    private static let classes = "/apis/scheduling.k8s.io/v1/priorityclasses"

    private static func pod(_ name: String, _ spec: JSONObject = [:]) -> JSONValue {
        var all: JSONObject = ["containers": [["name": "a", "image": "a"]]]
        for (key, value) in spec { all[key] = value }
        return ["metadata": ["name": .string(name)], "spec": .object(all)]
    }

    private static func priorityClass(_ name: String, _ value: Int64, _ more: JSONObject = [:]) -> JSONValue {
        var object: JSONObject = ["metadata": ["name": .string(name)], "value": .integer(value)]
        for (key, value) in more { object[key] = value }
        return .object(object)
    }

    @Test func `the classes of the system are there`() async throws {
        let server = try await TestServer()
        let list = await server.send("GET", Self.classes)
        #expect(list.names == ["system-cluster-critical", "system-node-critical"])
        let pod = await server.send(
            "POST", Self.pods, Self.pod("web", ["priorityClassName": "system-cluster-critical"]))
        #expect(pod.status == 201)
        #expect(pod.json["spec"]["priority"] == 2_000_000_000)
    }

    @Test func `a class says priority and preemption`() async throws {
        let server = try await TestServer()
        let high = Self.priorityClass("high", 1000, ["preemptionPolicy": "Never"])
        #expect(await server.send("POST", Self.classes, high).status == 201)
        let pod = await server.send("POST", Self.pods, Self.pod("web", ["priorityClassName": "high"]))
        #expect(pod.json["spec"]["priority"] == 1000)
        #expect(pod.json["spec"]["preemptionPolicy"] == "Never")
        let plain = await server.send("POST", Self.pods, Self.pod("plain"))
        #expect(plain.json["spec"]["priority"] == 0)
        #expect(plain.json["spec"]["preemptionPolicy"] == "PreemptLowerPriority")
        #expect(plain.json["spec"]["priorityClassName"] == nil)
    }

    @Test(arguments: ["", "?dryRun=All"]) func `a class that does not exist is forbidden`(query: String) async throws {
        let server = try await TestServer()
        let answer = await server.send(
            "POST", Self.pods + query, Self.pod("web", ["priorityClassName": "none"]))
        #expect(answer.status == 403 && answer.json["reason"] == "Forbidden")
        #expect(answer.message == "pods \"web\" is forbidden: no PriorityClass with name none was found")
    }

    @Test func `a class that is gone is forbidden for new Pods, and a server that starts knows those that are kept`()
        async throws
    {
        let server = try await TestServer()
        #expect(await server.send("POST", Self.classes, Self.priorityClass("kept", 7)).status == 201)
        #expect(await server.send("POST", Self.classes, Self.priorityClass("gone", 8)).status == 201)
        let pod = Self.pod("old", ["priorityClassName": "gone"])
        #expect(await server.send("POST", Self.pods, pod).status == 201)
        #expect(await server.send("DELETE", "\(Self.classes)/gone").status == 200)
        #expect(
            await server.send("POST", Self.pods, Self.pod("new", ["priorityClassName": "gone"])).status == 403)
        // The Pod that has it may still change.
        let change: JSONValue = ["metadata": ["labels": ["a": "b"]]]
        let merge = "application/merge-patch+json"
        #expect(await server.send("PATCH", "\(Self.pods)/old", change, contentType: merge).status == 200)
        let kept = await server.send("POST", Self.pods, Self.pod("kept", ["priorityClassName": "kept"]))
        #expect(kept.json["spec"]["priority"] == 7)
    }

    @Test func `what a Pod says itself has to be what its class says`() async throws {
        let server = try await TestServer()
        let other = await server.send("POST", Self.pods, Self.pod("web", ["priority": 5]))
        #expect(other.status == 403)
        #expect(
            other.message
                == "pods \"web\" is forbidden: the integer value of priority (5) must not be provided in pod spec; priority "
                + "admission controller computed 0 from the given PriorityClass name")
        let policy = await server.send("POST", Self.pods, Self.pod("web", ["preemptionPolicy": "Never"]))
        #expect(policy.status == 403)
        #expect(await server.send("POST", Self.pods, Self.pod("web", ["priority": 0])).status == 201)
    }

    @Test func `one class is the default, and there is no second one`() async throws {
        let server = try await TestServer()
        let usual = Self.priorityClass("usual", 50, ["globalDefault": true])
        #expect(await server.send("POST", Self.classes, usual).status == 201)
        let pod = await server.send("POST", Self.pods, Self.pod("web"))
        #expect(pod.json["spec"]["priorityClassName"] == "usual")
        #expect(pod.json["spec"]["priority"] == 50)
        let second = await server.send(
            "POST", Self.classes, Self.priorityClass("second", 60, ["globalDefault": true]))
        #expect(second.status == 403)
        #expect(
            second.message
                == "priorityclasses.scheduling.k8s.io \"second\" is forbidden: PriorityClass usual is already marked as "
                + "default. Only one default can exist")
        // The default itself may be written again.
        let described: JSONValue = ["description": "most"]
        #expect(
            await server.send(
                "PATCH", "\(Self.classes)/usual", described, contentType: "application/merge-patch+json"
            ).status == 200)
        #expect(await server.send("DELETE", "\(Self.classes)/usual").status == 200)
        #expect(await server.send("POST", Self.pods, Self.pod("later")).json["spec"]["priority"] == 0)
    }
}
