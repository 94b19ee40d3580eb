/// Fixed-address storage for plain structs (without references), with a free list.
///
/// Slots never move, so a pointer stays good while the engine lives; a slot that is free holds whatever its last user
/// left there (which is how generations survive reuse). Chunks are kept for reuse. Not thread-safe: each slab belongs
/// to one event loop.
struct Slab<Element>: ~Copyable {
    private static var chunkShift: Int { 6 }
    private static var chunkSize: Int { 1 << chunkShift }

    private var chunks: UnsafeMutablePointer<UnsafeMutablePointer<Element>>
    private var chunkCount = 0
    private var chunkCapacity = 16
    /// Indices of free slots, a stack with room for every slot.
    private var free: UnsafeMutablePointer<Int32>
    private var freeCount = 0
    private let blank: Element

    /// Slots taken.
    private(set) var count = 0

    /// - Parameter blank: what a slot holds before its first use.
    init(blank: Element) {
        self.blank = blank
        chunks = .allocate(capacity: chunkCapacity)
        free = .allocate(capacity: chunkCapacity << Self.chunkShift)
    }

    deinit {
        for index in 0..<chunkCount { chunks[index].deallocate() }
        chunks.deallocate()
        free.deallocate()
    }

    /// The slot at `index`, which must be below ``indexBound``.
    @inline(__always)
    subscript(_ index: Int32) -> UnsafeMutablePointer<Element> {
        chunks[Int(index) >> Self.chunkShift] + (Int(index) & (Self.chunkSize - 1))
    }

    /// Upper bound of the indices handed out so far.
    var indexBound: Int32 { Int32(chunkCount << Self.chunkShift) }

    /// Takes a slot.
    mutating func take() -> Int32 {
        if freeCount == 0 { grow() }
        freeCount -= 1
        count += 1
        return free[freeCount]
    }

    /// Gives a slot back.
    mutating func release(_ index: Int32) {
        free[freeCount] = index
        freeCount += 1
        count -= 1
    }

    private mutating func grow() {
        if chunkCount == chunkCapacity {
            let larger = UnsafeMutablePointer<UnsafeMutablePointer<Element>>.allocate(capacity: chunkCapacity * 2)
            larger.moveInitialize(from: chunks, count: chunkCount)
            chunks.deallocate()
            chunks = larger
            // The stack is empty when this is called, so nothing needs to be copied.
            free.deallocate()
            free = .allocate(capacity: (chunkCapacity * 2) << Self.chunkShift)
            chunkCapacity *= 2
        }
        let chunk = UnsafeMutablePointer<Element>.allocate(capacity: Self.chunkSize)
        chunk.initialize(repeating: blank, count: Self.chunkSize)
        (chunks + chunkCount).initialize(to: chunk)
        let first = chunkCount << Self.chunkShift
        chunkCount += 1
        // Low indices on top of the stack: a small population stays in few cache lines.
        for offset in (0..<Self.chunkSize).reversed() {
            free[freeCount] = Int32(first + offset)
            freeCount += 1
        }
    }
}
