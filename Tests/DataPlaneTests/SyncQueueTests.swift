import KubeModel
import Testing

@testable import DataPlane

@Suite("What waits to be enforced is known, and for how long") struct SyncQueueTests {
    private let slice = NamespacedName(namespace: "shop", name: "web-1")

    @Test func `a change that waits longer than a minute is a stall, until it is in effect`() {
        var queue = SyncQueue(started: 0)
        #expect(queue.stalledFor(now: 1_000) == nil)
        queue.addService(now: 1_000, wallNow: 1)
        queue.addService(now: 1_050, wallNow: 2)
        #expect(queue.stalledFor(now: 1_060) == nil)
        #expect(queue.stalledFor(now: 1_061) == 61)
        // Neither taking it nor a newer one makes it younger.
        _ = queue.take()
        queue.addService(now: 1_061, wallNow: 3)
        _ = queue.take()
        #expect(queue.stalledFor(now: 1_070) == 70)
        queue.finish()
        #expect(queue.stalledFor(now: 9_000) == nil)
    }

    @Test func `what set a change off is told once, the earliest for each slice, and nothing from before the start`() {
        var queue = SyncQueue(started: 100)
        queue.addSlice(slice, trigger: 99, now: 0, wallNow: 0)
        #expect(queue.take() == [])
        queue.addSlice(slice, trigger: 300, now: 0, wallNow: 0)
        queue.addSlice(slice, trigger: 200, now: 0, wallNow: 0)
        queue.addSlice(slice, trigger: nil, now: 0, wallNow: 0)
        #expect(queue.endpoints == SyncQueue.Count(total: 4, pending: 3))
        #expect(queue.take() == [200])
        #expect(queue.take() == [])
        #expect(queue.endpoints == SyncQueue.Count(total: 4, pending: 0))
    }
}
