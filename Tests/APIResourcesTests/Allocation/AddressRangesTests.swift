import NetworkTypes
import TestSupport
import Testing

@testable import APIResources

/// Several ranges, overlapping ones too, against the simplest description of them: a set of addresses.
@Suite("Ranges that addresses come from") struct AddressRangesTests {
    private func range(_ text: String) throws -> CIDR { try #require(CIDR(text)) }
    private func address(_ text: String) throws -> IPAddress { try #require(IPAddress(text)) }

    @Test func `an address is taken in every range that has it`() throws {
        var ranges = AddressRanges()
        ranges.set("large", [try range("10.0.0.0/24")], isReady: true)
        let early = try address("10.0.0.5")
        try ranges.allocate(early)
        ranges.set("small", [try range("10.0.0.0/28")], isReady: true)
        #expect(ranges.freeCounts == [253, 13])
        #expect(throws: AddressAllocator.Failure.alreadyAllocated) { try ranges.allocate(early) }
        ranges.release(early)
        #expect(ranges.freeCounts == [254, 14])
        // 10.0.0.15 is the broadcast address of the small range only.
        try ranges.allocate(try address("10.0.0.15"))
        #expect(ranges.freeCounts == [253, 14])
    }

    @Test func `only ready ranges give out addresses, and a range lives as long as one ServiceCIDR has it`() throws {
        var ranges = AddressRanges()
        let one = try range("10.0.0.0/29")
        ranges.set("a", [one], isReady: true)
        ranges.set("b", [one], isReady: true)
        ranges.set("a", [one], isReady: false)
        _ = try ranges.allocateNext(.v4, spread: 0)
        ranges.set("b", [one], isReady: false)
        #expect(throws: AddressAllocator.Failure.full) { try ranges.allocateNext(.v4, spread: 0) }
        #expect(throws: AddressAllocator.Failure.noRange) { try ranges.allocate(one.last) }
        #expect(throws: AddressAllocator.Failure.full) { try ranges.allocateNext(.v6, spread: 0) }
        ranges.remove("a")
        #expect(ranges.freeCounts == [5])
        ranges.remove("b")
        #expect(ranges.freeCounts == [])
    }

    @Test func `what a range leaves behind is found by the next one`() throws {
        var ranges = AddressRanges()
        ranges.set("a", [try range("10.0.0.0/24")], isReady: true)
        let held = try address("10.0.0.9")
        try ranges.allocate(held)
        let kept = try address("10.0.0.10")
        let isReserved = ranges.reserve(kept)
        #expect(isReserved)
        #expect(!ranges.canRemove("a"))
        ranges.remove("a")
        #expect(ranges.isStray(held) && !ranges.isStray(kept))
        ranges.set("b", [try range("10.0.0.0/25")], isReady: true)
        #expect(ranges.freeCounts == [124])
        #expect(!ranges.isStray(held))
        for taken in [held, kept] {
            #expect(throws: AddressAllocator.Failure.alreadyAllocated) { try ranges.allocate(taken) }
        }
        ranges.release(held)
        #expect(ranges.canRemove("b"), "what users keep holds no range")
        ranges.unreserve(kept)
        ranges.unreserve(kept)
        #expect(ranges.freeCounts == [126])
    }

    @Test func `a reservation outside every range counts in a later one`() throws {
        var ranges = AddressRanges()
        let kept = try address("fd00::7")
        let first = ranges.reserve(kept)
        let second = ranges.reserve(kept)
        #expect(first && !second)
        ranges.set("a", [try range("fd00::/64")], isReady: true)
        #expect(throws: AddressAllocator.Failure.alreadyAllocated) { try ranges.allocate(kept) }
        ranges.unreserve(kept)
        try ranges.allocate(kept)
    }

    @Test(arguments: ["10.0.0.0/8", "fd00::/64", "fd00::/48", "0.0.0.0/0"])
    func `a range of any size gives out distinct addresses`(text: String) throws {
        var allocator = AddressAllocator(anySize: try range(text))
        var seen: Set<IPAddress> = []
        // The same place again and again, and the last one, from where the search wraps round.
        for spread in [0, 0, 0, 7, 7, UInt64(allocator.capacity - allocator.staticBand - 1), .max, .max] {
            let chosen = try allocator.allocateNext(spread: spread)
            let isNew = seen.insert(chosen).inserted
            #expect(isNew)
            #expect(allocator.range.contains(chosen))
        }
        #expect(allocator.freeCount == allocator.capacity - 8)
        #expect(Set(allocator.allocated) == seen)
        for address in seen { allocator.release(address) }
        #expect(allocator.allocated.isEmpty)
    }

    @Test(arguments: ["10.0.0.0/31", "10.0.0.0/32", "255.255.255.255/32", "fd00::/128"])
    func `a range without usable addresses is full`(text: String) throws {
        var allocator = AddressAllocator(anySize: try range(text))
        #expect(throws: AddressAllocator.Failure.full) { try allocator.allocateNext(spread: 3) }
    }

    @Test(arguments: 0..<10 as Range<UInt64>)
    func `any order of changes agrees with a set`(seed: UInt64) throws {
        var random = SeededRandom(seed: seed)
        let texts = ["10.0.0.0/26", "10.0.0.0/28", "10.0.0.16/28", "10.0.0.32/29", "10.0.0.0/25"]
        let cidrs = try texts.map { try range($0) }
        let base = try address("10.0.0.0")
        var ranges = AddressRanges()
        var taken: Set<IPAddress> = []
        var ready: Set<Int> = []
        for _ in 0..<1500 {
            let address = try #require(base.advanced(by: random.next() % 128))
            switch random.next() % 8 {
            case 0:
                let index = Int(random.next() % UInt64(cidrs.count))
                let isReady = random.next() % 2 == 0
                ranges.set("r\(index)", [cidrs[index]], isReady: isReady)
                if isReady { ready.insert(index) } else { ready.remove(index) }
            case 1:
                let index = Int(random.next() % UInt64(cidrs.count))
                if ranges.canRemove("r\(index)") {
                    ranges.remove("r\(index)")
                    ready.remove(index)
                }
            case 2, 3:
                if let held = taken.randomElement(using: &random) {
                    ranges.release(held)
                    taken.remove(held)
                }
            case 4:
                if (try? ranges.allocate(address)) != nil {
                    let isNew = taken.insert(address).inserted
                    #expect(isNew)
                }
            default:
                if let chosen = try? ranges.allocateNext(.v4, spread: random.next()) {
                    let isNew = taken.insert(chosen).inserted
                    #expect(isNew)
                    #expect(ready.contains { AddressAllocator(anySize: cidrs[$0]).has(chosen) })
                }
            }
        }
        for cidr in cidrs { ranges.set("all \(cidr)", [cidr], isReady: true) }
        for offset in 0..<UInt64(128) {
            let address = try #require(base.advanced(by: offset))
            guard cidrs.contains(where: { AddressAllocator(anySize: $0).has(address) }) else { continue }
            var copy = ranges
            let isFree = (try? copy.allocate(address)) != nil
            #expect(isFree == !taken.contains(address), "\(address)")
        }
    }
}
