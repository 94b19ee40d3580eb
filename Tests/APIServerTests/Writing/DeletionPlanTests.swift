import KubeModel
import Testing

@testable import APIResources
@testable import APIServer

@Suite("What a deletion comes to") struct DeletionPlanTests {
    private static let now = Timestamp("2026-01-01T00:00:00Z")!

    private func object(_ finalizers: [String] = [], deletedAt moment: String? = nil, grace: Int64 = 0) -> JSONValue {
        var object = Samples.configMap("a")
        if !finalizers.isEmpty { object["metadata"]["finalizers"] = .array(finalizers.map { .string($0) }) }
        if let moment {
            object["metadata"]["deletionTimestamp"] = .string(moment)
            object["metadata"]["deletionGracePeriodSeconds"] = .integer(grace)
        }
        return object
    }

    private func options(_ body: JSONValue) throws -> DeleteOptions {
        try DeleteOptions(body: body, query: QueryItems())
    }

    private func plan(
        _ object: JSONValue, _ body: JSONValue = [:], _ strategy: any ResourceStrategy = ConfigMapStrategy()
    ) throws -> DeletionPlan {
        DeletionPlan(object, try options(body), strategy, now: Self.now)
    }

    struct Case: Sendable, CustomTestStringConvertible {
        var before: [String] = []
        var body: JSONValue
        /// nil: the object is removed.
        var after: [String]?
        var testDescription: String { "\(before) \(body)" }
    }

    @Test(arguments: [
        Case(body: [:], after: nil),
        Case(body: ["propagationPolicy": "Background"], after: nil),
        Case(body: ["propagationPolicy": "Orphan"], after: ["orphan"]),
        Case(body: ["propagationPolicy": "Foreground"], after: ["foregroundDeletion"]),
        Case(body: ["orphanDependents": true], after: ["orphan"]),
        Case(body: ["orphanDependents": false], after: nil),
        // Without a word of the request's, a finalizer that is there says what happens.
        Case(before: ["orphan"], body: [:], after: ["orphan"]),
        Case(before: ["foregroundDeletion"], body: [:], after: ["foregroundDeletion"]),
        // An explicit policy replaces the collector's finalizers and no other.
        Case(before: ["orphan"], body: ["propagationPolicy": "Background"], after: nil),
        Case(
            before: ["orphan", "a.io/b"], body: ["propagationPolicy": "Foreground"],
            after: ["a.io/b", "foregroundDeletion"]),
        Case(before: ["foregroundDeletion", "a.io/b"], body: ["orphanDependents": false], after: ["a.io/b"]),
        Case(before: ["a.io/b"], body: [:], after: ["a.io/b"]),
    ])
    func policiesBecomeFinalizers(_ test: Case) throws {
        switch try plan(object(test.before), test.body) {
        case .remove(let last):
            #expect(test.after == nil)
            #expect(last["metadata"]["deletionTimestamp"] == nil)
        case .hold(let held):
            #expect(held["metadata"]["finalizers"].array?.compactMap(\.string) == test.after)
            #expect(held["metadata"]["deletionTimestamp"] == "2026-01-01T00:00:00Z")
            #expect(held["metadata"]["deletionGracePeriodSeconds"] == 0)
        case .unchanged: Issue.record("nothing happens")
        }
    }

    @Test func aSecondRequestMayChangeThePolicyOnly() throws {
        let deleted = object(["foregroundDeletion"], deletedAt: "2025-01-01T00:00:00Z")
        #expect(try plan(deleted) == .unchanged)
        #expect(try plan(deleted, ["propagationPolicy": "Foreground"]) == .unchanged)
        guard case .hold(let orphaned) = try plan(deleted, ["propagationPolicy": "Orphan"]) else {
            Issue.record("not held")
            return
        }
        #expect(orphaned["metadata"]["finalizers"] == ["orphan"])
        #expect(orphaned["metadata"]["deletionTimestamp"] == "2025-01-01T00:00:00Z")
        guard case .remove = try plan(deleted, ["propagationPolicy": "Background"]) else {
            Issue.record("not removed")
            return
        }
    }

    @Test func kindsHavePoliciesOfTheirOwn() throws {
        let event: JSONValue = ["apiVersion": "v1", "kind": "Event", "metadata": ["name": "e"]]
        #expect(try plan(event, ["propagationPolicy": "Orphan"], EventStrategy()) == .remove(event))
    }

    @Test func beingDeletedIsAGeneration() throws {
        var object = object(["a.io/b"])
        object["metadata"]["generation"] = 3
        guard case .hold(let held) = try plan(object) else {
            Issue.record("not held")
            return
        }
        #expect(held["metadata"]["generation"] == 4)
    }

