/// Hands out the numbers 0 ..< capacity, each at most once until it is released: one bit a number.
public struct BitmapAllocator: Sendable, Hashable {
    public let capacity: Int
    /// How many numbers are free.
    public private(set) var freeCount: Int
    private var words: [UInt64]

    /// An allocator with every number free. A negative capacity counts as 0.
    public init(capacity: Int) {
        self.capacity = max(0, capacity)
        freeCount = self.capacity
        words = Array(repeating: 0, count: (self.capacity + 63) / 64)
    }

    public var allocatedCount: Int { capacity - freeCount }

    /// Takes one number. False when it is taken already or out of range.
    public mutating func allocate(_ index: Int) -> Bool {
        guard index >= 0, index < capacity, !contains(index) else { return false }
        words[index >> 6] |= 1 << UInt64(index & 63)
        freeCount -= 1
        return true
    }

    /// Takes the first free number of `range` (all when nil) at or after `offset`, wrapping round to the start of the
    /// range. `offset` is a number of the range; outside it, the search starts at the range's start. nil when full.
    public mutating func allocateNext(in range: Range<Int>? = nil, startingAt offset: Int = 0) -> Int? {
        let range = (range ?? 0..<capacity).clamped(to: 0..<capacity)
        guard !range.isEmpty, freeCount > 0 else { return nil }
        let start = range.contains(offset) ? offset : range.lowerBound
        guard let index = firstFree(in: start..<range.upperBound) ?? firstFree(in: range.lowerBound..<start) else {
            return nil
        }
        return allocate(index) ? index : nil
    }

    /// Gives a number back. False when it was free already or out of range.
    public mutating func release(_ index: Int) -> Bool {
        guard contains(index) else { return false }
        words[index >> 6] &= ~(1 << UInt64(index & 63))
        freeCount += 1
        return true
    }

    /// Whether the number is taken. False out of range.
    public func contains(_ index: Int) -> Bool {
        guard index >= 0, index < capacity else { return false }
        return words[index >> 6] >> UInt64(index & 63) & 1 == 1
    }

    /// How many numbers of `range` are free.
    public func freeCount(in range: Range<Int>) -> Int {
        let range = range.clamped(to: 0..<capacity)
        return range.count - range.lazy.filter { contains($0) }.count
    }

    /// Calls `body` with every number taken, in ascending order.
    public func forEachAllocated(_ body: (Int) -> Void) {
        for (position, word) in words.enumerated() {
            var rest = word
            while rest != 0 {
                body(position << 6 + rest.trailingZeroBitCount)
                rest &= rest &- 1
            }
        }
    }

    private func firstFree(in range: Range<Int>) -> Int? {
        var index = range.lowerBound
        while index < range.upperBound {
            let free = ~words[index >> 6] >> UInt64(index & 63)
            if free != 0 {
                let found = index + free.trailingZeroBitCount
                return found < range.upperBound ? found : nil
            }
            index = (index >> 6 + 1) << 6
        }
        return nil
    }
}
