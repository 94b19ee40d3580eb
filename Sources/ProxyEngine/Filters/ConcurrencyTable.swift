internal import Glibc
internal import Synchronization

/// How many requests of each client are under way, for all loops. A fixed number of places, of which a client has eight to be
/// in; where others have all of them, it is not let in.
///
/// `@unchecked Sendable`: the places are atomic.
final class ConcurrencyTable: @unchecked Sendable {
    /// A place: 40 bits that tell clients apart, and 24 of their number of requests. Without requests it is free.
    private let places: UnsafeMutablePointer<Atomic<UInt64>>
    private let mask: Int
    private static let ways = 8
    private static let countBits: UInt64 = 24
    private static let countMask: UInt64 = 1 << countBits - 1

    /// - Parameter capacity: a power of two, no less than eight.
    init(capacity: Int) {
        places = calloc(capacity, MemoryLayout<Atomic<UInt64>>.stride)!
            .bindMemory(to: Atomic<UInt64>.self, capacity: capacity)
        mask = capacity / Self.ways - 1
    }

    deinit { free(places) }

    /// Counts one more request of a client, if it has fewer than `most` under way.
    ///
    /// - Parameter key: the client, evenly spread.
    /// - Returns: what ``leave(_:)`` is told when the request has ended; nil when there are enough.
    func enter(_ key: UInt64, most: Int) -> Int32? {
        let tag = key & ~Self.countMask
        let start = (Int(truncatingIfNeeded: key) & mask) * Self.ways
        while true {
            var place: Int?
            var seen: UInt64 = 0
            for index in start..<(start + Self.ways) {
                let value = places[index].load(ordering: .relaxed)
                let isOwn = value & Self.countMask > 0 && value & ~Self.countMask == tag
                if isOwn || place == nil && value & Self.countMask == 0 {
                    place = index
                    seen = value
                }
                if isOwn { break }
            }
            guard let place else { return nil }
            let count = seen & Self.countMask
            if count >= UInt64(clamping: most) || count == Self.countMask { return nil }
            if places[place].compareExchange(expected: seen, desired: tag | (count + 1), ordering: .relaxed).exchanged {
                return Int32(place)
            }
        }
    }

    func leave(_ place: Int32) { _ = places[Int(place)].wrappingSubtract(1, ordering: .relaxed) }
}
