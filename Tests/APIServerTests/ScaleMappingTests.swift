import KubeModel
import Testing

@testable import APIResources
@testable import APIServer

@Suite("Where a kind keeps its scale") struct ScaleMappingTests {
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

/// The subresource through the whole server.
@Suite("The scale subresource") struct ScaleTests {
    static let path = "/apis/apps/v1/namespaces/default/deployments/web"

    private func server() async throws -> TestServer {
        let server = try await TestServer()
        let deployment: JSONValue = [
            "apiVersion": "apps/v1", "kind": "Deployment", "metadata": ["name": "web"],
            "spec": [
                "selector": ["matchLabels": ["app": "web"]],
                "template": [
                    "metadata": ["labels": ["app": "web"]],
                    "spec": ["containers": [["name": "web", "image": "web:1"]]],
                ],
            ],
        ]
        let created = await server.send("POST", "/apis/apps/v1/namespaces/default/deployments", deployment)
        #expect(created.status == 201, "\(created.message)")
        return server
    }

    @Test func `scale is read and written, and the generation counts it`() async throws {
        let server = try await server()
        let scale = await server.send("GET", "\(Self.path)/scale")
        #expect(scale.json["kind"] == "Scale" && scale.json["apiVersion"] == "autoscaling/v1")
        #expect(scale.json["spec"] == ["replicas": 1] && scale.json["status"]["selector"] == "app=web")
        var wanted = scale.json
        wanted["spec"]["replicas"] = 5
        let updated = await server.send("PUT", "\(Self.path)/scale", wanted)
        #expect(updated.status == 200 && updated.json["kind"] == "Scale" && updated.json["spec"]["replicas"] == 5)
        let object = await server.send("GET", Self.path)
        #expect(object.json["spec"]["replicas"] == 5 && object.json["metadata"]["generation"] == 2)
        #expect(object.json["metadata"]["resourceVersion"] == updated.json["metadata"]["resourceVersion"])
        // The version that was read first is old now.
        #expect(await server.send("PUT", "\(Self.path)/scale", wanted).status == 409)
        wanted["metadata"]["resourceVersion"] = nil
        wanted["metadata"]["uid"] = "other"
        #expect(await server.send("PUT", "\(Self.path)/scale", wanted).status == 409)
    }

    @Test(arguments: [
        "application/merge-patch+json", "application/strategic-merge-patch+json", "application/json-patch+json",
    ])
    func `scale is patched in every format`(_ type: String) async throws {
        let server = try await server()
        let patch: JSONValue =
            type.contains("json-patch")
            ? [["op": "replace", "path": "/spec/replicas", "value": 4]] : ["spec": ["replicas": 4]]
        let patched = await server.send("PATCH", "\(Self.path)/scale", patch, contentType: type)
        #expect(patched.status == 200 && patched.json["spec"]["replicas"] == 4, "\(patched.message)")
        let dry = await server.send(
            "PATCH", "\(Self.path)/scale?dryRun=All", ["spec": ["replicas": 9]],
            contentType: "application/merge-patch+json")
        #expect(dry.json["spec"]["replicas"] == 9)
        #expect(await server.send("GET", Self.path).json["spec"]["replicas"] == 4)
    }

    @Test func `bad scales are refused`() async throws {
        let server = try await server()
        let negative = await server.send(
            "PATCH", "\(Self.path)/scale", ["spec": ["replicas": -1]], contentType: "application/merge-patch+json")
        #expect(negative.status == 422 && negative.json["details"]["causes"][0]["field"] == "spec.replicas")
        let other: JSONValue = ["apiVersion": "apps/v1", "kind": "Deployment", "metadata": ["name": "web"]]
        #expect(await server.send("PUT", "\(Self.path)/scale", other).status == 400)
        let text: JSONValue = ["metadata": ["name": "web"], "spec": ["replicas": "two"]]
        #expect(await server.send("PUT", "\(Self.path)/scale", text).status == 400)
        #expect(await server.send("DELETE", "\(Self.path)/scale").status == 405)
        let missing = await server.send("GET", "/apis/apps/v1/namespaces/default/deployments/none/scale")
        #expect(missing.status == 404)
        let daemonSet = await server.send("GET", "/apis/apps/v1/namespaces/default/daemonsets/none/scale")
        #expect(daemonSet.status == 404)
    }

    @Test func `a Scale is a row and YAML too`() async throws {
        let server = try await server()
        let table = await server.send(
            "GET", "\(Self.path)/scale", accept: "application/json;as=Table;v=v1;g=meta.k8s.io")
        let names = (table.json["columnDefinitions"].array ?? []).compactMap { $0["name"].string }
        #expect(names == ["Name", "Desired", "Available", "Age"])
        #expect(table.json["rows"][0]["cells"][1] == 1)
        let yaml = await server.send("GET", "\(Self.path)/scale", accept: "application/yaml")
        #expect(yaml.text.contains("kind: Scale"))
    }
}
