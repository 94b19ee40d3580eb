import Foundation
import KubeModel
import Testing

@testable import APIServer

/// What a definition makes the server serve, through the whole pipeline.
@Suite("Custom resources") struct CustomResourceTests {
    private typealias Samples = CustomResourceSamples

    @Test func aDefinitionIsServedAndDiscoveredWithTheNextRequest() async throws {
        let server = try await TestServer()
        #expect(await server.send("GET", Samples.crontabs).status == 404)
        let created = await server.define(Samples.crontabs())
        #expect(created.status == 201, "\(created.message)")
        #expect(created.json["spec"]["names"]["singular"] == "crontab")
        #expect(created.json["spec"]["names"]["listKind"] == "CronTabList")
        #expect(created.json["spec"]["conversion"]["strategy"] == "None")
        #expect(created.json["status"]["storedVersions"] == ["v1"])
        let resources = await server.send("GET", "/apis/stable.example.com/v1").json["resources"]
        #expect(resources[0]["name"] == "crontabs")
        #expect(resources[0]["kind"] == "CronTab")
        #expect(await server.send("POST", Samples.crontabs, Samples.crontab("one")).status == 201)
        let list = await server.send("GET", Samples.crontabs)
        #expect(list.names == ["one"])
        #expect(list.json["kind"] == "CronTabList")
        #expect(
            await Polling.until { await server.condition("Established", of: "crontabs.stable.example.com") == "True" })
        let status = await server.send("GET", "\(Samples.path)/crontabs.stable.example.com").json["status"]
        #expect(status["acceptedNames"]["plural"] == "crontabs")
        #expect(status["acceptedNames"]["kind"] == "CronTab")
    }

    @Test func objectsArePrunedDefaultedAndValidated() async throws {
        let server = try await TestServer()
        await server.define(Samples.crontabs())
        let created = await server.send(
            "POST", Samples.crontabs,
            Samples.crontab("one", ["schedule": "* * * * *", "bogus": 1, "image": .null]))
        #expect(created.status == 201, "\(created.message)")
        #expect(created.json["spec"] == ["schedule": "* * * * *", "replicas": 1])
        #expect(created.json["metadata"]["generation"] == 1)
        #expect(created.header("Warning")?.contains("unknown field") == true)
        let refused = await server.send(
            "POST", Samples.crontabs, Samples.crontab("two", ["schedule": "often", "replicas": 11, "image": 3]))
        #expect(refused.status == 422)
        let causes = (refused.json["details"]["causes"].array ?? []).compactMap { $0["message"].string }
        #expect(
            causes.contains {
                $0.contains("spec.schedule in body should match '^[0-9*/, -]+$'")
            }, "\(causes)")
        #expect(causes.contains { $0.contains("spec.replicas in body should be less than or equal to 10") })
        #expect(causes.contains { $0.contains("spec.image in body must be of type string: \"integer\"") })
        let strict = await server.send(
            "POST", Samples.crontabs + "?fieldValidation=Strict", Samples.crontab("three", ["schedule": "*", "a": [:]]))
        #expect(strict.status == 400)
        #expect(strict.message.contains("unknown field \"spec.a\""))
    }

    @Test func theStatusIsSeparateAndTheGenerationCountsTheSpec() async throws {
        let server = try await TestServer()
        let status: JSONValue = ["type": "object", "properties": ["active": ["type": "integer"]]]
        await server.define(Samples.crontabs(Samples.version("v1", status: status)))
        var object = Samples.crontab("one")
        object["status"] = ["active": 3]
        let created = await server.send("POST", Samples.crontabs, object).json
        #expect(created["status"] == nil)
        var changed = created
        changed["status"] = ["active": 4]
        changed["spec"]["schedule"] = "1"
        let updated = await server.send("PUT", Samples.crontabs + "/one", changed).json
        #expect(updated["status"] == nil)
        #expect(updated["metadata"]["generation"] == 2)
        changed["metadata"]["resourceVersion"] = updated["metadata"]["resourceVersion"]
        changed["spec"]["schedule"] = "2"
        changed["metadata"]["labels"] = ["a": "b"]
        let told = await server.send("PUT", Samples.crontabs + "/one/status", changed).json
        #expect(told["status"]["active"] == 4)
        #expect(told["spec"]["schedule"] == "1")
        #expect(told["metadata"]["labels"] == nil)
        #expect(told["metadata"]["generation"] == 2)
        #expect(await server.send("GET", Samples.crontabs + "/one/status").json["status"]["active"] == 4)
    }

    @Test func anUpdateNeedsAVersion() async throws {
        let server = try await TestServer()
        await server.define(Samples.crontabs())
        _ = await server.send("POST", Samples.crontabs, Samples.crontab("one"))
        let refused = await server.send("PUT", Samples.crontabs + "/one", Samples.crontab("one"))
        #expect(refused.status == 422)
        #expect(refused.message.contains("must be specified for an update"))
    }

    @Test func strategicMergePatchIsNotForCustomResources() async throws {
        let server = try await TestServer()
        await server.define(Samples.crontabs())
        _ = await server.send("POST", Samples.crontabs, Samples.crontab("one"))
        let patch: JSONValue = ["spec": ["replicas": 2]]
        let refused = await server.send(
            "PATCH", Samples.crontabs + "/one", patch, contentType: "application/strategic-merge-patch+json")
        #expect(refused.status == 415)
        let merged = await server.send(
            "PATCH", Samples.crontabs + "/one", patch, contentType: "application/merge-patch+json")
        #expect(merged.json["spec"]["replicas"] == 2)
    }

    @Test func everyVersionShowsTheSameObjects() async throws {
        let server = try await TestServer()
        var old = Samples.spec
        old["properties"]["image"] = nil
        await server.define(
            Samples.definition(
                "stable.example.com", "CronTab", "crontabs",
                versions: [
                    Samples.version("v1beta1", storage: false, spec: old, extra: ["deprecated": true]),
                    Samples.version("v1alpha1", storage: false), Samples.version("v1"),
                ]))
        let beta = Samples.crontabs.replacing("/v1/", with: "/v1beta1/")
        let alpha = Samples.crontabs.replacing("/v1/", with: "/v1alpha1/")
        _ = await server.send(
            "POST", Samples.crontabs, Samples.crontab("one", ["schedule": "1", "image": "x"]))
        let seen = await server.send("GET", beta + "/one")
        #expect(seen.json["apiVersion"] == "stable.example.com/v1beta1")
        #expect(seen.json["spec"] == ["schedule": "1", "replicas": 1])
        #expect(
            seen.header("Warning")
                == "299 - \"stable.example.com/v1beta1 CronTab is deprecated; use stable.example.com/v1 CronTab\"")
        let list = await server.send("GET", alpha).json
        #expect(list["items"][0]["apiVersion"] == "stable.example.com/v1alpha1")
        #expect(list["items"][0]["spec"]["image"] == "x")
        var written = Samples.crontab("two", ["schedule": "2"])
        written["apiVersion"] = "stable.example.com/v1beta1"
        #expect(await server.send("POST", beta, written).status == 201)
        #expect(await server.send("GET", Samples.crontabs + "/two").json["apiVersion"] == "stable.example.com/v1")
        let (watch, _) = server.watch(beta + "?watch=true")
        let events = await watch.events(2)
        #expect(events.allSatisfy { $0["object"]["apiVersion"] == "stable.example.com/v1beta1" })
        let versions = await server.send("GET", "/apis/stable.example.com").json["versions"]
        #expect((versions.array ?? []).compactMap { $0["version"].string } == ["v1", "v1beta1", "v1alpha1"])
    }

    @Test func definitionsAndObjectsOutliveARestart() async throws {
        let directory = NSTemporaryDirectory() + "martlet-crd-\(UUID().uuidString)"
        defer { try? FileManager.default.removeItem(atPath: directory) }
        let first = try await TestServer(directory: directory)
        await first.define(Samples.crontabs())
        _ = await first.send("POST", Samples.crontabs, Samples.crontab("one"))
        first.stop()
        let second = try await TestServer(directory: directory)
        #expect(await second.send("GET", Samples.crontabs).names == ["one"])
        #expect(await second.send("GET", "/apis/stable.example.com/v1").status == 200)
    }

    @Test func aChangedDefinitionTakesEffectAtOnce() async throws {
        let server = try await TestServer()
        await server.define(Samples.crontabs())
        _ = await server.send("POST", Samples.crontabs, Samples.crontab("one"))
        let path = "\(Samples.path)/crontabs.stable.example.com"
        var definition = await server.send("GET", path).json
        var spec = Samples.spec
        spec["properties"]["suspend"] = ["type": "boolean", "default": false]
        definition["spec"]["versions"] = [Samples.version("v1", spec: spec)]
        let patch: JSONValue = ["spec": ["versions": definition["spec"]["versions"] ?? []]]
        let changed = await server.send("PATCH", path, patch, contentType: "application/merge-patch+json")
        #expect(changed.status == 200, "\(changed.message)")
        #expect(await server.send("GET", Samples.crontabs + "/one").json["spec"]["suspend"] == false)
        let made = await server.send(
            "POST", Samples.crontabs, Samples.crontab("two", ["schedule": "1", "suspend": true]))
        #expect(made.json["spec"]["suspend"] == true)
    }

    @Test func aDeletedDefinitionTakesItsObjectsAlong() async throws {
        let server = try await TestServer()
        await server.define(Samples.crontabs())
        _ = await server.send("POST", Samples.crontabs, Samples.crontab("one"))
        var held = Samples.crontab("two")
        held["metadata"]["finalizers"] = ["example.com/hold"]
        _ = await server.send("POST", Samples.crontabs, held)
        let path = "\(Samples.path)/crontabs.stable.example.com"
        let deleted = await server.send("DELETE", path)
        #expect(deleted.status == 200)
        #expect(deleted.json["metadata"]["finalizers"] == ["customresourcecleanup.apiextensions.k8s.io"])
        #expect(await server.condition("Terminating", of: "crontabs.stable.example.com") == "True")
        let refused = await server.send("POST", Samples.crontabs, Samples.crontab("three"))
        #expect(refused.status == 405)
        #expect(refused.message == "create not allowed while custom resource definition is terminating")
        #expect(await Polling.until { await server.send("GET", Samples.crontabs).names == ["two"] })
        _ = await server.send(
            "PATCH", Samples.crontabs + "/two", ["metadata": ["finalizers": .null]],
            contentType: "application/merge-patch+json")
        #expect(await Polling.until { await server.send("GET", path).status == 404 })
        #expect(await server.send("GET", Samples.crontabs).status == 404)
        #expect(await server.send("GET", "/apis/stable.example.com").status == 404)
        await server.define(Samples.crontabs())
        #expect(await server.send("GET", Samples.crontabs).names == [])
    }

    @Test func namesThatAreTakenAreRefusedUntilTheyAreFree() async throws {
        let server = try await TestServer()
        await server.define(Samples.crontabs())
        let second = Samples.definition(
            "stable.example.com", "CronTab", "timetables", versions: [Samples.version("v1")])
        await server.define(second)
        let name = "timetables.stable.example.com"
        #expect(await Polling.until { await server.condition("NamesAccepted", of: name) == "False" })
        #expect(await server.condition("Established", of: name) == "False")
        let conditions = await server.send("GET", "\(Samples.path)/\(name)").json["status"]["conditions"].array ?? []
        let accepted = conditions.first { $0["type"] == "NamesAccepted" }
        #expect(accepted?["reason"] == "ListKindConflict")
        #expect(accepted?["message"] == "\"CronTabList\" is already in use")
        let timetables = "/apis/stable.example.com/v1/namespaces/default/timetables"
        #expect(await server.send("GET", timetables).status == 404)
        _ = await server.send("DELETE", "\(Samples.path)/crontabs.stable.example.com")
        #expect(await Polling.until { await server.condition("Established", of: name) == "True" })
        #expect(await server.send("GET", timetables).status == 200)
    }

    @Test func columnsSelectorsAndScaleFollowTheDefinition() async throws {
        let server = try await TestServer()
        let status: JSONValue = [
            "type": "object",
            "properties": ["replicas": ["type": "integer"], "selector": ["type": "string"]],
        ]
        await server.define(
            Samples.crontabs(
                Samples.version(
                    "v1", status: status,
                    extra: [
                        "additionalPrinterColumns": [
                            ["name": "Schedule", "type": "string", "jsonPath": ".spec.schedule"],
                            ["name": "Replicas", "type": "integer", "jsonPath": ".spec.replicas", "priority": 1],
                            ["name": "Age", "type": "date", "jsonPath": ".metadata.creationTimestamp"],
                        ],
                        "selectableFields": [["jsonPath": ".spec.image"]],
                        "subresources": [
                            "scale": [
                                "specReplicasPath": ".spec.replicas", "statusReplicasPath": ".status.replicas",
                                "labelSelectorPath": ".status.selector",
                            ]
                        ],
                    ])))
        _ = await server.send("POST", Samples.crontabs, Samples.crontab("one", ["schedule": "1", "image": "a"]))
        _ = await server.send("POST", Samples.crontabs, Samples.crontab("two", ["schedule": "2", "image": "b"]))
        let table = await server.send(
            "GET", Samples.crontabs, accept: "application/json;as=Table;v=v1;g=meta.k8s.io"
        ).json
        #expect(
            (table["columnDefinitions"].array ?? []).map { $0["name"].string } == [
                "Name", "Schedule", "Replicas", "Age",
            ])
        #expect(table["rows"][0]["cells"][1] == "1")
        #expect(table["rows"][0]["cells"][2] == 1)
        #expect(await server.send("GET", Samples.crontabs + "?fieldSelector=spec.image%3Db").names == ["two"])
        let unknown = await server.send("GET", Samples.crontabs + "?fieldSelector=spec.schedule%3D1")
        #expect(unknown.status == 400)
        #expect(unknown.message.contains("field label not supported: spec.schedule"))
        let scale = await server.send("GET", Samples.crontabs + "/one/scale").json
        #expect(scale["kind"] == "Scale")
        #expect(scale["spec"]["replicas"] == 1)
        let scaled = await server.send(
            "PATCH", Samples.crontabs + "/one/scale", ["spec": ["replicas": 5]],
            contentType: "application/merge-patch+json")
        #expect(scaled.json["spec"]["replicas"] == 5, "\(scaled.message)")
        #expect(await server.send("GET", Samples.crontabs + "/one").json["spec"]["replicas"] == 5)
    }

    @Test func theSchemaIsPublished() async throws {
        let server = try await TestServer()
        let status: JSONValue = ["type": "object"]
        await server.define(Samples.crontabs(Samples.version("v1", status: status)))
        let index = await server.send("GET", "/openapi/v3").json["paths"]
        let url = index["apis/stable.example.com/v1"]["serverRelativeURL"].string ?? ""
        let document = await server.send("GET", url).json
        let schema = document["components"]["schemas"]["com.example.stable.v1.CronTab"]
        #expect(schema["properties"]["spec"]["properties"]["schedule"]["type"] == "string")
        #expect(schema["x-kubernetes-group-version-kind"][0]["kind"] == "CronTab")
        let paths = document["paths"]?.object ?? JSONObject()
        let root = "/apis/stable.example.com/v1/namespaces/{namespace}/crontabs"
        #expect(
            Set(paths.keys) == [
                "/apis/stable.example.com/v1/", "/apis/stable.example.com/v1/crontabs", root, root + "/{name}",
                root + "/{name}/status",
            ])
        #expect(paths[root]["post"]["operationId"] == "createStableExampleComV1NamespacedCronTab")
        #expect(
            paths["/apis/stable.example.com/v1/crontabs"]["get"]["operationId"]
                == "listStableExampleComV1CronTabForAllNamespaces")
        let text = document.description
        #expect(!text.contains("apiextensions"))
        #expect(!text.contains("CustomResourceDefinition"))
        let second = await server.send("GET", "/openapi/v2").json
        #expect(second["definitions"]["com.example.stable.v1.CronTab"] != nil)
        _ = await server.send("DELETE", "\(Samples.path)/crontabs.stable.example.com")
        #expect(
            await Polling.until {
                let index = await server.send("GET", "/openapi/v3")
                return index.json["paths"]["apis/stable.example.com/v1"] == nil
            })
    }
}
