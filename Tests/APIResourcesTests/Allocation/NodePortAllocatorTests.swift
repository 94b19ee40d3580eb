import Testing

@testable import APIResources

@Suite("Handing out node ports") struct NodePortAllocatorTests {
    @Test(arguments: [(30000...32767, 86), (30000...30015, 0), (30000...30016, 16), (1...65535, 128)])
    func `the static band is that of KEP-3668`(range: ClosedRange<Int>, band: Int) throws {
        #expect(try NodePortAllocator(range: range).staticBand == band)
    }

    @Test func `a number is handed out once and again after its release`() throws {
        var allocator = try NodePortAllocator(range: 30000...30099)
        try allocator.allocate(30000)
        #expect(throws: NodePortAllocator.Failure.alreadyAllocated) { try allocator.allocate(30000) }
        let releases = [allocator.release(30000), allocator.release(30000)]
        #expect(releases == [true, false])
        try allocator.allocate(30000)
        #expect(throws: NodePortAllocator.Failure.outOfRange(30000...30099)) { try allocator.allocate(30100) }
        let released = allocator.release(30100)
        #expect(!released)
        #expect(
            NodePortAllocator.Failure.outOfRange(30000...32767).description
                == "provided port is not in the valid range. The range of valid ports is 30000-32767")
    }

    @Test func `automatic choices take the upper band first and then all the rest`() throws {
        var allocator = try NodePortAllocator(range: 30000...30099)
        var taken: Set<Int> = []
        for step in 0..<100 {
            let port = try allocator.allocateNext(spread: UInt64(step * 37))
            let isNew = taken.insert(port).inserted
            #expect(isNew)
            #expect((port < 30016) == (step >= 84))
        }
        #expect(throws: NodePortAllocator.Failure.full) { try allocator.allocateNext(spread: 0) }
    }

    @Test func `a reserved port is nobody's, whether asked for, chosen or given back`() throws {
        var allocator = try NodePortAllocator(range: 30000...30003, reserved: [30001, 30003, 6443])
        #expect(throws: NodePortAllocator.Failure.reserved) { try allocator.allocate(30001) }
        #expect(allocator.freeCount == 2)
        let isReleased = allocator.release(30001)
        #expect(!isReleased)
        let chosen = [try allocator.allocateNext(spread: 1), try allocator.allocateNext(spread: 1)]
        #expect(Set(chosen) == [30000, 30002])
        #expect(throws: NodePortAllocator.Failure.full) { try allocator.allocateNext(spread: 1) }
    }
}
