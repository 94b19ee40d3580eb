import KubeModel
import Store
import Synchronization
import Testing

@testable import WatchCache

@Suite struct `Lists by label are found through an index` {
    /// Lists by a label until the cache has an index of it.
    private func learn(_ fixture: CacheFixture, _ labels: String) throws {
        for _ in 0..<8 { _ = try fixture.keys(labels: labels) }
    }

    private func makeWidgets(_ fixture: CacheFixture, _ count: Int) async throws {
        for number in 0..<count {
            try await fixture.create("n\(number % 2)/w\(number)", labels: ["app": "a\(number % 20)", "tier": "web"])
        }
    }

    @Test func `a list shows what changed since the index was made`() async throws {
        let fixture = try await CacheFixture()
        try await makeWidgets(fixture, 100)
        try learn(fixture, "app=a3")
        #expect(try !fixture.cache.state.withLock { $0.labels.candidates(try Selector(parsing: "app=a3")) == nil })
        #expect(try fixture.keys(labels: "app=a3") == ["n1/w23", "n1/w3", "n1/w43", "n1/w63", "n1/w83"])

        try await fixture.update("n1/w3", labels: ["app": "other"])
        try await fixture.delete("n1/w23")
        try await fixture.create("n0/new", labels: ["app": "a3"])
        try await fixture.update("n1/w43", labels: ["app": "a3"], text: "changed")
        #expect(try fixture.keys(labels: "app=a3") == ["n0/new", "n1/w43", "n1/w63", "n1/w83"])
        #expect(try fixture.keys(labels: "app=other") == ["n1/w3"])
        #expect(try fixture.keys(labels: "app=nobody") == [])
        let changed = fixture.cache.list(namespace: "n1", labels: try Selector(parsing: "app=a3"), fields: nil).items
        #expect(changed.first?.revision == fixture.cache.get(namespace: "n1", name: "w43")?.revision)
    }

    @Test func `other requirements, namespaces and pages hold as without it`() async throws {
        let fixture = try await CacheFixture()
        try await makeWidgets(fixture, 100)
        try learn(fixture, "app=a3")
        #expect(try fixture.keys(labels: "app=a3,tier=db") == [])
        #expect(try fixture.keys(labels: "app in (a3),tier") == ["n1/w23", "n1/w3", "n1/w43", "n1/w63", "n1/w83"])
        #expect(try fixture.keys(namespace: "n0", labels: "app=a3") == [])
        #expect(try fixture.keys(namespace: "n", labels: "app=a3") == [])
        #expect(try fixture.keys(labels: "app notin (a3)").count == 95)
        let selector = try Selector(parsing: "app=a3")
        let first = try fixture.cache.listPage(
            namespace: "n1", labels: selector, fields: nil, at: nil, after: nil, limit: 2)
        #expect(first.items.map(\.relativeKey) == ["n1/w23", "n1/w3"] && first.hasMore)
        let second = try fixture.cache.listPage(
            namespace: "n1", labels: selector, fields: nil, at: nil, after: "n1/w3", limit: 3)
        #expect(second.items.map(\.relativeKey) == ["n1/w43", "n1/w63", "n1/w83"] && !second.hasMore)
    }

    @Test func `a value that most objects have is not indexed`() async throws {
        let fixture = try await CacheFixture { store in
            for number in 0...LabelIndex.Values.bucketLimit {
                let key = "n/\(number)"
                _ = try await store.write(
                    .create(
                        key: CacheFixture.prefix + key, value: CacheFixture.stored(key, labels: ["tier": "web"])))
            }
        }
        try learn(fixture, "tier=web")
        #expect(try fixture.cache.state.withLock { $0.labels.candidates(try Selector(parsing: "tier=web")) == nil })
        #expect(try fixture.keys(labels: "tier=web").count == LabelIndex.Values.bucketLimit + 1)
        try await fixture.delete("n/7")
        #expect(try fixture.keys(labels: "tier=web").count == LabelIndex.Values.bucketLimit)
    }

    @Test func `a label whose value has escapes is told apart`() async throws {
        let fixture = try await CacheFixture()
        try await makeWidgets(fixture, 70)
        try await fixture.create("n0/odd", labels: ["app": "a\"3"])
        try learn(fixture, "app=a3")
        #expect(try fixture.keys(labels: "app=a3").count == 4)
        #expect(fixture.cache.get(namespace: "n0", name: "odd")?.label("app") == "a\"3")
    }
}
