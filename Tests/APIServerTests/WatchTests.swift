import KubeModel
import Store
import Testing

@testable import APIServer

@Suite("Watching objects") struct WatchTests {
    private let path = "\(Samples.configMaps)?watch=true"

    @Test func aWatchWithoutAVersionShowsThePresentFirst() async throws {
        let server = try await TestServer()
        _ = await server.send("POST", Samples.configMaps, Samples.configMap("a"))
        let (watch, refusal) = server.watch(path)
        #expect(refusal == nil)
        _ = await watch.events(1)
        _ = await server.send("POST", Samples.configMaps, Samples.configMap("b"))
        _ = await server.send(
            "PATCH", "\(Samples.configMaps)/b", ["data": ["k": "2"]], contentType: "application/merge-patch+json")
        let deleted = await server.send("DELETE", "\(Samples.configMaps)/a")
        #expect(deleted.status == 200)
        let events = await watch.events(4)
        #expect(watch.summary == ["ADDED a", "ADDED b", "MODIFIED b", "DELETED a"])
        let versions = events.compactMap { Int($0["object"]["metadata"]["resourceVersion"].string ?? "") }
        #expect(versions == versions.sorted())
        #expect(Set(versions).count == 4)
    }

    @Test func aWatchFromAVersionShowsWhatCameAfter() async throws {
        let server = try await TestServer()
        let first = await server.send("POST", Samples.configMaps, Samples.configMap("a"))
        let version = first.json["metadata"]["resourceVersion"].string ?? ""
        _ = await server.send("POST", Samples.configMaps, Samples.configMap("b"))
        let (watch, _) = server.watch("\(path)&resourceVersion=\(version)")
        _ = await watch.events(1)
        _ = await server.send("POST", Samples.configMaps, Samples.configMap("c"))
        _ = await watch.events(2)
        #expect(watch.summary == ["ADDED b", "ADDED c"])
    }

    @Test func selectorsTurnChangesIntoArrivalsAndDepartures() async throws {
        let server = try await TestServer()
        let (watch, _) = server.watch("\(path)&labelSelector=on%3Dyes")
        _ = await server.send("POST", Samples.configMaps, Samples.configMap("a"))
        for value in ["yes", "yes", "no", "yes"] {
            _ = await server.send(
                "PATCH", "\(Samples.configMaps)/a",
                ["metadata": ["labels": ["on": .string(value)]], "data": ["v": .string(value)]],
                contentType: "application/merge-patch+json")
        }
        _ = await server.send("DELETE", "\(Samples.configMaps)/a")
        _ = await watch.events(4)
        #expect(watch.summary == ["ADDED a", "DELETED a", "ADDED a", "DELETED a"])
    }

    @Test func oneNameCanBeWatched() async throws {
        let server = try await TestServer()
        let (byField, _) = server.watch("\(path)&fieldSelector=metadata.name%3Db")
        let (byPath, _) = server.watch("/api/v1/watch/namespaces/default/configmaps/b")
        for name in ["a", "b", "c"] {
            _ = await server.send("POST", Samples.configMaps, Samples.configMap(name))
        }
        _ = await byField.events(1)
        _ = await byPath.events(1)
        #expect(byField.summary == ["ADDED b"])
        #expect(byPath.summary == ["ADDED b"])
    }

    @Test func initialEventsEndWithAMarkedBookmark() async throws {
        let server = try await TestServer()
        _ = await server.send("POST", Samples.configMaps, Samples.configMap("a"))
        let (watch, _) = server.watch(
            "\(path)&sendInitialEvents=true&allowWatchBookmarks=true&resourceVersionMatch=NotOlderThan")
        let events = await watch.events(2)
        #expect(watch.summary == ["ADDED a", "BOOKMARK "])
        #expect(events[1]["object"]["metadata"]["annotations"]["k8s.io/initial-events-end"] == "true")
        #expect(events[1]["object"]["kind"] == "ConfigMap")
        let (_, refusal) = server.watch("\(path)&sendInitialEvents=true")
        #expect(refusal?.status == 422)
    }

    @Test func compactedVersionsAreGone() async throws {
        let server = try await TestServer()
        _ = await server.send("POST", Samples.configMaps, Samples.configMap("a"))
        _ = await server.send("POST", Samples.configMaps, Samples.configMap("b"))
        try server.store.compact(to: server.store.currentRevision)
        let (_, refusal) = server.watch("\(path)&resourceVersion=2")
        #expect(refusal?.status == 410)
        let future = server.watch("\(path)&resourceVersion=99999").refusal
        #expect(future?.status == 504)
    }

    @Test func timeoutsEndTheStreamProperly() async throws {
        let server = try await TestServer()
        let (watch, _) = server.watch("\(path)&timeoutSeconds=1")
        #expect(await Polling.until { watch.isFinished })
        #expect(!watch.isCancelled)
    }

    @Test func tablesComeWithTheirColumnsOnce() async throws {
        let server = try await TestServer()
        let (watch, _) = server.watch(path, accept: "application/json;as=Table;v=v1;g=meta.k8s.io")
        _ = await server.send("POST", Samples.configMaps, Samples.configMap("a"))
        _ = await server.send("POST", Samples.configMaps, Samples.configMap("b"))
        let events = await watch.events(2)
        try #require(events.count == 2)
        #expect(events[0]["object"]["kind"] == "Table")
        #expect((events[0]["object"]["columnDefinitions"].array ?? []).count == 3)
        #expect((events[1]["object"]["columnDefinitions"].array ?? []).isEmpty)
        #expect(events[1]["object"]["rows"][0]["cells"][0] == "b")
        #expect(events[1]["object"]["rows"][0]["object"]["metadata"]["name"] == "b")
    }

    @Test func metadataOnlyWatchesSendMetadata() async throws {
        let server = try await TestServer()
        let (watch, _) = server.watch(path, accept: "application/json;as=PartialObjectMetadata;v=v1;g=meta.k8s.io")
        _ = await server.send("POST", Samples.configMaps, Samples.configMap("a"))
        let events = await watch.events(1)
        #expect(events.first?["object"]["kind"] == "PartialObjectMetadata")
        #expect(events.first?["object"]["data"] == nil)
    }

    @Test func nothingIsLostOrReorderedUnderManyWriters() async throws {
        let server = try await TestServer()
        let (watch, _) = server.watch(path)
        await withTaskGroup(of: Void.self) { group in
            for writer in 0..<8 {
                group.addTask {
                    for round in 0..<25 {
                        _ = await server.send(
                            "POST", Samples.configMaps, Samples.configMap("w\(writer)-\(round)"))
                    }
                }
            }
        }
        let events = await watch.events(200)
        #expect(events.count == 200)
        let versions = events.compactMap { Int($0["object"]["metadata"]["resourceVersion"].string ?? "") }
        #expect(versions == versions.sorted())
        #expect(Set(watch.summary).count == 200)
    }

    @Test func aClientThatDoesNotReadIsCutOff() async throws {
        let server = try await TestServer()
        let (slow, _) = server.watch(path)
        let (quick, _) = server.watch(path)
        slow.block()
        let large = JSONValue.string(String(repeating: "x", count: 600_000))
        for index in 0..<20 {
            _ = await server.send("POST", Samples.configMaps, Samples.configMap("big\(index)", ["k": large]))
        }
        #expect(await Polling.until { slow.isCancelled })
        #expect(await quick.events(20).count == 20)
        #expect(!quick.isCancelled)
    }
}
