import Foundation
import KubeModel
import Testing

@testable import APIServer

/// Definitions that change under their objects.
@Suite("The life of a custom resource") struct CustomResourceLifecycleTests {
    private typealias Samples = CustomResourceSamples

    private static let name = "crontabs.stable.example.com"
    private static let path = "\(CustomResourceSamples.path)/\(name)"

    private func merge(_ server: TestServer, _ path: String, _ patch: JSONValue) async -> TestResponse {
        await server.send("PATCH", path, patch, contentType: "application/merge-patch+json")
    }

    @Test func aVersionIsMigratedAndRemoved() async throws {
        let directory = NSTemporaryDirectory() + "martlet-crd-\(UUID().uuidString)"
        defer { try? FileManager.default.removeItem(atPath: directory) }
        let server = try await TestServer(directory: directory)
        await server.define(Samples.crontabs())
        _ = await server.send(
            "POST", Samples.crontabs, Samples.crontab("old", ["schedule": "1", "image": "x"]))
        var spec = Samples.spec
        spec["properties"]["image"] = nil
        spec["properties"]["paused"] = ["type": "boolean", "default": false]
        let changed = await merge(
            server, Self.path,
            [
                "spec": [
                    "versions": [Samples.version("v1", storage: false), Samples.version("v2", spec: spec)]
                ]
            ])
        #expect(changed.status == 200, "\(changed.message)")
        #expect(changed.json["status"]["storedVersions"] == ["v1", "v2"])
        let second = Samples.crontabs.replacing("/v1/", with: "/v2/")
        let seen = await server.send("GET", second + "/old").json
        #expect(seen["apiVersion"] == "stable.example.com/v2")
        #expect(seen["spec"] == ["schedule": "1", "replicas": 1, "paused": false])
        // Version v1 can't go while objects may be stored in it.
        let only: JSONValue = ["spec": ["versions": [Samples.version("v2", spec: spec)]]]
        let refused = await merge(server, Self.path, only)
        #expect(refused.status == 422)
        #expect(
            refused.message.contains(
                "status.storedVersions[0]: Invalid value: \"v1\": must appear in spec.versions"))
        _ = await merge(server, second + "/old", ["metadata": ["labels": ["migrated": "yes"]]])
        #expect(
            await merge(server, Self.path + "/status", ["status": ["storedVersions": ["v2"]]]).status
                == 200)
        let (watch, _) = server.watch(Samples.crontabs + "?watch=true")
        let (other, _) = server.watch(second + "?watch=true")
        // Open, that is: a definition that has just changed is settled before a watch of its objects begins.
        #expect(await watch.events(1).count == 1)
        #expect(await other.events(1).count == 1)
        #expect(await merge(server, Self.path, only).status == 200)
        #expect(await server.send("GET", Samples.crontabs).status == 404)
        #expect(await server.send("GET", "/apis/stable.example.com/v1").status == 404)
        #expect(await Polling.until { watch.isFinished })
        #expect(!other.isFinished)
        server.stop()
        let again = try await TestServer(directory: directory)
        #expect(await again.send("GET", second + "/old").json["spec"] == seen["spec"])
    }

    @Test func watchesEndWithTheirDefinition() async throws {
        let server = try await TestServer()
        await server.define(Samples.crontabs())
        _ = await server.send("POST", Samples.crontabs, Samples.crontab("one"))
        let (watch, _) = server.watch(Samples.crontabs + "?watch=true")
        #expect(await watch.events(1).count == 1)
        _ = await server.send("DELETE", Self.path)
        #expect(await Polling.until { watch.isFinished })
        #expect(watch.summary == ["ADDED one", "DELETED one"])
    }

    @Test func watchesGoOnWhenOnlyColumnsChange() async throws {
        let server = try await TestServer()
        await server.define(Samples.crontabs())
        let (watch, _) = server.watch(Samples.crontabs + "?watch=true")
        let version = Samples.version(
            "v1",
            extra: [
                "additionalPrinterColumns": [["name": "S", "type": "string", "jsonPath": ".spec.schedule"]]
            ])
        #expect(await merge(server, Self.path, ["spec": ["versions": [version]]]).status == 200)
        _ = await server.send("POST", Samples.crontabs, Samples.crontab("one"))
        #expect(await watch.events(1).count == 1)
        #expect(!watch.isFinished)
        let table = await server.send(
            "GET", Samples.crontabs, accept: "application/json;as=Table;v=v1;g=meta.k8s.io")
        #expect(
            (table.json["columnDefinitions"].array ?? []).map { $0["name"].string } == ["Name", "S"])
    }

    @Test func clusterScopedObjectsHaveNoNamespace() async throws {
        let server = try await TestServer()
        var version = Samples.version("v1")
        version["schema"]["openAPIV3Schema"] = [
            "type": "object", "x-kubernetes-preserve-unknown-fields": true,
        ]
        await server.define(
            Samples.definition("example.com", "Galaxy", "galaxies", scope: "Cluster", versions: [version])
        )
        let made = await server.send(
            "POST", "/apis/example.com/v1/galaxies",
            ["metadata": ["name": "m31"], "anything": ["goes": true]])
        #expect(made.status == 201, "\(made.message)")
        #expect(made.json["anything"]["goes"] == true)
        #expect(made.json["metadata"]["namespace"] == nil)
        #expect(
            await server.send("GET", "/apis/example.com/v1/namespaces/default/galaxies/m31").status == 404
        )
        let resources = await server.send("GET", "/apis/example.com/v1").json["resources"]
        #expect(resources[0]["namespaced"] == false)
    }

    @Test func anApprovedGroupIsConformant() async throws {
        let server = try await TestServer()
        var definition = Samples.definition(
            "x.k8s.io", "Thing", "things", versions: [Samples.version("v1")])
        let refused = await server.define(definition)
        #expect(refused.status == 422)
        definition["metadata"]["annotations"] = ["api-approved.kubernetes.io": "https://example.com/1"]
        #expect(await server.define(definition).status == 201)
        #expect(
            await Polling.until {
                await server.condition("KubernetesAPIApprovalPolicyConformant", of: "things.x.k8s.io")
                    == "True"
            })
    }

    @Test func aDryRunServesNothing() async throws {
        let server = try await TestServer()
        let made = await server.send("POST", Samples.path + "?dryRun=All", Samples.crontabs())
        #expect(made.status == 201)
        #expect(await server.send("GET", Samples.crontabs).status == 404)
        #expect(await server.send("GET", Self.path).status == 404)
    }

    @Test func aNamespaceTakesCustomResourcesAlong() async throws {
        let server = try await TestServer()
        await server.define(Samples.crontabs())
        _ = await server.send("POST", "/api/v1/namespaces", ["metadata": ["name": "gone"]])
        let path = Samples.crontabs.replacing("default", with: "gone")
        #expect(await server.send("POST", path, Samples.crontab("one")).status == 201)
        _ = await server.send("DELETE", "/api/v1/namespaces/gone")
        #expect(
            await Polling.until {
                let namespace = await server.send("GET", "/api/v1/namespaces/gone")
                return namespace.status == 404
            })
        #expect(await server.send("GET", path).names == [])
    }

    @Test func managersOwnTheFieldsOfCustomResources() async throws {
        let server = try await TestServer()
        var spec = Samples.spec
        spec["properties"]["jobs"] = [
            "type": "array", "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["name"],
            "items": [
                "type": "object", "required": ["name"],
                "properties": ["name": ["type": "string"], "command": ["type": "string"]],
            ],
        ]
        await server.define(Samples.crontabs(Samples.version("v1", spec: spec)))
        func apply(_ manager: String, _ spec: JSONValue, force: Bool = false) async -> TestResponse {
            await server.send(
                "PATCH", "\(Samples.crontabs)/one?fieldManager=\(manager)\(force ? "&force=true" : "")",
                Samples.crontab("one", spec), contentType: "application/apply-patch+yaml")
        }
        let first = await apply("a", ["schedule": "1", "jobs": [["name": "x", "command": "1"]]])
        #expect(first.status == 201, "\(first.message)")
        let second = await apply("b", ["jobs": [["name": "y", "command": "2"]]])
        #expect((second.json["spec"]["jobs"].array ?? []).map { $0["name"].string } == ["x", "y"])
        #expect(await apply("b", ["schedule": "2"]).status == 409)
        let third = await apply("b", ["schedule": "2"], force: true)
        #expect(third.json["spec"]["schedule"] == "2")
        #expect((third.json["spec"]["jobs"].array ?? []).map { $0["name"].string } == ["x"])
    }
}
