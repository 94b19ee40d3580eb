/// Fixed-address storage for plain structs (without references), with a free list.
///
/// Who wants to keep a slot in mind keeps its ``Handle``; who works on it holds a ``Reference`` for the length of a step.
/// Both know the slot's generation, so neither can take a later tenant for the one it was given: a handle that is out of
/// date resolves to nothing, a reference says ``Reference/isLive``. Slots never move. Not thread-safe: each slab belongs
/// to one event loop.
struct Slab<Kind, Element>: ~Copyable {
    fileprivate struct Slot {
        var generation: UInt32
        var element: Element
    }

    /// A tenant that is being worked on. Ask ``isLive`` after calling what may have ended it.
    struct Reference: BitwiseCopyable {
        fileprivate let slot: UnsafeMutablePointer<Slot>
        let handle: Handle<Kind>

        @inline(__always)
        var isLive: Bool { slot.pointee.generation == handle.generation }

        /// Where the tenant is for as long as it lives.
        var address: UnsafeMutableRawPointer {
            UnsafeMutableRawPointer(slot) + MemoryLayout<Slot>.offset(of: \.element)!
        }

        @inline(__always)
        var pointee: Element {
            _read {
                assert(isLive, "the tenant of this slot has gone")
                yield slot.pointee.element
            }
            nonmutating _modify {
                assert(isLive, "the tenant of this slot has gone")
                yield &slot.pointee.element
            }
        }
    }

    private static var chunkShift: Int { 6 }
    private static var chunkSize: Int { 1 << chunkShift }

    private var chunks: UnsafeMutablePointer<UnsafeMutablePointer<Slot>>
    private var chunkCount = 0
    private var chunkCapacity = 16
    /// Indices of free slots, a stack with room for every slot.
    private var free: UnsafeMutablePointer<Int32>
    private var freeCount = 0
    private let blank: Element

    /// Slots taken.
    private(set) var count = 0

    /// - Parameter blank: what a tenant begins with.
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

    /// The tenant that `handle` names. It must be there: a link between two tenants is taken away by whichever ends first.
    @inline(__always)
    subscript(_ handle: Handle<Kind>) -> Reference {
        let slot = slot(at: handle.index)
        precondition(slot.pointee.generation == handle.generation)
        return Reference(slot: slot, handle: handle)
    }

    /// The tenant that `handle` names, or nil when it has gone.
    @inline(__always)
    func resolve(_ handle: Handle<Kind>) -> Reference? {
        guard handle.index >= 0, handle.index < indexBound else { return nil }
        let slot = slot(at: handle.index)
        guard slot.pointee.generation == handle.generation else { return nil }
        return Reference(slot: slot, handle: handle)
    }

    /// Who is in the slot at `index` now.
    @inline(__always)
    func tenant(at index: Int32) -> Reference? {
        guard index >= 0, index < indexBound else { return nil }
        let slot = slot(at: index)
        let generation = slot.pointee.generation
        guard generation & 1 == 1 else { return nil }
        return Reference(slot: slot, handle: Handle(index: index, generation: generation))
    }

    /// Upper bound of the indices handed out so far.
    var indexBound: Int32 { Int32(chunkCount << Self.chunkShift) }

    /// A new tenant, blank.
    mutating func take() -> Reference {
        if freeCount == 0 { grow() }
        freeCount -= 1
        count += 1
        let index = free[freeCount]
        let slot = slot(at: index)
        let generation = (slot.pointee.generation &+ 1) & Handle<Kind>.generationMask
        slot.pointee.generation = generation
        slot.pointee.element = blank
        return Reference(slot: slot, handle: Handle(index: index, generation: generation))
    }

    /// Ends a tenancy. Once for each ``take()``: whoever comes second has no living reference any more.
    mutating func release(_ reference: Reference) {
        precondition(reference.isLive)
        reference.slot.pointee.generation = (reference.handle.generation &+ 1) & Handle<Kind>.generationMask
        free[freeCount] = reference.handle.index
        freeCount += 1
        count -= 1
    }

    @inline(__always)
    private func slot(at index: Int32) -> UnsafeMutablePointer<Slot> {
        chunks[Int(index) >> Self.chunkShift] + (Int(index) & (Self.chunkSize - 1))
    }

    private mutating func grow() {
        if chunkCount == chunkCapacity {
            let larger = UnsafeMutablePointer<UnsafeMutablePointer<Slot>>.allocate(capacity: chunkCapacity * 2)
            larger.moveInitialize(from: chunks, count: chunkCount)
            chunks.deallocate()
            chunks = larger
            // The stack is empty when this is called, so nothing needs to be copied.
            free.deallocate()
            free = .allocate(capacity: (chunkCapacity * 2) << Self.chunkShift)
            chunkCapacity *= 2
        }
        let chunk = UnsafeMutablePointer<Slot>.allocate(capacity: Self.chunkSize)
        chunk.initialize(repeating: Slot(generation: 0, element: blank), count: Self.chunkSize)
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
