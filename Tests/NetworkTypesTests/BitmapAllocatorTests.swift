import NetworkTypes
import Testing

@Suite struct BitmapAllocatorTests {
    @Test func handsOutEachNumberOnce() {
        var allocator = BitmapAllocator(capacity: 130)
        var seen: Set<Int> = []
        while let index = allocator.allocateNext(startingAt: 77) { #expect(seen.insert(index).inserted) }
        #expect(seen == Set(0..<130))
        #expect(allocator.freeCount == 0)
        #expect(!allocator.allocate(5))
        #expect(allocator.release(5) && !allocator.release(5))
        #expect(allocator.allocateNext() == 5)
    }

    @Test func staysInsideTheRangeAsked() {
        var allocator = BitmapAllocator(capacity: 200)
        #expect(allocator.allocateNext(in: 60..<70, startingAt: 68) == 68)
        #expect(allocator.allocateNext(in: 60..<70, startingAt: 68) == 69)
        #expect(allocator.allocateNext(in: 60..<70, startingAt: 68) == 60)
        for _ in 0..<7 { #expect(allocator.allocateNext(in: 60..<70) != nil) }
        #expect(allocator.allocateNext(in: 60..<70) == nil)
        #expect(allocator.freeCount == 190)
        #expect(allocator.freeCount(in: 0..<64) == 60)
        #expect(allocator.allocateNext(in: 300..<400) == nil)
        var taken: [Int] = []
        allocator.forEachAllocated { taken.append($0) }
        #expect(taken == Array(60..<70))
    }

    @Test func refusesNumbersOutOfRange() {
        var allocator = BitmapAllocator(capacity: 10)
        #expect(!allocator.allocate(-1) && !allocator.allocate(10) && !allocator.release(10) && !allocator.contains(-1))
        var empty = BitmapAllocator(capacity: 0)
        #expect(empty.allocateNext() == nil)
    }
}
