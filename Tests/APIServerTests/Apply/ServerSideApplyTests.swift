import KubeModel
import Testing

@testable import APIServer

@Suite("Server-side apply") struct ServerSideApplyTests {
    private static let yaml = "application/apply-patch+yaml"
    private static let service = "\(Samples.services)/a"
    private static let map = "\(Samples.configMaps)/a"

    private func apply(
        _ server: TestServer, _ path: String, _ manager: String, _ configuration: JSONValue, _ options: String = ""
    ) async -> TestResponse {
        await server.send(
            "PATCH", "\(path)?fieldManager=\(manager)\(options)", configuration, contentType: Self.yaml)
    }

    private func map(_ data: JSONValue) -> JSONValue {
        ["apiVersion": "v1", "kind": "ConfigMap", "metadata": ["name": "a", "namespace": "default"], "data": data]
    }

    @Test func `applying creates, changes, and leaves alone`() async throws {
        let server = try await TestServer()
        let created = await apply(server, Self.map, "me", map(["k": "1"]))
        #expect(created.status == 201)
        #expect(FieldOwnershipTests.owners(created.json) == ["me Apply": #"{"f:data":{"f:k":{}}}"#])
        let same = await apply(server, Self.map, "me", map(["k": "1"]))
        #expect(same.status == 200)
        #expect(same.json == created.json)
        let changed = await apply(server, Self.map, "me", map(["k": "2", "l": "1"]))
        #expect(changed.status == 200)
        #expect(changed.json["data"] == ["k": "2", "l": "1"])
        let fewer = await apply(server, Self.map, "me", map(["l": "1"]))
        #expect(fewer.json["data"] == ["l": "1"])
        #expect(FieldOwnershipTests.owners(fewer.json) == ["me Apply": #"{"f:data":{"f:l":{}}}"#])
    }

