import NetworkTypes
import TestSupport
import Testing

@testable import APIResources

@Suite("Handing out addresses") struct AddressAllocatorTests {
    @Test(arguments: [
        ("10.0.0.0/24", 254, 16), ("10.0.0.0/28", 14, 0), ("10.0.0.0/16", 65_534, 256),
        ("127.96.0.0/12", 1_048_574, 256),
        ("fd00::/108", 1_048_575, 256), ("fd00::/120", 255, 16), ("10.0.0.0/29", 6, 0),
    ])
    func `a range has the usable addresses and the static band of KEP-3070`(
        text: String, capacity: Int, band: Int
    ) throws {
        let range = try #require(CIDR(text))
        let allocator = try AddressAllocator(range: range.masked)
        #expect(allocator.capacity == capacity)
        #expect(allocator.freeCount == capacity)
        #expect(allocator.staticBand == band)
    }

    @Test(arguments: [
        (
            "10.0.0.0/11",
            "specified --service-cluster-ip-range is too large; for 32-bit addresses, the mask must be >= 12"
        ),
        (
            "fd00::/107",
            "specified --service-cluster-ip-range is too large; for 128-bit addresses, the mask must be >= 108"
        ),
        ("10.0.0.0/30", "the service cluster IP range must be at least 8 IP addresses"),
    ])
    func `ranges that Kubernetes refuses are refused`(text: String, message: String) throws {
        let range = try #require(CIDR(text))
        #expect(throws: AllocationRangeError(message)) { try AddressAllocator(range: range) }
    }

    @Test func `network and broadcast addresses and what lies outside are out of range`() throws {
        let range = try #require(CIDR("10.0.0.0/24"))
        var allocator = try AddressAllocator(range: range)
        for text in ["10.0.0.0", "10.0.0.255", "10.0.1.1", "9.255.255.255", "fd00::1"] {
            let address = try #require(IPAddress(text))
            #expect(throws: AddressAllocator.Failure.outOfRange(address, range)) { try allocator.allocate(address) }
        }
        #expect(allocator.freeCount == 254)
        let outside = try #require(IPAddress("10.1.2.3"))
        #expect(
            AddressAllocator.Failure.outOfRange(outside, range).description
                == "the provided IP (10.1.2.3) is not in the valid range. The range of valid IPs is 10.0.0.0/24")
    }

    @Test func `automatic choices leave the static band to requests until nothing else is left`() throws {
        var allocator = try AddressAllocator(range: try #require(CIDR("10.0.0.0/24")))
        let first = try #require(IPAddress("10.0.0.1"))
        for step in 0..<254 {
            let address = try allocator.allocateNext(spread: UInt64(step) &* 0x9E37_79B9_7F4A_7C15)
            let offset = try #require(address.distance(from: first))
            #expect((offset < 16) == (step >= 238), "choice \(step) was \(address)")
        }
        #expect(throws: AddressAllocator.Failure.full) { try allocator.allocateNext(spread: 7) }
        #expect(allocator.freeCount == 0)
    }

    @Test(arguments: 0..<20 as Range<UInt64>)
    func `any order of claims and releases agrees with a set`(seed: UInt64) throws {
        var random = SeededRandom(seed: seed)
        var allocator = try AddressAllocator(range: try #require(CIDR("fd00:1::/121")))
        let base = try #require(IPAddress("fd00:1::1"))
        var taken: Set<IPAddress> = []
        for _ in 0..<2000 {
            let address = try #require(base.advanced(by: random.next() % 127))
            switch random.next() % 3 {
            case 0:
                if taken.contains(address) {
                    #expect(throws: AddressAllocator.Failure.alreadyAllocated) { try allocator.allocate(address) }
                } else {
                    try allocator.allocate(address)
                    taken.insert(address)
                }
            case 1:
                let wasTaken = taken.remove(address) != nil
                let released = allocator.release(address)
                #expect(released == wasTaken)
            default:
                if taken.count == allocator.capacity {
                    #expect(throws: AddressAllocator.Failure.full) { try allocator.allocateNext(spread: 0) }
                } else {
                    let chosen = try allocator.allocateNext(spread: random.next())
                    let isNew = taken.insert(chosen).inserted
                    #expect(isNew)
                }
            }
            #expect(allocator.freeCount == allocator.capacity - taken.count)
            #expect(allocator.isAllocated(address) == taken.contains(address))
        }
    }
}
