/// Answers of upstream servers, bounded in bytes; the one that was not asked for longest makes room. Times are seconds of
/// a monotonic clock, given by the caller. Pure.
package struct AnswerCache: Sendable {
    package enum Finding {
        /// Good for so many seconds; `refresh` says that it is popular, about to end, and not being fetched yet.
        case fresh(slot: Int, ttl: UInt32, refresh: Bool)
        /// Out of date, but better than nothing.
        case stale(slot: Int)
        case nothing
    }

    /// How many answers and denials it has, and what happened.
    package struct Counters: Hashable, Sendable {
        package var answers = 0
        package var denials = 0
        package var evictions: UInt64 = 0

        package init() {}
    }

    private struct Slot: Sendable {
        var hash: UInt64
        var message: [UInt8]
        var isDenial: Bool
        var flags: UInt8
        var isRefreshing = false
        var storedAt: UInt32
        var ttl: UInt32
        var hits: UInt32 = 0
        /// The one asked for before and after it, -1 for none; `next` also links free slots.
        var previous: Int32 = -1
        var next: Int32 = -1
    }

    /// What a slot costs besides its message: the slot, its place in the index, and what an array has before its bytes.
    private static let overhead = MemoryLayout<Slot>.stride + 16 + 48
    /// The TTL of an answer that is out of date (RFC 8767, 4), in seconds.
    package static let staleTTL: UInt32 = 30

    package private(set) var limits: CacheLimits
    package private(set) var counters = Counters()
    package private(set) var bytes = 0
    private let seed: UInt64
    private var slots: [Slot] = []
    private var free: Int32 = -1
    private var newest: Int32 = -1
    private var oldest: Int32 = -1
    /// Slots by hash, linear probing; -1 is empty. At most half full.
    private var index: [Int32] = Array(repeating: -1, count: 64)
    private var used = 0

    package init(limits: CacheLimits = CacheLimits(), seed: UInt64 = .random(in: 0 ... .max)) {
        self.limits = limits
        self.seed = seed
    }

    package var count: Int { used }

    /// Other limits from now on; what is kept already stays as long as it was to stay, while it has room.
    package mutating func setLimits(_ limits: CacheLimits) {
        self.limits = limits
        shrink()
    }

    package subscript(message slot: Int) -> [UInt8] { slots[slot].message }

    package func isDenial(_ slot: Int) -> Bool { slots[slot].isDenial }

    /// Looks for an answer, which counts as asking for it.
    package mutating func find(
        _ name: WireName, _ type: RecordType, wantsSignatures: Bool, isCheckingDisabled: Bool, now: UInt32
    ) -> Finding {
        let flags = Self.flags(wantsSignatures, isCheckingDisabled)
        return find(name, type, flags, hash: Self.hash(name, type, flags, seed: seed), now: now)
    }

    /// The same for a caller who knows the hash.
    mutating func find(
        _ name: WireName, _ type: RecordType, _ flags: UInt8, hash: UInt64, now: UInt32
    ) -> Finding {
        guard let slot = slot(hash, flags, name, type) else { return .nothing }
        return judge(slot, now: now)
    }

    private mutating func judge(_ slot: Int, now: UInt32) -> Finding {
        // Of two loops one may look at the clock a little later than the other.
        let age = UInt32(max(0, Int32(bitPattern: now &- slots[slot].storedAt)))
        let ttl = slots[slot].ttl
        touch(slot)
        if age < ttl {
            slots[slot].hits &+= 1
            let left = ttl - age
            let isDue =
                limits.prefetchAfter > 0 && !slots[slot].isRefreshing && slots[slot].hits >= limits.prefetchAfter
                && UInt64(left) * 100 <= UInt64(ttl) * UInt64(limits.prefetchPercentage)
            if isDue { slots[slot].isRefreshing = true }
            return .fresh(slot: slot, ttl: left, refresh: isDue)
        }
        if age - ttl < limits.staleFor { return .stale(slot: slot) }
        remove(slot)
        return .nothing
    }

    /// Keeps an answer in the place of an older one. What may not be kept at all is left out, and so is one that would take
    /// more than a quarter of it.
    package mutating func store(_ answer: UpstreamAnswer, for lookup: Lookup, now: UInt32) {
        let flags = Self.flags(lookup.wantsSignatures, lookup.isCheckingDisabled)
        let name = WireName(lookup.name)
        let hash = Self.hash(name, lookup.type, flags, seed: seed)
        if let old = slot(hash, flags, name, lookup.type) { remove(old) }
        let limit = answer.isDenial ? limits.negativeTTL : limits.positiveTTL
        let minimum = answer.isDenial ? limits.minimumNegativeTTL : limits.minimumPositiveTTL
        let ttl = min(max(answer.ttl, minimum), limit)
        guard ttl > 0, answer.message.count + Self.overhead <= limits.bytes / 4 else { return }
        if (used + 1) * 2 > index.count { grow() }
        let slot = takeSlot(
            Slot(
                hash: hash, message: answer.message, isDenial: answer.isDenial, flags: flags, storedAt: now, ttl: ttl))
        insertIntoIndex(slot)
        used += 1
        bytes += answer.message.count + Self.overhead
        if answer.isDenial { counters.denials += 1 } else { counters.answers += 1 }
        link(slot)
        shrink()
    }

    /// Fetching an answer anew came to nothing: the next one who asks may try again.
    package mutating func refreshFailed(_ lookup: Lookup) {
        let flags = Self.flags(lookup.wantsSignatures, lookup.isCheckingDisabled)
        let name = WireName(lookup.name)
        guard let slot = slot(Self.hash(name, lookup.type, flags, seed: seed), flags, name, lookup.type) else {
            return
        }
        slots[slot].isRefreshing = false
    }

    // MARK: Places

    static func flags(_ wantsSignatures: Bool, _ isCheckingDisabled: Bool) -> UInt8 {
        (wantsSignatures ? 1 : 0) | (isCheckingDisabled ? 2 : 0)
    }

    static func hash(_ name: WireName, _ type: RecordType, _ flags: UInt8, seed: UInt64) -> UInt64 {
        KeyedHash.hash(name.hash(seed: seed) ^ UInt64(type.rawValue) << 8 ^ UInt64(flags), seed: seed)
    }

    /// The question of a kept message stands behind its header.
    private func matches(_ slot: Int, _ name: WireName, _ type: RecordType) -> Bool {
        let bytes = slots[slot].message
        let message = bytes.span
        let end = MessageHeader.size + name.count
        return end + 4 <= message.count && name.equals(message, at: MessageHeader.size, count: name.count)
            && message.u16(at: end) == type.rawValue
    }

    private func slot(_ hash: UInt64, _ flags: UInt8, _ name: WireName, _ type: RecordType) -> Int? {
        var place = Int(truncatingIfNeeded: hash) & (index.count - 1)
        while index[place] >= 0 {
            let slot = Int(index[place])
            if slots[slot].hash == hash, slots[slot].flags == flags, matches(slot, name, type) { return slot }
            place = (place + 1) & (index.count - 1)
        }
        return nil
    }

    private mutating func takeSlot(_ value: Slot) -> Int {
        if free >= 0 {
            let slot = Int(free)
            free = slots[slot].next
            slots[slot] = value
            return slot
        }
        slots.append(value)
        return slots.count - 1
    }

    private mutating func shrink() {
        while bytes > limits.bytes, oldest >= 0 {
            counters.evictions += 1
            remove(Int(oldest))
        }
    }

    private mutating func remove(_ slot: Int) {
        removeFromIndex(slot)
        unlink(slot)
        used -= 1
        bytes -= slots[slot].message.count + Self.overhead
        if slots[slot].isDenial { counters.denials -= 1 } else { counters.answers -= 1 }
        slots[slot].message = []
        slots[slot].next = free
        free = Int32(slot)
    }

    private mutating func touch(_ slot: Int) {
        guard Int(newest) != slot else { return }
        unlink(slot)
        link(slot)
    }

    private mutating func link(_ slot: Int) {
        slots[slot].previous = newest
        slots[slot].next = -1
        if newest >= 0 { slots[Int(newest)].next = Int32(slot) }
        newest = Int32(slot)
        if oldest < 0 { oldest = Int32(slot) }
    }

    private mutating func unlink(_ slot: Int) {
        let (previous, next) = (slots[slot].previous, slots[slot].next)
        if previous >= 0 { slots[Int(previous)].next = next } else { oldest = next }
        if next >= 0 { slots[Int(next)].previous = previous } else { newest = previous }
    }

    // MARK: Index

    private mutating func insertIntoIndex(_ slot: Int) {
        var place = Int(truncatingIfNeeded: slots[slot].hash) & (index.count - 1)
        while index[place] >= 0 { place = (place + 1) & (index.count - 1) }
        index[place] = Int32(slot)
    }

    /// Takes a slot out and moves those behind it up, so that no search ends too early.
    private mutating func removeFromIndex(_ slot: Int) {
        let mask = index.count - 1
        var place = Int(truncatingIfNeeded: slots[slot].hash) & mask
        while index[place] != Int32(slot) { place = (place + 1) & mask }
        var hole = place
        var probe = (place + 1) & mask
        while index[probe] >= 0 {
            let home = Int(truncatingIfNeeded: slots[Int(index[probe])].hash) & mask
            if (probe &- home) & mask >= (probe &- hole) & mask {
                index[hole] = index[probe]
                hole = probe
            }
            probe = (probe + 1) & mask
        }
        index[hole] = -1
    }

    private mutating func grow() {
        let old = index
        index = Array(repeating: -1, count: old.count * 2)
        for slot in old where slot >= 0 { insertIntoIndex(Int(slot)) }
    }
}
