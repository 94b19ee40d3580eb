import KubeModel
import Testing

@testable import APIServer

@Suite("Evicting Pods") struct EvictionTests {
    private static func pod(phase: String = "Running", ready: Bool = true, deleted: Bool = false) -> JSONValue {
        var pod: JSONValue = [
            "metadata": ["name": "web", "labels": ["app": "web"]],
            "status": [
                "phase": .string(phase), "conditions": [["type": "Ready", "status": ready ? "True" : "False"]],
            ],
        ]
        if deleted { pod["metadata"]["deletionTimestamp"] = "2026-01-01T00:00:00Z" }
        return pod
    }

    private static func budget(
        _ status: JSONValue = ["observedGeneration": 1, "disruptionsAllowed": 1], selector: JSONValue? = nil
    ) -> JSONValue {
        [
            "metadata": ["name": "budget", "generation": 1],
            "spec": ["selector": selector ?? ["matchLabels": ["app": "web"]]], "status": status,
        ]
    }

    private func plan(_ pod: JSONValue, _ budgets: JSONValue...) -> EvictionPlan {
        EvictionPlan(pod, budgets: budgets, now: Timestamp(secondsSinceEpoch: 1_700_000_000))
    }

    @Test func `a Pod without a budget goes`() {
        #expect(plan(Self.pod()) == .delete)
        #expect(plan(Self.pod(), Self.budget(selector: ["matchLabels": ["app": "db"]])) == .delete)
        let strict = Self.budget(["observedGeneration": 1, "disruptionsAllowed": 0])
        #expect(plan(Self.pod(phase: "Pending"), strict) == .delete)
        #expect(plan(Self.pod(deleted: true), strict) == .delete)
    }

    @Test func `a budget pays, or refuses`() throws {
        guard case .spend(let charged) = plan(Self.pod(), Self.budget()) else {
            Issue.record("not charged")
            return
        }
        #expect(charged["status"]["disruptionsAllowed"] == 0)
        #expect(charged["status"]["disruptedPods"]["web"] == "2023-11-14T22:13:20Z")
        let empty = Self.budget([
            "observedGeneration": 1, "disruptionsAllowed": 0, "desiredHealthy": 3, "currentHealthy": 2,
        ])
        guard case .refuse(let status) = plan(Self.pod(), empty) else {
            Issue.record("not refused")
            return
        }
        #expect(status.code == 429)
        #expect(
            status.details?.causes?.first?.message
                == "The disruption budget budget needs 3 healthy pods and has 2 currently")
        guard case .refuse(let unseen) = plan(Self.pod(), Self.budget([:])) else {
            Issue.record("not refused")
            return
        }
        #expect(unseen.details?.retryAfterSeconds == 10)
    }

    @Test func `Pods that are not ready go when the others suffice`() {
        let enough = Self.budget([
            "observedGeneration": 1, "disruptionsAllowed": 0, "desiredHealthy": 2, "currentHealthy": 2,
        ])
        #expect(plan(Self.pod(ready: false), enough) == .delete)
        var always = Self.budget(["observedGeneration": 1])
        always["spec"]["unhealthyPodEvictionPolicy"] = "AlwaysAllow"
        #expect(plan(Self.pod(ready: false), always) == .delete)
    }

    @Test func `two budgets for one Pod are one too many`() {
        guard case .refuse(let status) = plan(Self.pod(), Self.budget(), Self.budget()) else {
            Issue.record("not refused")
            return
        }
        #expect(status.code == 500)
    }

    @Test(
        arguments: [
            ["matchExpressions": [["key": "app", "operator": "Like", "values": ["web"]]]], "text", ["matchLabels": 3],
            ["matchExpressions": [["key": "app", "operator": "In"]]],
        ] as [JSONValue])
    func `a budget whose selector can't be read protects every Pod`(selector: JSONValue) {
        let strict = Self.budget(["observedGeneration": 1, "disruptionsAllowed": 0], selector: selector)
        guard case .refuse(let status) = plan(Self.pod(), strict) else {
            Issue.record("not refused")
            return
        }
        #expect(status.code == 429)
        // Beside a budget that can be read it is one too many.
        guard case .refuse(let both) = plan(Self.pod(), Self.budget(), strict) else {
            Issue.record("not refused")
            return
        }
        #expect(both.code == 500)
        // A Pod that serves nobody goes all the same.
        #expect(plan(Self.pod(phase: "Pending"), strict) == .delete)
    }

    @Test func `eviction through the server spends the budget and deletes the Pod`() async throws {
        let server = try await TestServer()
        let pods = "/api/v1/namespaces/default/pods"
        let budgets = "/apis/policy/v1/namespaces/default/poddisruptionbudgets"
        for name in ["a", "b"] {
            let pod: JSONValue = [
                "metadata": ["name": .string(name), "labels": ["app": "web"]],
                "spec": ["containers": [["name": "a", "image": "a"]]],
            ]
            #expect(await server.send("POST", pods, pod).status == 201)
            let status: JSONValue = [
                "status": ["phase": "Running", "conditions": [["type": "Ready", "status": "True"]]]
            ]
            let merge = "application/merge-patch+json"
            #expect(await server.send("PATCH", "\(pods)/\(name)/status", status, contentType: merge).status == 200)
        }
        let budget: JSONValue = [
            "metadata": ["name": "web"], "spec": ["minAvailable": 1, "selector": ["matchLabels": ["app": "web"]]],
        ]
        #expect(await server.send("POST", budgets, budget).status == 201)
        func evict(_ name: String, _ query: String = "") async -> TestResponse {
            await server.send(
                "POST", "\(pods)/\(name)/eviction\(query)",
                ["apiVersion": "policy/v1", "kind": "Eviction", "metadata": ["name": .string(name)]])
        }
        #expect(await evict("a").status == 429)
        let status: JSONValue = [
            "status": [
                "observedGeneration": 1, "disruptionsAllowed": 1, "currentHealthy": 2, "desiredHealthy": 1,
                "expectedPods": 2,
            ]
        ]
        let written = await server.send(
            "PATCH", "\(budgets)/web/status", status, contentType: "application/merge-patch+json")
        #expect(written.status == 200)
        #expect(await evict("a", "?dryRun=All").status == 201)
        #expect(await server.send("GET", "\(pods)/a").status == 200)
        let evicted = await evict("a")
        #expect(evicted.status == 201 && evicted.json["status"] == "Success", "\(evicted.message)")
        #expect(await server.send("GET", "\(pods)/a").status == 404)
        let left = await server.send("GET", "\(budgets)/web")
        #expect(left.json["status"]["disruptionsAllowed"] == 0)
        #expect(await evict("b").status == 429)
        #expect(await evict("none").status == 404)
        #expect(await server.send("POST", "\(pods)/b/eviction", ["metadata": ["name": "c"]]).status == 400)
        #expect(await server.send("GET", "\(pods)/b/eviction").status == 405)
    }
}
