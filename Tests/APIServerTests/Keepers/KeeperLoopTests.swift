import KubeModel
import Logging
import NetworkTypes
import Store
import Synchronization
import Testing
import WatchCache

@testable import APIServer

@Suite("What works in the server without being asked shares one loop and one clock") struct KeeperLoopTests {
    private static let namespace = "/api/v1/namespaces/x"
    private static let configMaps = "/api/v1/namespaces/x/configmaps"

    private func server(_ loop: ManualLoop) async throws -> TestServer {
        try await TestServer(keeping: (loop, loop.clock))
    }

    @Test func `answers to the writes of keepers come on the loop, in the server's name and by its clock`() async throws
    {
        let loop = try ManualLoop()
        await loop.advance(byMilliseconds: 3_600_000)
        let server = try await server(loop)
        let resource = try #require(server.core.resources.find(group: "", version: "v1", plural: "configmaps"))
        let target = KeeperLoop.Target(resource: resource, namespace: "default", name: "a")
        let isOnLoop = await withCheckedContinuation { continuation in
            server.core.keepers.write(.create(Samples.configMap("a")), to: target) { _ in
                continuation.resume(returning: loop.isCurrent)
            }
        }
        #expect(isOnLoop)
        let metadata = await server.send("GET", "\(Samples.configMaps)/a").json["metadata"]
        #expect(metadata["creationTimestamp"]?.string == loop.clock.now().description)
        #expect(metadata["managedFields"][0]?["manager"] == "kube-apiserver")
        let object = try #require(resource.cache.get(namespace: "default", name: "a"))
        let failure = await withCheckedContinuation { continuation in
            server.core.keepers.discard(resource, object) { continuation.resume(returning: ($0, loop.isCurrent)) }
        }
        #expect(failure.0 == nil)
        #expect(failure.1)
        #expect(resource.cache.get(namespace: "default", name: "a") == nil)
    }

    @Test func `a namespace is looked at a moment after what it waits for has changed, and not before`() async throws {
        let loop = try ManualLoop()
        let server = try await server(loop)
        _ = await server.send(
            "POST", "/api/v1/namespaces", ["apiVersion": "v1", "kind": "Namespace", "metadata": ["name": "x"]])
        var held = Samples.configMap("held")
        held["metadata"]["finalizers"] = ["example.com/hold"]
        _ = await server.send("POST", Self.configMaps, held)
        await loop.advance(byMilliseconds: 60_000)
        _ = await server.send("DELETE", Self.namespace)
        // The mark on the object is a change, too.
        #expect(
            await Polling.until {
                await server.send("GET", Self.namespace).json["status"]["conditions"].array?.isEmpty == false
                    && loop.delays == [50]
            })
        let conditions = await server.send("GET", Self.namespace).json["status"]["conditions"].array ?? []
        #expect(conditions.allSatisfy { $0["lastTransitionTime"]?.string == loop.clock.now().description })
        await loop.advance(byMilliseconds: 50)
        #expect(await Polling.until { loop.delays.isEmpty && server.core.terminator.isAtRest })

        _ = await server.send(
            "PATCH", "\(Self.configMaps)/held", ["metadata": ["finalizers": []]],
            contentType: "application/merge-patch+json")
        #expect(await server.send("GET", "\(Self.configMaps)/held").status == 404)
        await loop.advance(byMilliseconds: 49)
        #expect(loop.delays == [1])
        #expect(await server.send("GET", Self.namespace).status == 200)
        await loop.advance(byMilliseconds: 1)
        #expect(await Polling.until { await server.send("GET", Self.namespace).status == 404 })
    }

    @Test func `while the address of the Service kubernetes is taken, looks at it become rarer up to ten seconds`()
        async throws
    {
        let loop = try ManualLoop()
        let server = try await server(loop)
        var thief = Samples.service("thief")
        thief["spec"]["clusterIP"] = "10.96.0.1"
        #expect(await server.send("POST", Samples.services, thief).status == 201)
        await server.core.kubernetesService?.start(endpoint: nil, Logger(label: "test"))
        var delays: [Int64] = []
        for _ in 0..<12 {
            #expect(await Polling.until { loop.delays.count == 1 })
            let delay = try #require(loop.delays.first)
            delays.append(delay)
            await loop.advance(byMilliseconds: delay)
        }
        #expect(delays == [10, 20, 40, 80, 160, 320, 640, 1280, 2560, 5120, 10_000, 10_000])
        #expect(await Polling.until { loop.delays.count == 1 })
        #expect(await server.send("DELETE", "\(Samples.services)/thief").status == 200)
        #expect(
            await Polling.until {
                await loop.advance(byMilliseconds: 10_000)
                return await server.send("GET", "\(Samples.services)/kubernetes").status == 200
            })
    }

    @Test func `Events go an hour after they were made, and history when nobody may ask for it any more`() async throws
    {
        let loop = try ManualLoop()
        let server = try await server(loop)
        let event: JSONValue = [
            "apiVersion": "v1", "kind": "Event", "metadata": ["name": "e"],
            "involvedObject": ["kind": "Pod", "name": "p", "namespace": "default"], "reason": "r", "message": "m",
        ]
        let events = "/api/v1/namespaces/default/events"
        #expect(await server.send("POST", events, event).status == 201)
        let before = server.store.currentRevision
        server.core.upkeep.start()
        await loop.settle()
        #expect(loop.delays == [5000])
        await loop.advance(byMilliseconds: 300_000)
        #expect(await Polling.until { server.store.compactedRevision == before })
        await loop.advance(byMilliseconds: 3_000_000)
        #expect(await server.send("GET", events).names == ["e"])
        await loop.advance(byMilliseconds: 600_000)
        #expect(await Polling.until { await server.send("GET", events).names.isEmpty })
        server.core.upkeep.stop()
        await loop.settle()
        #expect(loop.delays.isEmpty)
    }

    @Test func `Events whose hour ended while the server was away go when it starts`() async throws {
        let loop = try ManualLoop()
        let first = try await server(loop)
        let events = "/api/v1/namespaces/default/events"
        func event(_ name: String) -> JSONValue {
            [
                "apiVersion": "v1", "kind": "Event", "metadata": ["name": .string(name)],
                "involvedObject": ["kind": "Pod", "name": "p", "namespace": "default"], "reason": "r", "message": "m",
            ]
        }
        #expect(await first.send("POST", events, event("old")).status == 201)
        first.stop()
        await loop.advance(byMilliseconds: 3_700_000)
        let second = try await TestServer(directory: first.directory, keeping: (loop, loop.clock))
        #expect(await second.send("GET", events).names == ["old"])
        second.core.upkeep.start()
        // The clock stands: nothing but the start is the cause.
        #expect(await Polling.until { await second.send("GET", events).names.isEmpty })
        second.core.upkeep.stop()
        withExtendedLifetime(first) {}
    }
}
