import KubeModel
import Testing

@testable import APIServer

@Suite("Namespaces and what is in them") struct NamespaceTests {
    private func make(_ server: TestServer, _ name: String) async {
        let response = await server.send(
            "POST", "/api/v1/namespaces",
            ["apiVersion": "v1", "kind": "Namespace", "metadata": ["name": .string(name)]])
        #expect(response.status == 201)
        #expect(response.json["status"]["phase"] == "Active")
    }

    @Test func systemNamespacesAreThere() async throws {
        let server = try await TestServer()
        #expect(
            await server.send("GET", "/api/v1/namespaces").names
                == ["default", "kube-node-lease", "kube-public", "kube-system"])
        let refused = await server.send("DELETE", "/api/v1/namespaces/default")
        #expect(refused.status == 403)
        #expect(refused.message == "namespaces \"default\" is forbidden: this namespace may not be deleted")
    }

    @Test func deletionTakesTheContentsAlong() async throws {
        let server = try await TestServer()
        await make(server, "x")
        for index in 0..<30 {
            _ = await server.send("POST", "/api/v1/namespaces/x/configmaps", Samples.configMap("c\(index)"))
        }
        _ = await server.send("POST", "/api/v1/namespaces/x/services", Samples.service("web"))
        let deleted = await server.send("DELETE", "/api/v1/namespaces/x")
        #expect(deleted.json["status"]["phase"] == "Terminating", "\(deleted.text)")
        #expect(await Polling.until { await server.send("GET", "/api/v1/namespaces/x").status == 404 })
        #expect(await server.send("GET", "/api/v1/configmaps").names.isEmpty)
        #expect(await server.send("GET", "/api/v1/services").names.isEmpty)
        await make(server, "x")
    }

    @Test func aNamespaceWaitsForFinalizersAndTakesNothingNew() async throws {
        let server = try await TestServer()
        await make(server, "x")
        var held = Samples.configMap("held")
        held["metadata"]["finalizers"] = ["example.com/hold"]
        _ = await server.send("POST", "/api/v1/namespaces/x/configmaps", held)
        _ = await server.send("DELETE", "/api/v1/namespaces/x")
        let refused = await server.send("POST", "/api/v1/namespaces/x/configmaps", Samples.configMap("new"))
        #expect(refused.status == 403)
        #expect(
            refused.message
                == "configmaps \"new\" is forbidden: unable to create new content in namespace x because it is being "
                + "terminated")
        #expect(refused.json["details"]["causes"][0]["reason"] == "NamespaceTerminating")
        #expect(
            await Polling.until {
                await server.send("GET", "/api/v1/namespaces/x/configmaps/held").json["metadata"]["deletionTimestamp"]
                    != nil
            })
        #expect(await server.send("GET", "/api/v1/namespaces/x").status == 200)
        _ = await server.send(
            "PATCH", "/api/v1/namespaces/x/configmaps/held", ["metadata": ["finalizers": []]],
            contentType: "application/merge-patch+json")
        #expect(await Polling.until { await server.send("GET", "/api/v1/namespaces/x").status == 404 })
    }
}

extension NamespaceTests {
    private func condition(_ namespace: JSONValue, _ type: String) -> JSONValue? {
        namespace["status"]["conditions"].array?.first { $0["type"] == .string(type) }
    }

    private func held(_ name: String, by finalizers: [String]) -> JSONValue {
        var object = Samples.configMap(name)
        object["metadata"]["finalizers"] = JSONValue(finalizers)
        return object
    }

    private func release(_ server: TestServer, _ name: String, _ finalizers: [String] = []) async {
        _ = await server.send(
            "PATCH", "/api/v1/namespaces/x/configmaps/\(name)", ["metadata": ["finalizers": JSONValue(finalizers)]],
            contentType: "application/merge-patch+json")
    }

