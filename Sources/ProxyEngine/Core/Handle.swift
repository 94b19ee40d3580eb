/// The parties whose state lives in slabs. Tags only: with them a ``Handle`` says what it names without knowing that
/// type, so that the folders of an exchange, its client and its upstream need not know one another.
enum Party {
    enum Clients {}
    enum Exchanges {}
    enum Upstreams {}
    enum Endpoints {}
    enum Targets {}
    /// A route's counters, which are no slab but are handed on in the same way.
    enum Routes {}
}

/// Names one tenancy of one slot: which slot, and which of its successive tenants. A handle may be kept for as long as
/// one likes; it ends with its tenant and never comes to name the next one (within 2^29 tenancies of one slot).
struct Handle<Kind>: BitwiseCopyable, Hashable, Sendable {
    let index: Int32
    /// Odd while the slot is taken, even while it is free; 30 bits.
    let generation: UInt32

    init(index: Int32, generation: UInt32) {
        self.index = index
        self.generation = generation
    }

    /// Nobody.
    static var none: Self { Handle(index: -1, generation: 0) }

    @inline(__always)
    var isNone: Bool { index < 0 }

    /// In 62 bits, for an event's token. Not for ``none``.
    var packed: UInt64 { UInt64(generation) << 32 | UInt64(UInt32(bitPattern: index)) }

    init(packed: UInt64) {
        index = Int32(truncatingIfNeeded: packed & 0xFFFF_FFFF)
        generation = UInt32(truncatingIfNeeded: packed >> 32 & UInt64(Self.generationMask))
    }

    static var generationMask: UInt32 { 0x3FFF_FFFF }

    func hash(into hasher: inout Hasher) {
        hasher.combine(index)
        hasher.combine(generation)
    }
}
