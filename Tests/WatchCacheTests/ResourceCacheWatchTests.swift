import KubeModel
import Store
import Testing

@testable import WatchCache

@Suite("Watches on the watch cache") struct ResourceCacheWatchTests {
    @Test func changesAreToldInOrder() async throws {
        let fixture = try await CacheFixture()
        let sink = try fixture.watch(.now)
        try await fixture.create("a/1")
        try await fixture.update("a/1", text: "x")
        try await fixture.delete("a/1")
        #expect(try await sink.told(3) == ["ADDED a/1@2", "MODIFIED a/1@3", "DELETED a/1@4"])
        let deleted = try #require(sink.events[2].object)
        let document = try JSONParser.parse(deleted.bytes)
        #expect(document["metadata"]["resourceVersion"].string == "4", "a deletion carries its own version")
        #expect(document["spec"]["text"].string == "x", "and the last state")
        let line = try JSONParser.parse(sink.events[1].line)
        #expect(line["type"].string == "MODIFIED" && line["object"]["metadata"]["name"].string == "1")
        #expect(sink.events[1].line.last == UInt8(ascii: "\n"))
    }

    @Test func withoutARevisionThePresentComesFirst() async throws {
        let fixture = try await CacheFixture()
        try await fixture.create("b/1")
        try await fixture.create("a/1")
        try await fixture.update("b/1")
        let sink = try fixture.watch(.existing)
        #expect(try await sink.told(2) == ["ADDED a/1@3", "ADDED b/1@4"])
        try await fixture.delete("a/1")
        #expect(try await sink.told(3).last == "DELETED a/1@5")
    }

