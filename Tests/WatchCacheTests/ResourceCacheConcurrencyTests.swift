import KubeModel
import Store
import Testing

@testable import WatchCache

/// Many writers, and watches that open at any moment and any revision: whatever a watch is told, on top of what it
/// started from, must give the state at the end, with every key's events in order and none twice.
@Suite("The watch cache under concurrent use") struct ResourceCacheConcurrencyTests {
    private struct Watch: Sendable {
        let sink: RecordingSink
        let start: Revision
        /// What was there at the start; empty for a watch that is told itself.
        let base: [String: [UInt8]]
        let selector: Selector?
        let namespace: String?
    }

    @Test(arguments: [4096, 64])
    func noEventIsLostRepeatedOrReordered(_ windowEvents: Int) async throws {
        var window = ChangeWindow.Limits()
        window.events = windowEvents
        let fixture = try await CacheFixture(window: window)
        let watches = try await withThrowingTaskGroup(of: [Watch].self) { tasks in
            for writer in 0..<8 {
                tasks.addTask {
                    try await Self.write(writer, to: fixture)
                    return []
                }
            }
            for _ in 0..<4 {
                tasks.addTask {
                    var opened: [Watch] = []
                    for _ in 0..<15 {
                        opened.append(try Self.open(fixture))
                        try await Task.sleep(for: .milliseconds(Int.random(in: 0..<8)))
                    }
                    return opened
                }
            }
            return try await tasks.reduce(into: []) { $0 += $1 }
        }
        let end = fixture.cache.revision
        #expect(end.rawValue > 1500)
        let last0 = try await fixture.create("n0/last", labels: ["even": "yes"])
        let last1 = try await fixture.create("n1/last", labels: ["even": "yes"])
        let final = fixture.cache.list(namespace: nil, labels: nil, fields: nil).items
        for watch in watches {
            let last = watch.namespace == "n0" ? last0 : last1
            try await poll { watch.sink.events.last?.revision == last }
            verify(watch, final)
        }
    }

    private static func write(_ writer: Int, to fixture: CacheFixture) async throws {
        for step in 0..<300 {
            let key = "n\(step % 2)/\(writer)-\(Int.random(in: 0..<6))"
            let labels = ["even": Bool.random() ? "yes" : "no"]
            do throws(StoreError) {
                let value = CacheFixture.stored(key, labels: labels, text: "\(writer).\(step)")
                let path = CacheFixture.prefix + key
                switch Int.random(in: 0..<4) {
                case 0: _ = try await fixture.store.write(.create(key: path, value: value))
                case 1: _ = try await fixture.store.write(.delete(key: path, ifRevision: nil))
                default: _ = try await fixture.store.write(.update(key: path, value: value, ifRevision: nil))
                }
            } catch {
                switch error.code {
                case .exists: _ = try await fixture.update(key, labels: labels, text: "\(writer).\(step)!")
                case .notFound: _ = try await fixture.create(key, labels: labels, text: "\(writer).\(step)!")
                default: throw error
                }
            }
        }
    }

    private static func open(_ fixture: CacheFixture) throws -> Watch {
        let selector = Bool.random() ? try Selector(parsing: "even=yes") : nil
        let namespace = [nil, "n0", "n1"].randomElement() ?? nil
        let sink = RecordingSink()
        func watch(_ start: WatchRequest.Start, _ revision: Revision, _ base: [CachedObject]) throws -> Watch {
            var request = WatchRequest(start: start)
            request.namespace = namespace
            request.labels = selector
            sink.subscription = try fixture.cache.watch(request, sink: sink)
            let pairs = base.map { ($0.relativeKey, $0.bytes) }
            return Watch(
                sink: sink, start: revision, base: Dictionary(uniqueKeysWithValues: pairs), selector: selector,
                namespace: namespace)
        }
        switch Int.random(in: 0..<3) {
        case 0:
            return try watch(.existing, .zero, [])
        case 1:
            let (items, revision) = fixture.cache.list(namespace: namespace, labels: selector, fields: nil)
            return try watch(.after(revision), revision, items)
        default:
            let current = fixture.cache.revision
            let revision = Revision(Int64.random(in: 1...current.rawValue))
            let page = try fixture.cache.listPage(
                namespace: namespace, labels: selector, fields: nil, at: revision, after: nil, limit: nil)
            return try watch(.after(revision), revision, page.items)
        }
    }

    private func verify(_ watch: Watch, _ final: [CachedObject]) {
        var state = watch.base
        var isInitial = watch.start == .zero
        var previous = watch.start
        for event in watch.sink.events {
            guard let object = event.object else { continue }
            #expect(watch.namespace == nil || object.namespace == watch.namespace)
            // The ADDED events of what was there come in the order of keys, all others in that of revisions.
            if isInitial, event.kind != .added || event.revision > previous { isInitial = event.kind == .added }
            if watch.start != .zero { #expect(event.revision > previous) }
            previous = max(previous, event.revision)
            switch event.kind {
            case .added:
                #expect(state.updateValue(object.bytes, forKey: object.relativeKey) == nil, "added twice")
            case .modified:
                #expect(state.updateValue(object.bytes, forKey: object.relativeKey) != nil, "modified before added")
            case .deleted:
                #expect(state.removeValue(forKey: object.relativeKey) != nil, "deleted before added")
            default: Issue.record("unexpected \(event.kind)")
            }
        }
        let filter = ObjectFilter(labels: watch.selector, fields: nil, selectable: nil)
        let expected = final.filter {
            filter.matches($0) && (watch.namespace == nil || $0.namespace == watch.namespace)
        }
        #expect(state == Dictionary(uniqueKeysWithValues: expected.map { ($0.relativeKey, $0.bytes) }))
        #expect(watch.sink.end == nil)
    }
}