    private func pod(node: String = "n", phase: String = "Running", grace: Int64? = 30) -> JSONValue {
        var pod: JSONValue = [
            "apiVersion": "v1", "kind": "Pod", "metadata": ["name": "p", "generation": 1],
            "spec": ["containers": []], "status": ["phase": .string(phase)],
        ]
        if !node.isEmpty { pod["spec"]["nodeName"] = .string(node) }
        if let grace { pod["spec"]["terminationGracePeriodSeconds"] = .integer(grace) }
        return pod
    }

    @Test func podsGetTimeToEnd() throws {
        guard case .hold(let held) = try plan(pod(), [:], PodStrategy()) else {
            Issue.record("not held")
            return
        }
        #expect(held["metadata"]["deletionTimestamp"] == "2026-01-01T00:00:30Z")
        #expect(held["metadata"]["deletionGracePeriodSeconds"] == 30)
        #expect(held["metadata"]["generation"] == 2)
        #expect(!held.isDeletionComplete)

        // Only a shorter time is heard, counted from the first request.
        #expect(try plan(held, [:], PodStrategy()) == .unchanged)
        #expect(try plan(held, ["gracePeriodSeconds": 40], PodStrategy()) == .unchanged)
        guard case .hold(let shorter) = try plan(held, ["gracePeriodSeconds": 5], PodStrategy()) else {
            Issue.record("not held")
            return
        }
        #expect(shorter["metadata"]["deletionTimestamp"] == "2026-01-01T00:00:05Z")
        #expect(shorter["metadata"]["deletionGracePeriodSeconds"] == 5)
        #expect(shorter["metadata"]["generation"] == 2)
        guard case .remove = try plan(shorter, ["gracePeriodSeconds": 0], PodStrategy()) else {
            Issue.record("not removed")
            return
        }
    }

    @Test func podsThatNobodyRunsGoAtOnce() throws {
        for pod in [pod(node: ""), pod(phase: "Succeeded"), pod(phase: "Failed"), pod(grace: nil)] {
            guard case .remove(let last) = try plan(pod, [:], PodStrategy()) else {
                Issue.record("not removed")
                continue
            }
            #expect(last["metadata"]["deletionTimestamp"] == "2026-01-01T00:00:00Z")
            #expect(last["metadata"]["deletionGracePeriodSeconds"] == 0)
        }
        guard case .hold(let negative) = try plan(pod(), ["gracePeriodSeconds": -7], PodStrategy()) else {
            Issue.record("not held")
            return
        }
        #expect(negative["metadata"]["deletionGracePeriodSeconds"] == 1)
        guard case .hold(let endless) = try plan(pod(), ["gracePeriodSeconds": .integer(.max)], PodStrategy()) else {
            Issue.record("not held")
            return
        }
        #expect(endless["metadata"]["deletionTimestamp"] == "9999-12-31T23:59:59Z")
    }

    @Test func aPodWaitsForItsFinalizersAfterItsTime() throws {
        var held = pod()
        held["metadata"]["finalizers"] = ["a.io/b"]
        guard case .hold(let ended) = try plan(held, ["gracePeriodSeconds": 0], PodStrategy()) else {
            Issue.record("not held")
            return
        }
        #expect(ended["metadata"]["deletionGracePeriodSeconds"] == 0)
        #expect(!ended.isDeletionComplete)
        var free = ended
        free["metadata"]["finalizers"] = nil
        #expect(free.isDeletionComplete)
    }

    @Test func namespacesTerminate() throws {
        let namespace: JSONValue = [
            "apiVersion": "v1", "kind": "Namespace", "metadata": ["name": "n"], "spec": ["finalizers": ["kubernetes"]],
            "status": ["phase": "Active"],
        ]
        guard case .hold(let held) = try plan(namespace, ["propagationPolicy": "Background"], NamespaceStrategy())
        else {
            Issue.record("not held")
            return
        }
        #expect(held["metadata"]["deletionTimestamp"] == "2026-01-01T00:00:00Z")
        #expect(held["metadata"]["deletionGracePeriodSeconds"] == nil)
        #expect(held["status"]["phase"] == "Terminating")
        #expect(try plan(held, ["propagationPolicy": "Orphan"], NamespaceStrategy()) == .unchanged)
        var empty = held
        empty["spec"]["finalizers"] = []
        guard case .remove = try plan(empty, [:], NamespaceStrategy()) else {
            Issue.record("not removed")
            return
        }
    }
}