    @Test func initialEventsCloseWithABookmark() async throws {
        let fixture = try await CacheFixture()
        for number in 0..<300 { try await fixture.create("a/\(number)", text: String(repeating: "x", count: 2000)) }
        let sink = try fixture.watch(
            .existingWithBookmark(notBefore: Revision(10)), namespace: "a", allowsBookmarks: true)
        let told = try await sink.told(301)
        #expect(told.count == 301 && told.last == "BOOKMARK @301")
        #expect(Set(sink.events.dropLast().map(\.kind)) == [.added])
        let bookmark = try #require(sink.events.last)
        #expect(bookmark.endsInitialEvents)
        let document = try JSONParser.parse(bookmark.line)
        #expect(document["object"]["metadata"]["annotations"]["k8s.io/initial-events-end"].string == "true")
        #expect(document["object"]["kind"].string == "Widget" && document["object"]["apiVersion"].string == "test/v1")
        try await fixture.create("a/more")
        #expect(try await sink.told(302).last == "ADDED a/more@302")
        #expect(throws: Status.self) {
            _ = try fixture.watch(.existingWithBookmark(notBefore: Revision(1000)))
        }
    }

    @Test func selectorTransitionsAreAdditionsAndDeletions() async throws {
        let fixture = try await CacheFixture()
        let web = try fixture.watch(.now, labels: "app=web")
        let blue = try fixture.watch(.now, namespace: "a", fields: "spec.color=blue")
        try await fixture.create("a/1", labels: ["app": "db"])  // 2
        try await fixture.update("a/1", labels: ["app": "web"], text: "in")  // 3
        try await fixture.update("a/1", labels: ["app": "web"], color: "blue")  // 4
        try await fixture.update("a/1", labels: ["app": "db"], color: "blue")  // 5
        try await fixture.update("a/1", labels: ["app": "web"], color: "red")  // 6
        try await fixture.delete("a/1")  // 7
        #expect(
            try await web.told(5) == [
                "ADDED a/1@3", "MODIFIED a/1@4", "DELETED a/1@5", "ADDED a/1@6", "DELETED a/1@7",
            ])
        #expect(try await blue.told(3) == ["ADDED a/1@4", "MODIFIED a/1@5", "DELETED a/1@6"])
        let left = try JSONParser.parse(try #require(web.events[2].object).bytes)
        #expect(left["metadata"]["labels"]["app"].string == "web", "the last state that matched")
        #expect(left["metadata"]["resourceVersion"].string == "5", "with the version of the change")
        #expect(web.events[2].object?.revision == Revision(5))
    }

    @Test func scopesSeeTheirOwn() async throws {
        let fixture = try await CacheFixture()
        let namespace = try fixture.watch(.now, namespace: "a")
        let object = try fixture.watch(.now, namespace: "a", fields: "metadata.name=2")
        let none = try fixture.watch(.now, namespace: "a", fields: "metadata.name=2,metadata.namespace=b")
        let all = try fixture.watch(.now)
        for key in ["a/1", "b/2", "a/2", "a-b/2"] { try await fixture.create(key) }
        #expect(try await all.told(4).count == 4)
        #expect(try await namespace.told(2) == ["ADDED a/1@2", "ADDED a/2@4"])
        #expect(try await object.told(1) == ["ADDED a/2@4"])
        #expect(none.told.isEmpty)
    }

    @Test func watchersShareOneEncoding() async throws {
        let fixture = try await CacheFixture()
        let sinks = try (0..<3).map { _ in try fixture.watch(.now) }
        try await fixture.create("a/1")
        var addresses: Set<UnsafeRawPointer> = []
        for sink in sinks {
            _ = try await sink.told(1)
            sink.lines[0].withUnsafeBytes { if let start = $0.baseAddress { addresses.insert(start) } }
        }
        #expect(addresses.count == 1)
    }

    @Test(arguments: [4096, 4])
    func anOldRevisionIsCaughtUpWith(_ windowEvents: Int) async throws {
        var window = ChangeWindow.Limits()
        window.events = windowEvents
        let fixture = try await CacheFixture(window: window)
        for number in 0..<600 { try await fixture.create("a/\(number)", labels: ["n": "\(number % 3)"]) }
        for number in 0..<600 { try await fixture.update("a/\(number)", labels: ["n": "\((number + 1) % 3)"]) }
        let sink = try fixture.watch(.after(Revision(300)))
        let selective = try fixture.watch(.after(Revision(601)), labels: "n=0")
        let told = try await sink.told(901)
        #expect(sink.events.map(\.revision.rawValue) == Array(301...1201))
        #expect(told[301] == "MODIFIED a/0@602")
        _ = try await selective.told(400)
        #expect(selective.events.filter { $0.kind == .deleted }.count == 200)
        #expect(selective.events.filter { $0.kind == .added }.count == 200)
        try await fixture.delete("a/2")
        #expect(try await sink.told(902).last == "DELETED a/2@1202")
        #expect(try await selective.told(401).last == "DELETED a/2@1202")
    }

    @Test func compactedRevisionsAreExpiredOnOpening() async throws {
        let fixture = try await CacheFixture()
        for number in 0..<10 { try await fixture.create("a/\(number)") }
        try fixture.store.compact(to: Revision(5))
        do {
            _ = try fixture.watch(.after(Revision(4)))
            Issue.record("opened")
        } catch let status as Status {
            #expect(status.code == 410 && status.reason == .expired)
            #expect(status.message == "too old resource version: 4 (5)")
        }
        let sink = try fixture.watch(.after(Revision(5)))
        #expect(try await sink.told(6).first == "ADDED a/4@6")
    }

    @Test func compactionUnderASlowWatchIsExpiredInTheStream() async throws {
        var window = ChangeWindow.Limits()
        window.events = 4
        let fixture = try await CacheFixture(window: window)
        for number in 0..<50 { try await fixture.create("a/\(number)") }
        // The client does not read, so the watch waits in history, which then goes.
        let sink = RecordingSink(pendingBytes: 1 << 20)
        _ = try fixture.watch(.after(Revision(10)), sink: sink)
        try fixture.store.compact(to: Revision(40))
        sink.pendingBytes = 0
        try await poll { sink.end != nil }
        #expect(sink.end == .failed)
        let error = try JSONParser.parse(try #require(sink.events.last).line)
        #expect(error["type"].string == "ERROR")
        #expect(error["object"]["kind"].string == "Status" && error["object"]["code"].int == 410)
        #expect(error["object"]["reason"].string == "Expired")
    }

    @Test func aSlowWatcherIsCutOffAndHoldsUpNobody() async throws {
        let fixture = try await CacheFixture()
        var request = WatchRequest(start: .now)
        request.maximumQueuedBytes = 1 << 20
        let slow = RecordingSink(keepsPending: true)
        slow.subscription = try fixture.cache.watch(request, sink: slow)
        let quick = try fixture.watch(.now)
        let text = String(repeating: "x", count: 10_000)
        for number in 0..<200 { try await fixture.create("a/\(number)", text: text) }
        #expect(try await quick.told(200).count == 200)
        try await poll { slow.end != nil }
        #expect(slow.end == .tooSlow)
        #expect(slow.events.count < 60, "it was given no more than its client could hold")
        #expect(slow.told == Array(quick.told.prefix(slow.told.count)))
        try await poll { fixture.cache.watchCount == 1 }
    }

    @Test func aWatcherThatReadsAgainMissesNothing() async throws {
        let fixture = try await CacheFixture()
        let sink = RecordingSink(pendingBytes: 1 << 20)
        _ = try fixture.watch(.now, sink: sink)
        for number in 0..<100 { try await fixture.create("a/\(number)") }
        #expect(sink.told.isEmpty)
        sink.pendingBytes = 0
        _ = try await sink.told(100)
        try await fixture.create("b/1")
        _ = try await sink.told(101)
        #expect(sink.events.map(\.revision.rawValue) == Array(2...102))
    }

    @Test func aCancelledWatchIsToldNothingMore() async throws {
        let fixture = try await CacheFixture()
        let sink = try fixture.watch(.now)
        let other = try fixture.watch(.now)
        sink.subscription?.cancel()
        #expect(fixture.cache.watchCount == 1)
        try await fixture.create("a/1")
        _ = try await other.told(1)
        #expect(sink.told.isEmpty && sink.end == nil)
    }

    @Test func closingEndsWatches() async throws {
        let fixture = try await CacheFixture()
        try await fixture.create("a/1")
        let sink = try fixture.watch(.now)
        let catchingUp = RecordingSink(pendingBytes: 1 << 20)
        _ = try fixture.watch(.existing, sink: catchingUp)
        fixture.cache.close()
        #expect(sink.end == .shutdown)
        catchingUp.pendingBytes = 0
        try await poll { catchingUp.end == .shutdown }
        #expect(throws: Status.self) { _ = try fixture.watch(.now) }
    }

    @Test func bookmarksTellTheWholeStoresRevision() async throws {
        let fixture = try await CacheFixture(bookmarkInterval: 1)
        let periodic = try fixture.watch(.now, allowsBookmarks: true)
        let without = try fixture.watch(.now)
        for number in 0..<5 {
            _ = try await fixture.store.write(.create(key: "/registry/test/others/\(number)", value: []))
        }
        try await poll { periodic.told.contains("BOOKMARK @6") }
        let asking = try fixture.watch(.now, allowsBookmarks: true)
        asking.subscription?.requestBookmark()
        #expect(try await asking.told(1).first == "BOOKMARK @6")
        #expect(without.told.isEmpty)
    }
}
