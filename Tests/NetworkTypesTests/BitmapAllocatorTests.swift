import NetworkTypes
import Testing

@Suite("The bitmap allocator") struct BitmapAllocatorTests {
    @Test func handsOutEachNumberOnce() {
        var allocator = BitmapAllocator(capacity: 130)
        var seen: Set<Int> = []
        while let index = allocator.allocateNext(startingAt: 77) { #expect(seen.insert(index).inserted) }
        #expect(seen == Set(0..<130))
        #expect(allocator.freeCount == 0)
        let outcomes = [allocator.allocate(5), allocator.release(5), allocator.release(5)]
        #expect(outcomes == [false, true, false])
        let next = allocator.allocateNext()
        #expect(next == 5)
    }

    @Test func staysInsideTheRangeAsked() {
        var allocator = BitmapAllocator(capacity: 200)
        let order = (0..<11).map { _ in allocator.allocateNext(in: 60..<70, startingAt: 68) }
        #expect(order == [68, 69, 60, 61, 62, 63, 64, 65, 66, 67, nil])
        #expect(allocator.freeCount == 190)
        #expect(allocator.freeCount(in: 0..<64) == 60)
        let outside = allocator.allocateNext(in: 300..<400)
        #expect(outside == nil)
        var taken: [Int] = []
        allocator.forEachAllocated { taken.append($0) }
        #expect(taken == Array(60..<70))
    }

    @Test func refusesNumbersOutOfRange() {
        var allocator = BitmapAllocator(capacity: 10)
        let outcomes = [allocator.allocate(-1), allocator.allocate(10), allocator.release(10), allocator.contains(-1)]
        #expect(outcomes == [false, false, false, false])
        var empty = BitmapAllocator(capacity: 0)
        let none = empty.allocateNext()
        #expect(none == nil)
    }
}
