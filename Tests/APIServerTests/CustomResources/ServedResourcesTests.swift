import KubeModel
import Testing
import WatchCache

@testable import APIResources
@testable import APIServer

/// Resources that come and go while the server runs.
@Suite("What is served") struct ServedResourcesTests {
    private struct Plain: ResourceStrategy {
        let definition: ResourceDefinition
    }

    private func widgets(_ server: TestServer, version: String = "v1") throws -> ServedResource {
        let definition = ResourceDefinition(
            group: "example.com", version: version, kind: "Widget", plural: "widgets", namespaced: true)
        let prefix = ServedResources.prefix(definition)
        return ServedResource(
            strategy: Plain(definition: definition), definition: definition, apiVersion: definition.apiVersion,
            schema: nil, columns: .standard,
            cache: try server.core.resources.makeCache(.init(prefix: prefix, definition: definition)),
            keyPrefix: prefix)
    }

    private let path = "/apis/example.com/v1/namespaces/default/widgets"
    private let widget: JSONValue = ["metadata": ["name": "one"], "spec": ["size": 3]]

    @Test func aResourceIsServedAndDiscoveredAtOnce() async throws {
        let server = try await TestServer()
        #expect(await server.send("GET", path).status == 404)
        server.core.resources.serve(["widgets.example.com": [try widgets(server)]])
        #expect(await server.send("POST", path, widget).status == 201)
        #expect(await server.send("GET", path).names == ["one"])
        let groups = await server.send("GET", "/apis").json["groups"].array ?? []
        #expect(groups.contains { $0["name"] == "example.com" })
        let list = await server.send("GET", "/apis/example.com/v1").json
        #expect(list["resources"].array?.first?["name"] == "widgets")
    }

    @Test func aRemovedResourceIsGoneAndItsWatchesEnd() async throws {
        let server = try await TestServer()
        server.core.resources.serve(["widgets.example.com": [try widgets(server)]])
        _ = await server.send("POST", path, widget)
        let (watch, refusal) = server.watch(path + "?watch=true")
        #expect(refusal == nil)
        #expect(await watch.events(1).count == 1)
        server.core.resources.serve(["widgets.example.com": []])
        #expect(await Polling.until { watch.isFinished })
        #expect(await server.send("GET", path).status == 404)
        #expect(await server.send("GET", "/apis/example.com").status == 404)
        server.core.resources.serve(["widgets.example.com": [try widgets(server)]])
        #expect(await server.send("GET", path).names == ["one"])
    }

    @Test func watchesGoOnWhileTheCacheIsUsed() async throws {
        let server = try await TestServer()
        let first = try widgets(server)
        server.core.resources.serve(["widgets.example.com": [first]])
        let (watch, _) = server.watch(path + "?watch=true")
        server.core.resources.serve(["widgets.example.com": [first], "other": []])
        _ = await server.send("POST", path, widget)
        #expect(await watch.events(1).count == 1)
        #expect(!watch.isFinished)
    }

    @Test func aNamespaceTakesItsObjectsAlong() async throws {
        let server = try await TestServer()
        server.core.resources.serve(["widgets.example.com": [try widgets(server)]])
        _ = await server.send("POST", "/api/v1/namespaces", ["metadata": ["name": "gone"]])
        let path = "/apis/example.com/v1/namespaces/gone/widgets"
        #expect(await server.send("POST", path, widget).status == 201)
        _ = await server.send("DELETE", "/api/v1/namespaces/gone")
        #expect(
            await Polling.until {
                let found = await server.send("GET", path)
                return found.names.isEmpty
            })
        #expect(
            await Polling.until {
                let namespace = await server.send("GET", "/api/v1/namespaces/gone")
                return namespace.status == 404
            })
    }

    @Test(arguments: [
        (["v1", "v2"], ["v2", "v1"]),
        (["v1beta1", "v1", "v1alpha1", "v1beta2"], ["v1", "v1beta2", "v1beta1", "v1alpha1"]),
        (["foo", "v10", "v3"], ["v10", "v3", "foo"]), (["v01", "v1"], ["v1", "v01"]),
    ])
    func versionsAreOrderedAsKubernetesPrefersThem(_ given: [String], _ sorted: [String]) {
        #expect(given.sorted { VersionPriority($0) < VersionPriority($1) } == sorted)
    }
}
