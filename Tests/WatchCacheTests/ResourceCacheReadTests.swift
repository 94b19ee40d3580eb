import KubeModel
import Store
import Testing

@testable import WatchCache

@Suite("Reads from the watch cache") struct ResourceCacheReadTests {
    @Test func aWriteIsSeenOnceItIsAnswered() async throws {
        let fixture = try await CacheFixture()
        let created = try await fixture.create("a/1", text: "one")
        let object = try #require(fixture.cache.get(namespace: "a", name: "1"))
        #expect(object.revision == created)
        #expect(object.uid == "uid-a/1")
        #expect(try JSONParser.parse(object.bytes)["metadata"]["resourceVersion"].string == created.description)
        let updated = try await fixture.update("a/1", text: "two")
        let newer = try #require(fixture.cache.get(namespace: "a", name: "1"))
        #expect(newer.revision == updated)
        try await fixture.delete("a/1")
        #expect(fixture.cache.get(namespace: "a", name: "1") == nil)
    }

    @Test func whatTheStoreHoldsIsLoaded() async throws {
        let fixture = try await CacheFixture { store in
            for number in 0..<2500 {
                let key = "n\(number % 7)/\(number)"
                _ = try await store.write(
                    .create(key: CacheFixture.prefix + key, value: CacheFixture.stored(key)))
            }
            _ = try await store.write(.create(key: "/registry/test/widgetsets/a/b", value: []))
        }
        #expect(fixture.cache.count == 2500)
        #expect(try fixture.keys(namespace: "n3").count == 357)
        #expect(fixture.cache.revision == Revision(2502))
        try await fixture.update("n0/0", text: "x")
        let updated = fixture.cache.get(namespace: "n0", name: "0")
        #expect(updated?.revision == Revision(2503) && updated?.createRevision == Revision(2))
    }

    @Test func selectorsSelect() async throws {
        let fixture = try await CacheFixture()
        try await fixture.create("a/1", labels: ["app": "web"], color: "red")
        try await fixture.create("a/2", labels: ["app": "db"], color: "blue")
        try await fixture.create("b/1", labels: ["app": "web"], color: "blue")
        try await fixture.create("a-b/3")
        #expect(try fixture.keys() == ["a-b/3", "a/1", "a/2", "b/1"])
        #expect(try fixture.keys(namespace: "a") == ["a/1", "a/2"])
        #expect(try fixture.keys(labels: "app=web") == ["a/1", "b/1"])
        #expect(try fixture.keys(labels: "app notin (web)") == ["a-b/3", "a/2"])
        #expect(try fixture.keys(fields: "spec.color=blue") == ["a/2", "b/1"])
        #expect(try fixture.keys(fields: "spec.color!=blue,metadata.namespace=a") == ["a/1"])
        #expect(try fixture.keys(namespace: "a", fields: "metadata.name=2") == ["a/2"])
        #expect(try fixture.keys(namespace: "a", fields: "metadata.name=2,spec.color=red") == [])
        #expect(try fixture.keys(fields: "metadata.name=1") == ["a/1", "b/1"])
        #expect(try fixture.keys(fields: "metadata.name=1,metadata.namespace=b") == ["b/1"])
        #expect(try fixture.keys(namespace: "a", fields: "metadata.name=1,metadata.namespace=b") == [])
    }

    @Test(arguments: [4096, 8])
    func pagesShowOneMomentWhileOthersWrite(_ windowEvents: Int) async throws {
        var window = ChangeWindow.Limits()
        window.events = windowEvents
        let fixture = try await CacheFixture(window: window)
        for number in 0..<100 {
            try await fixture.create("n\(number % 4)/\(number)", labels: ["odd": "\(number % 2)"])
        }
        let moment = fixture.cache.revision
        let expected = fixture.cache.list(namespace: nil, labels: nil, fields: nil).items
        let selector = try Selector(parsing: "odd=1")

        var all: [CachedObject] = []
        var odd: [CachedObject] = []
        var number = 0
        while true {
            let page = try fixture.cache.listPage(
                namespace: nil, labels: nil, fields: nil, at: moment, after: all.last?.relativeKey, limit: 7)
            all += page.items
            #expect(page.remaining == 100 - all.count)
            #expect(page.hasMore == (all.count < 100) && page.revision == moment)
            let oddPage = try fixture.cache.listPage(
                namespace: "n1", labels: selector, fields: nil, at: moment, after: odd.last?.relativeKey, limit: 3)
            odd += oddPage.items
            #expect(oddPage.remaining == nil)
            if !page.hasMore, !oddPage.hasMore { break }
            for _ in 0..<3 {
                try await fixture.update("n\(number % 4)/\(number)", text: "changed")
                try await fixture.create("n\(number % 4)/new\(number)", labels: ["odd": "1"])
                try await fixture.delete("n\((99 - number) % 4)/\(99 - number)")
                number += 1
            }
        }
        #expect(all.map(\.relativeKey) == expected.map(\.relativeKey))
        #expect(all.map(\.bytes) == expected.map(\.bytes))
        #expect(all.map(\.revision) == expected.map(\.revision))
        #expect(odd.map(\.relativeKey) == expected.filter { $0.namespace == "n1" }.map(\.relativeKey))
        let whole = try fixture.cache.listPage(
            namespace: nil, labels: nil, fields: nil, at: moment, after: nil, limit: nil)
        #expect(whole.items.map(\.bytes) == expected.map(\.bytes))
    }

    @Test func momentsOutOfReachAreRefused() async throws {
        let fixture = try await CacheFixture()
        try await fixture.create("a/1")
        try await fixture.update("a/1")
        try await fixture.update("a/1")
        func code(_ revision: Int64) -> StoreError.Code? {
            do throws(StoreError) {
                _ = try fixture.cache.listPage(
                    namespace: nil, labels: nil, fields: nil, at: Revision(revision), after: nil, limit: nil)
                return nil
            } catch {
                return error.code
            }
        }
        #expect(code(3) == nil)
        try fixture.store.compact(to: Revision(4))
        #expect(code(3) == .compacted(Revision(4)))
        #expect(code(4) == nil)
        #expect(code(5) == .future(current: Revision(4)))
    }
}
