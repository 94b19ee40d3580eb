internal import Glibc
internal import Synchronization

/// When clients may ask again, for all loops: one time for each is enough. A fixed number of places, of which a client has
/// four to be in: where all are taken the one that is due first is given up, so that strangers cost no memory and at worst
/// make each other be forgiven.
///
/// `@unchecked Sendable`: the places are atomic.
final class RateTable: @unchecked Sendable {
    /// A place: 24 bits, one of them always set, that tell clients apart, and 40 of the time until which the client has used its share up.
    private let places: UnsafeMutablePointer<Atomic<UInt64>>
    private let mask: Int
    private static let ways = 4
    private static let timeBits: UInt64 = 40
    private static let timeMask: UInt64 = 1 << timeBits - 1

    /// - Parameter capacity: a power of two, no less than four.
    init(capacity: Int) {
        // Zeroes that no memory is given to before they are written.
        places = calloc(capacity, MemoryLayout<Atomic<UInt64>>.stride)!
            .bindMemory(to: Atomic<UInt64>.self, capacity: capacity)
        mask = capacity / Self.ways - 1
    }

    deinit { free(places) }

    /// Takes one request of a client, if its rate lets it.
    ///
    /// - Parameters:
    ///   - key: the client, evenly spread.
    ///   - now: nanoseconds, of a clock that all loops have.
    func admits(_ key: UInt64, _ rate: ClientLimits.Rate, now: UInt64) -> Bool {
        let now = now >> 10 & Self.timeMask
        // Never 0: that is an empty place.
        let tag = (key >> Self.timeBits | 1) << Self.timeBits
        let first = places + (Int(truncatingIfNeeded: key) & mask) * Self.ways
        while true {
            var place = first
            var seen: UInt64 = 0
            var least = Int64.max
            for way in 0..<Self.ways {
                let value = (first + way).pointee.load(ordering: .relaxed)
                let isOwn = value & ~Self.timeMask == tag
                let ahead = isOwn || value != 0 ? Self.ahead(value & Self.timeMask, of: now) : .min
                if isOwn || ahead < least {
                    place = first + way
                    seen = value
                    least = ahead
                }
                if isOwn { break }
            }
            var due = now
            if seen & ~Self.timeMask == tag {
                let ahead = Self.ahead(seen & Self.timeMask, of: now)
                // Further ahead than anybody gets: it is from long ago.
                if ahead > 0, ahead <= Int64(rate.tolerance + rate.interval) {
                    if ahead > Int64(rate.tolerance) { return false }
                    due = seen & Self.timeMask
                }
            }
            let next = tag | (due &+ rate.interval) & Self.timeMask
            if place.pointee.compareExchange(expected: seen, desired: next, ordering: .relaxed).exchanged {
                return true
            }
        }
    }

    /// How far one time is ahead of another, of clocks that go round.
    private static func ahead(_ time: UInt64, of now: UInt64) -> Int64 {
        let difference = (time &- now) & timeMask
        return difference >> (timeBits - 1) == 0 ? Int64(difference) : Int64(difference) - Int64(timeMask) - 1
    }
}
