import KubeModel
import Testing

@testable import APIServer

@Suite struct ScaleMappingTests {
    static let object: JSONValue = [
        "apiVersion": "apps/v1", "kind": "Deployment",
        "metadata": [
            "name": "web", "namespace": "shop", "uid": "1", "resourceVersion": "7",
            "creationTimestamp": "2026-01-01T00:00:00Z", "labels": ["a": "b"],
        ],
        "spec": ["replicas": 3, "selector": ["matchLabels": ["app": "web"]]], "status": ["replicas": 2],
    ]

    @Test func `a Scale shows the numbers, the selector and who the object is`() throws {
        let scale = try ScaleMapping.workload.scale(of: Self.object)
        #expect(
            scale == [
                "kind": "Scale", "apiVersion": "autoscaling/v1",
                "metadata": [
                    "name": "web", "namespace": "shop", "uid": "1", "resourceVersion": "7",
                    "creationTimestamp": "2026-01-01T00:00:00Z",
                ], "spec": ["replicas": 3], "status": ["replicas": 2, "selector": "app=web"],
            ])
    }

    @Test func `custom resources say where their numbers are`() throws {
        let mapping = ScaleMapping(
            specReplicasPath: ["spec", "size", "wanted"], statusReplicasPath: ["status", "size"],
            labelSelectorPath: ["status", "selector"])
        var object: JSONValue = [
            "metadata": ["name": "a"], "spec": ["size": ["wanted": 1]], "status": ["selector": "x in (a,b)"],
        ]
        #expect(try mapping.scale(of: object)["status"] == ["replicas": 0, "selector": "x in (a,b)"])
        object = try mapping.apply(["spec": ["replicas": 9]], to: object)
        #expect(object["spec"] == ["size": ["wanted": 9]])
        #expect(throws: Status.self) { try mapping.scale(of: ["metadata": ["name": "a"]]) }
        #expect(try mapping.apply(["spec": ["replicas": 2]], to: [:])["spec"] == ["size": ["wanted": 2]])
    }

    @Test func `negative numbers and texts are refused`() throws {
        let refused = #expect(throws: Status.self) {
            try ScaleMapping.workload.apply(["spec": ["replicas": -1]], to: Self.object)
        }
        #expect(
            refused?.message
                == "Scale.autoscaling \"web\" is invalid: spec.replicas: Invalid value: -1: must be greater than or equal "
                + "to 0")
        let unreadable = #expect(throws: Status.self) {
            try ScaleMapping.workload.apply(["spec": ["replicas": "many"]], to: Self.object)
        }
        #expect(unreadable?.code == 400)
    }

    @Test func `version and uid of the Scale are those the object must have`() throws {
        let wanted: JSONValue = ["metadata": ["resourceVersion": "6", "uid": "2"], "spec": [:]]
        let object = try ScaleMapping.workload.apply(wanted, to: Self.object)
        #expect(object["metadata"]["resourceVersion"] == "6" && object["metadata"]["uid"] == "2")
        #expect(object["spec"]["replicas"] == 0)
    }

    static let selectors: [(JSONValue, String)] = [
        (["matchLabels": ["b": "2", "a": "1"]], "a=1,b=2"),
        (
            [
                "matchExpressions": [
                    ["key": "z", "operator": "Exists"], ["key": "b", "operator": "DoesNotExist"],
                    ["key": "a", "operator": "In", "values": ["y", "x"]],
                    ["key": "c", "operator": "NotIn", "values": ["x"]],
                ]
            ], "a in (x,y),!b,c notin (x),z"
        ), (["app": "web"], "app=web"), ("tier!=db", "tier!=db"), ([:], ""), (.null, ""),
    ]

    @Test(arguments: selectors)
    func `selectors become the text that lists take`(_ selector: JSONValue, _ text: String) {
        #expect(SelectorText.of(selector) == text)
    }
}