    @Test func `YAML is taken as well as JSON`() async throws {
        let server = try await TestServer()
        let text = """
            # a comment
            apiVersion: v1
            kind: Service
            metadata:
              name: a
            spec:
              selector: {app: a}
              ports:
              - port: 80
            """
        let created = await server.sendBytes(
            "PATCH", "\(Self.service)?fieldManager=me", Array(text.utf8), contentType: "\(Self.yaml); charset=utf-8")
        try #require(created.status == 201, "\(created.text)")
        #expect(created.json["spec"]["ports"][0]["targetPort"] == 80)
        #expect(created.json["spec"]["clusterIP"] != nil)
        #expect(
            FieldOwnershipTests.owners(created.json) == [
                "me Apply":
                    #"{"f:spec":{"f:ports":{"k:{\"port\":80,\"protocol\":\"TCP\"}":{".":{},"f:port":{}}},"f:selector":{}}}"#
            ])
        let again = await server.sendBytes(
            "PATCH", "\(Self.service)?fieldManager=me", Array(text.utf8), contentType: Self.yaml)
        #expect(again.json == created.json)
    }

    @Test func `a conflict names every field and its owner`() async throws {
        let server = try await TestServer()
        _ = await server.send("POST", "\(Samples.services)?fieldManager=creator", Samples.service("a"))
        let wanted: JSONValue = [
            "apiVersion": "v1", "kind": "Service", "metadata": ["name": "a"],
            "spec": ["ports": [["port": 80, "targetPort": 8080]], "sessionAffinity": "ClientIP"],
        ]
        let refused = await apply(server, Self.service, "me", wanted)
        #expect(refused.status == 409)
        #expect(refused.json["reason"] == "Conflict")
        #expect(
            refused.message
                == "Apply failed with 2 conflicts: conflicts with \"creator\" using v1:\n- .spec.sessionAffinity\n"
                + "- .spec.ports[port=80,protocol=\"TCP\"].targetPort")
        #expect(
            refused.json["details"]["causes"] == [
                [
                    "reason": "FieldManagerConflict", "message": "conflict with \"creator\" using v1",
                    "field": ".spec.sessionAffinity",
                ],
                [
                    "reason": "FieldManagerConflict", "message": "conflict with \"creator\" using v1",
                    "field": #".spec.ports[port=80,protocol="TCP"].targetPort"#,
                ],
            ])
        let forced = await apply(server, Self.service, "me", wanted, "&force=true")
        #expect(forced.status == 200)
        #expect(forced.json["spec"]["ports"][0]["targetPort"] == 8080)
        let creator = try #require(FieldOwnershipTests.owners(forced.json)["creator Update"])
        #expect(!creator.contains("f:targetPort") && !creator.contains("f:sessionAffinity"))
        // Back again, and from an applier the version is not said.
        let other = await apply(server, Self.service, "other", wanted)
        #expect(other.status == 200)
        var third = wanted
        third["spec"]["ports"] = nil
        third["spec"]["sessionAffinity"] = "None"
        let shared = await apply(server, Self.service, "third", third)
        #expect(
            shared.message
                == "Apply failed with 2 conflicts: conflicts with \"me\":\n- .spec.sessionAffinity\n"
                + "conflicts with \"other\":\n- .spec.sessionAffinity")
    }

    @Test(arguments: [
        (
            "", "[]", 422,
            "PatchOptions.meta.k8s.io \"\" is invalid: fieldManager: Required value: is required for apply patch"
        ),
        ("me", "", 400, "error decoding YAML"), ("me", "[1]", 400, "error decoding YAML"),
        ("me", "a: [", 400, "error decoding YAML"),
        ("me", "{}", 400, "invalid object type: /, Kind="),
        ("me", #"{"apiVersion":"v2","kind":"ConfigMap"}"#, 400, "invalid object type: /v2, Kind=ConfigMap"),
        ("me", #"{"apiVersion":"apps/v1","kind":"Deployment"}"#, 400, "invalid object type: apps/v1, Kind=Deployment"),
        (
            "me", #"{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"a","managedFields":[]}}"#, 400,
            "metadata.managedFields must be nil"
        ),
        (
            "me", #"{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"a","namespace":"default"},"datum":{}}"#,
            400,
            "failed to create typed patch object (default/a; /v1, Kind=ConfigMap): .datum: field not declared in schema"
        ),
        (
            "me", #"{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"b"}}"#, 400,
            "the name of the object (b) does not match the name on the URL (a)"
        ),
        (
            "me", #"{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"a","namespace":"other"}}"#, 400,
            "does not match the namespace"
        ),
        (
            "me", #"{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"a","uid":"x"}}"#, 409,
            "uid mismatch: the provided object specified uid x, and no existing object was found"
        ),
        (
            "me", #"{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"a"},"data":{"k":1}}"#, 400,
            ".data.k: expected string, got &value.valueUnstructured{Value:1}"
        ),
    ])
    func `what can't be applied is refused`(manager: String, body: String, status: Int, message: String) async throws {
        let server = try await TestServer()
        let refused = await server.sendBytes(
            "PATCH", "\(Self.map)?fieldManager=\(manager)", Array(body.utf8), contentType: Self.yaml)
        #expect(refused.status == status)
        #expect(refused.message.contains(message), "\(refused.message)")
    }

    @Test func `elements that can't be told apart are refused`() async throws {
        let server = try await TestServer()
        let refused = await apply(
            server, Self.service, "me",
            [
                "apiVersion": "v1", "kind": "Service", "metadata": ["name": "a"],
                "spec": ["ports": [["port": 80], ["port": 80, "protocol": "TCP"]]],
            ])
        #expect(refused.status == 400)
        #expect(refused.message.hasSuffix(#".spec.ports: duplicate entries for key [port=80,protocol="TCP"]"#))
    }

    @Test func `other formats do not take force, and CBOR is not taken`() async throws {
        let server = try await TestServer()
        let forced = await server.send(
            "PATCH", "\(Self.map)?force=true", [:], contentType: "application/merge-patch+json")
        #expect(forced.status == 422)
        let cbor = await server.send("PATCH", Self.map, [:], contentType: "application/apply-patch+cbor")
        #expect(cbor.status == 415)
        #expect(cbor.message.contains("application/apply-patch+yaml"))
    }

    @Test func `version and uid in a configuration are conditions`() async throws {
        let server = try await TestServer()
        let created = await apply(server, Self.map, "me", map(["k": "1"]))
        var wanted = map(["k": "2"])
        wanted["metadata"]["resourceVersion"] = "1"
        let refused = await apply(server, Self.map, "me", wanted)
        #expect(refused.status == 409)
        #expect(refused.message.contains("the object has been modified"))
        wanted["metadata"]["resourceVersion"] = created.json["metadata"]["resourceVersion"]
        wanted["metadata"]["uid"] = "11111111-1111-4111-8111-111111111111"
        #expect(await apply(server, Self.map, "me", wanted).status == 422)
        wanted["metadata"]["uid"] = created.json["metadata"]["uid"]
        #expect(await apply(server, Self.map, "me", wanted).status == 200)
    }

    @Test func `what was there before the first apply gets an owner`() async throws {
        let server = try await TestServer()
        _ = await server.send("POST", Samples.configMaps, Samples.configMap("a"))
        _ = await server.send(
            "PATCH", Self.map, ["metadata": ["managedFields": []]], contentType: "application/merge-patch+json")
        let refused = await apply(server, Self.map, "me", map(["k": "2"]))
        #expect(
            refused.message
                == "Apply failed with 1 conflict: conflict with \"before-first-apply\" using v1: .data.k")
        let added = await apply(server, Self.map, "me", map(["l": "2"]))
        #expect(
            FieldOwnershipTests.owners(added.json) == [
                "before-first-apply Update": #"{"f:data":{".":{},"f:k":{}}}"#, "me Apply": #"{"f:data":{"f:l":{}}}"#,
            ])
    }

    @Test func `the status is applied on its own path`() async throws {
        let server = try await TestServer()
        var service = Samples.service("a")
        service["spec"]["type"] = "LoadBalancer"
        service["status"] = ["loadBalancer": ["ingress": [["ip": "192.0.2.9"]]]]
        let created = await apply(server, Self.service, "me", service)
        try #require(created.status == 201, "\(created.text)")
        #expect(created.json["status"]["loadBalancer"] == [:])
        #expect(FieldOwnershipTests.owners(created.json)["me Apply"]?.contains("f:status") == false)
        let status: JSONValue = [
            "apiVersion": "v1", "kind": "Service", "metadata": ["name": "a"], "spec": ["type": "NodePort"],
            "status": ["loadBalancer": ["ingress": [["ip": "192.0.2.1"]]]],
        ]
        let applied = await apply(server, "\(Self.service)/status", "me", status)
        #expect(applied.status == 200)
        #expect(applied.json["spec"]["type"] == "LoadBalancer")
        #expect(applied.json["status"]["loadBalancer"]["ingress"][0]["ip"] == "192.0.2.1")
        #expect(
            FieldOwnershipTests.owners(applied.json)["me Apply status"]
                == #"{"f:status":{"f:loadBalancer":{"f:ingress":{}}}}"#)
        #expect(await apply(server, "\(Samples.services)/none/status", "me", status).status == 404)
        var other = status
        other["status"]["loadBalancer"]["ingress"] = [["ip": "192.0.2.2"]]
        let refused = await apply(server, "\(Self.service)/status", "you", other)
        #expect(
            refused.message
                == "Apply failed with 1 conflict: conflict with \"me\" with subresource \"status\": "
                + ".status.loadBalancer.ingress")
    }

    @Test func `a dry run answers like the real thing and stores nothing`() async throws {
        let server = try await TestServer()
        let tried = await apply(server, Self.map, "me", map(["k": "1"]), "&dryRun=All")
        #expect(tried.status == 201)
        #expect(await server.send("GET", Self.map).status == 404)
        let created = await apply(server, Self.map, "me", map(["k": "1"]))
        let changed = await apply(server, Self.map, "me", map(["k": "2"]), "&dryRun=All")
        #expect(changed.json["data"]["k"] == "2")
        #expect(await server.send("GET", Self.map).json == created.json)
    }

    @Test func `what a client-side apply has set is kubectl's to take`() async throws {
        let server = try await TestServer()
        let annotation = "kubectl.kubernetes.io/last-applied-configuration"
        var first = map(["k": "1"])
        first["metadata"]["annotations"] = [annotation: .string(map(["k": "1"]).description + "\n")]
        _ = await server.send("POST", "\(Samples.configMaps)?fieldManager=kubectl-client-side-apply", first)
        let others = await apply(server, Self.map, "someone", map(["k": "2"]))
        #expect(others.status == 409)
        let applied = await apply(server, Self.map, "kubectl", map(["k": "2"]))
        try #require(applied.status == 200, "\(applied.text)")
        #expect(
            applied.json["metadata"]["annotations"][annotation].string
                == #"{"apiVersion":"v1","data":{"k":"2"},"kind":"ConfigMap","metadata":{"name":"a","namespace":"default"}}"#
                + "\n")
        // What somebody has changed since is not.
        _ = await server.send(
            "PATCH", "\(Self.map)?fieldManager=x", ["data": ["k": "3"]], contentType: "application/merge-patch+json")
        #expect(await apply(server, Self.map, "kubectl", map(["k": "4"])).status == 409)
    }

    @Test func `many appliers at once create an object once`() async throws {
        let server = try await TestServer()
        let answers = await withTaskGroup(of: TestResponse.self) { group in
            for index in 0..<20 {
                group.addTask { await apply(server, Self.map, "m\(index)", map(["k\(index)": "1"])) }
            }
            return await group.reduce(into: [TestResponse]()) { $0.append($1) }
        }
        #expect(answers.count { $0.status == 201 } == 1)
        #expect(answers.count { $0.status == 200 } == 19)
        let object = await server.send("GET", Self.map).json
        #expect(object["data"].object?.count == 20)
        #expect(FieldOwnershipTests.owners(object).count == 20)
    }

    @Test func `lists show the owners too`() async throws {
        let server = try await TestServer()
        let created = await apply(server, Self.service, "me", Samples.service("a"))
        let listed = await server.send("GET", Samples.services)
        let found = (listed.json["items"].array ?? []).first { $0["metadata"]["name"] == "a" }
        #expect(found?["metadata"]["managedFields"] == created.json["metadata"]["managedFields"])
    }

    @Test func `custom resources are applied like any other`() async throws {
        let server = try await TestServer()
        let status: JSONValue = ["type": "object", "properties": ["active": ["type": "integer"]]]
        await server.define(CustomResourceSamples.crontabs(CustomResourceSamples.version("v1", status: status)))
        let path = "\(CustomResourceSamples.crontabs)/one"
        let created = await apply(server, path, "me", CustomResourceSamples.crontab("one"))
        try #require(created.status == 201, "\(created.text)")
        #expect(created.json["spec"]["replicas"] == 1)
        #expect(FieldOwnershipTests.owners(created.json) == ["me Apply": #"{"f:spec":{"f:schedule":{}}}"#])
        #expect(await apply(server, path, "me", CustomResourceSamples.crontab("one")).json == created.json)
        let changed = await server.send(
            "PATCH", "\(path)?fieldManager=you", ["spec": ["image": "i"], "metadata": ["labels": ["a": "b"]]],
            contentType: "application/merge-patch+json")
        #expect(
            FieldOwnershipTests.owners(changed.json)["you Update"]
                == #"{"f:metadata":{"f:labels":{".":{},"f:a":{}}},"f:spec":{"f:image":{}}}"#)
        let refused = await apply(
            server, path, "me", CustomResourceSamples.crontab("one", ["schedule": "*", "image": "j"]))
        #expect(
            refused.message
                == "Apply failed with 1 conflict: conflict with \"you\" using stable.example.com/v1: .spec.image")
        let unknown = await apply(server, path, "me", CustomResourceSamples.crontab("one", ["bogus": 1]))
        #expect(unknown.message.hasSuffix("Kind=CronTab): .spec.bogus: field not declared in schema"))
        var told = CustomResourceSamples.crontab("one")
        told["metadata"]["labels"] = ["x": "y"]
        told["status"] = ["active": 1]
        let applied = await apply(server, "\(path)/status", "controller", told)
        try #require(applied.status == 200, "\(applied.text)")
        #expect(applied.json["status"]["active"] == 1)
        #expect(
            FieldOwnershipTests.owners(applied.json)["controller Apply status"] == #"{"f:status":{"f:active":{}}}"#)
        // What an update sends back of the owners is understood.
        var updated = applied.json
        updated["spec"]["schedule"] = "1"
        let put = await server.send("PUT", "\(path)?fieldManager=editor", updated)
        #expect(FieldOwnershipTests.owners(put.json)["editor Update"] == #"{"f:spec":{"f:schedule":{}}}"#)
        #expect(FieldOwnershipTests.owners(put.json)["controller Apply status"] != nil)
        #expect(FieldOwnershipTests.owners(put.json)["me Apply"] == nil)
    }

    @Test func `a created custom resource owns its structs too`() async throws {
        let server = try await TestServer()
        await server.define(CustomResourceSamples.crontabs())
        let created = await server.send(
            "POST", "\(CustomResourceSamples.crontabs)?fieldManager=me", CustomResourceSamples.crontab("one"))
        #expect(
            FieldOwnershipTests.owners(created.json)
                == ["me Update": #"{"f:spec":{".":{},"f:replicas":{},"f:schedule":{}}}"#])
    }

    @Test func `managers of several versions know of each other`() async throws {
        let server = try await TestServer()
        await server.define(
            CustomResourceSamples.definition(
                "stable.example.com", "CronTab", "crontabs",
                versions: [
                    CustomResourceSamples.version("v1"), CustomResourceSamples.version("v2", storage: false),
                ]))
        let path = "\(CustomResourceSamples.crontabs)/one"
        let newer = path.replacing("/v1/", with: "/v2/")
        var configuration = CustomResourceSamples.crontab("one")
        _ = await apply(server, path, "me", configuration)
        configuration["apiVersion"] = "stable.example.com/v2"
        configuration["spec"]["schedule"] = "2"
        let refused = await apply(server, newer, "you", configuration)
        #expect(refused.status == 409)
        #expect(refused.message == "Apply failed with 1 conflict: conflict with \"me\": .spec.schedule")
        // The same applier has one entry, in the version that it used last.
        configuration["spec"] = ["schedule": "3", "image": "i"]
        let moved = await apply(server, newer, "me", configuration)
        try #require(moved.status == 200, "\(moved.text)")
        #expect(moved.json["metadata"]["managedFields"].array?.count == 1)
        #expect(moved.json["metadata"]["managedFields"][0]["apiVersion"] == "stable.example.com/v2")
        configuration["spec"] = ["schedule": "3"]
        configuration["apiVersion"] = "stable.example.com/v1"
        let back = await apply(server, path, "me", configuration)
        #expect(back.json["spec"]["image"] == nil)
        #expect(back.json["metadata"]["managedFields"][0]["apiVersion"] == "stable.example.com/v1")
    }

    @Test func `replicas change hands through scale`() async throws {
        let server = try await TestServer()
        let deployments = "/apis/apps/v1/namespaces/default/deployments"
        let configuration: JSONValue = [
            "apiVersion": "apps/v1", "kind": "Deployment", "metadata": ["name": "d", "namespace": "default"],
            "spec": [
                "replicas": 1, "selector": ["matchLabels": ["a": "b"]],
                "template": [
                    "metadata": ["labels": ["a": "b"]], "spec": ["containers": [["name": "c", "image": "i"]]],
                ],
            ],
        ]
        let created = await apply(server, "\(deployments)/d", "me", configuration)
        try #require(created.status == 201, "\(created.text)")
        #expect(
            FieldOwnershipTests.owners(created.json) == [
                "me Apply":
                    #"{"f:spec":{"f:replicas":{},"f:selector":{},"f:template":{"f:metadata":{"f:labels":{"f:a":{}}},"f:spec":{"f:containers":{"k:{\"name\":\"c\"}":{".":{},"f:image":{},"f:name":{}}}}}}}"#
            ])
        let scale: JSONValue = [
            "apiVersion": "autoscaling/v1", "kind": "Scale", "metadata": ["name": "d", "namespace": "default"],
            "spec": ["replicas": 3],
        ]
        let refused = await apply(server, "\(deployments)/d/scale", "scaler", scale)
        #expect(refused.status == 409)
        let forced = await apply(server, "\(deployments)/d/scale", "scaler", scale, "&force=true")
        try #require(forced.status == 200, "\(forced.text)")
        #expect(forced.json["spec"]["replicas"] == 3)
        let now = await server.send("GET", "\(deployments)/d").json
        #expect(now["spec"]["replicas"] == 3)
        #expect(FieldOwnershipTests.owners(now)["scaler Apply scale"] == #"{"f:spec":{"f:replicas":{}}}"#)
        #expect(FieldOwnershipTests.owners(now)["me Apply"]?.contains("f:replicas") == false)
        let patched = await server.send(
            "PATCH", "\(deployments)/d/scale?fieldManager=hpa", ["spec": ["replicas": 4]],
            contentType: "application/merge-patch+json")
        #expect(patched.status == 200)
        let owners = FieldOwnershipTests.owners(await server.send("GET", "\(deployments)/d").json)
        #expect(owners["hpa Update scale"] == #"{"f:spec":{"f:replicas":{}}}"#)
        #expect(owners["scaler Apply scale"] == nil)
    }
}