    @Test func conditionsTellWhatIsLeft() async throws {
        let server = try await TestServer()
        await make(server, "x")
        for (name, finalizers) in [("a", ["x.io/one", "x.io/two"]), ("b", ["x.io/one"])] {
            let made = await server.send("POST", "/api/v1/namespaces/x/configmaps", held(name, by: finalizers))
            #expect(made.status == 201)
        }
        _ = await server.send("POST", "/api/v1/namespaces/x/services", Samples.service("web"))
        _ = await server.send("DELETE", "/api/v1/namespaces/x")
        @Sendable func namespace() async -> JSONValue { await server.send("GET", "/api/v1/namespaces/x").json }
        #expect(await Polling.until { await condition(namespace(), "NamespaceFinalizersRemaining") != nil })
        var now = await namespace()
        #expect(now["status"]["phase"] == "Terminating")
        #expect(
            now["status"]["conditions"].array?.map { $0["type"]?.string } == [
                "NamespaceDeletionDiscoveryFailure", "NamespaceDeletionGroupVersionParsingFailure",
                "NamespaceDeletionContentFailure", "NamespaceContentRemaining", "NamespaceFinalizersRemaining",
            ])
        #expect(condition(now, "NamespaceDeletionDiscoveryFailure")?["status"] == "False")
        #expect(condition(now, "NamespaceDeletionContentFailure")?["reason"] == "ContentDeleted")
        let remaining = condition(now, "NamespaceContentRemaining")
        #expect(remaining?["status"] == "True")
        #expect(remaining?["reason"] == "SomeResourcesRemain")
        #expect(remaining?["message"] == "Some resources are remaining: configmaps. has 2 resource instances")
        #expect(condition(now, "NamespaceFinalizersRemaining")?["reason"] == "SomeFinalizersRemain")
        #expect(
            condition(now, "NamespaceFinalizersRemaining")?["message"]?.string
                == "Some content in the namespace has finalizers remaining: x.io/one in 2 resource instances, "
                + "x.io/two in 1 resource instances")
        await release(server, "b")
        #expect(
            await Polling.until {
                await condition(namespace(), "NamespaceContentRemaining")?["message"]
                    == "Some resources are remaining: configmaps. has 1 resource instances"
            })
        now = await namespace()
        #expect(
            condition(now, "NamespaceContentRemaining")?["lastTransitionTime"] == remaining?["lastTransitionTime"])
        await release(server, "a", ["x.io/two"])
        #expect(
            await Polling.until {
                await condition(namespace(), "NamespaceFinalizersRemaining")?["message"]
                    == "Some content in the namespace has finalizers remaining: x.io/two in 1 resource instances"
            })
        await release(server, "a")
        #expect(await Polling.until { await server.send("GET", "/api/v1/namespaces/x").status == 404 })
    }

    @Test func aFinalizerOfTheNamespaceItselfHoldsItWithEmptyContents() async throws {
        let server = try await TestServer()
        await make(server, "x")
        _ = await server.send(
            "PATCH", "/api/v1/namespaces/x", ["metadata": ["finalizers": ["x.io/hold"]]],
            contentType: "application/merge-patch+json")
        _ = await server.send("POST", "/api/v1/namespaces/x/configmaps", Samples.configMap("a"))
        _ = await server.send("DELETE", "/api/v1/namespaces/x")
        #expect(
            await Polling.until {
                await server.send("GET", "/api/v1/namespaces/x").json["spec"]["finalizers"].array?.isEmpty ?? true
            })
        let now = await server.send("GET", "/api/v1/namespaces/x").json
        #expect(condition(now, "NamespaceContentRemaining")?["message"] == "All content successfully removed")
        #expect(
            condition(now, "NamespaceFinalizersRemaining")?["message"]
                == "All content-preserving finalizers finished")
        #expect(await server.send("GET", "/api/v1/namespaces/x/configmaps/a").status == 404)
        _ = await server.send(
            "PATCH", "/api/v1/namespaces/x", ["metadata": ["finalizers": []]],
            contentType: "application/merge-patch+json")
        #expect(await Polling.until { await server.send("GET", "/api/v1/namespaces/x").status == 404 })
    }

    @Test func podsGoFirst() async throws {
        let server = try await TestServer()
        await make(server, "x")
        var pod: JSONValue = [
            "apiVersion": "v1", "kind": "Pod", "metadata": ["name": "p", "finalizers": ["x.io/hold"]],
            "spec": ["containers": [["name": "main", "image": "none"]]],
        ]
        pod["metadata"]["finalizers"] = ["x.io/hold"]
        let made = await server.send("POST", "/api/v1/namespaces/x/pods", pod)
        #expect(made.status == 201)
        _ = await server.send("POST", "/api/v1/namespaces/x/configmaps", Samples.configMap("a"))
        _ = await server.send("DELETE", "/api/v1/namespaces/x")
        #expect(
            await Polling.until {
                await condition(server.send("GET", "/api/v1/namespaces/x").json, "NamespaceContentRemaining")?[
                    "message"]
                    == "Some resources are remaining: pods. has 1 resource instances"
            })
        let waiting = await server.send("GET", "/api/v1/namespaces/x/configmaps/a").json
        #expect(waiting["metadata"]["name"] == "a")
        #expect(waiting["metadata"]["deletionTimestamp"] == nil)
        _ = await server.send(
            "PATCH", "/api/v1/namespaces/x/pods/p", ["metadata": ["finalizers": []]],
            contentType: "application/merge-patch+json")
        #expect(await Polling.until { await server.send("GET", "/api/v1/namespaces/x").status == 404 })
    }

    @Test func conditionsOfOthersAndTimesStayAndNothingIsWrittenTwice() throws {
        let other: JSONValue = ["type": "Custom", "status": "True"]
        let contents = NamespaceContents(
            remaining: [GroupResource(group: "apps", resource: "deployments"): 3], failures: ["b", "a"])
        let first = try #require(
            NamespaceConditions.updated([other], contents, now: Timestamp(secondsSinceEpoch: 1)))
        #expect(first.first == other)
        #expect(first.count == 6)
        let messages = first.map { $0["message"]?.string ?? "" }
        #expect(messages.contains("Some resources are remaining: deployments.apps has 3 resource instances"))
        #expect(messages.contains("Failed to delete all resource types, 2 remaining: a, b"))
        #expect(NamespaceConditions.updated(first, contents, now: Timestamp(secondsSinceEpoch: 2)) == nil)
        let last = try #require(
            NamespaceConditions.updated(first, NamespaceContents(), now: Timestamp(secondsSinceEpoch: 3)))
        let times = last.compactMap { $0["lastTransitionTime"]?.string }
        #expect(times.filter { $0 == "1970-01-01T00:00:03Z" }.count == 2)
        #expect(times.filter { $0 == "1970-01-01T00:00:01Z" }.count == 3)
    }
}
