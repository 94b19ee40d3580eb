import Synchronization

/// One cache for all loops of a server: a name that one of them fetched is known to every other, fresh or out of date.
///
/// Parts by hash, each with a lock of its own that is held for as long as it takes to copy an answer; two loops rarely want
/// the same part at once. The bound on memory is one for all parts, divided evenly.
package final class SharedAnswerCache: Sendable {
    package static let partCount = 16

    private let parts: InlineArray<16, Mutex<AnswerCache>>
    private let seed: UInt64

    package init(limits: CacheLimits = CacheLimits(), seed: UInt64 = .random(in: 0 ... .max)) {
        self.seed = seed
        let share = Self.share(of: limits)
        parts = InlineArray { _ in Mutex(AnswerCache(limits: share, seed: seed)) }
    }

    private static func share(of limits: CacheLimits) -> CacheLimits {
        var share = limits
        share.bytes = limits.bytes / partCount
        return share
    }

    /// Other limits from now on, those of the whole cache.
    package func setLimits(_ limits: CacheLimits) {
        let share = Self.share(of: limits)
        for index in 0..<Self.partCount {
            parts[index].withLock { if $0.limits != share { $0.setLimits(share) } }
        }
    }

    /// Looks for an answer, which counts as asking for it.
    ///
    /// - Parameter read: is given what was found and the part that it is in, under that part's lock: it copies what it needs
    ///   and waits for nothing.
    package func find<Result>(
        _ name: WireName, _ type: RecordType, wantsSignatures: Bool, isCheckingDisabled: Bool, now: UInt32,
        _ read: (AnswerCache.Finding, borrowing AnswerCache) -> Result
    ) -> Result {
        let flags = AnswerCache.flags(wantsSignatures, isCheckingDisabled)
        let hash = AnswerCache.hash(name, type, flags, seed: seed)
        return parts[Self.part(hash)].withLock { part in
            let finding = part.find(name, type, flags, hash: hash, now: now)
            return read(finding, part)
        }
    }

    /// As ``AnswerCache/store(_:for:now:)``.
    package func store(_ answer: UpstreamAnswer, for lookup: Lookup, now: UInt32) {
        change(lookup) { $0.store(answer, for: lookup, now: now) }
    }

    /// As ``AnswerCache/refreshFailed(_:)``.
    package func refreshFailed(_ lookup: Lookup) { change(lookup) { $0.refreshFailed(lookup) } }

    private func change(_ lookup: Lookup, _ body: (inout AnswerCache) -> Void) {
        let flags = AnswerCache.flags(lookup.wantsSignatures, lookup.isCheckingDisabled)
        let hash = AnswerCache.hash(WireName(lookup.name), lookup.type, flags, seed: seed)
        parts[Self.part(hash)].withLock { body(&$0) }
    }

    /// By the upper bits: the lower ones choose the place in a part.
    private static func part(_ hash: UInt64) -> Int { Int(hash >> 60) }

    /// What all parts have and did, and the bytes that they take.
    package var counters: (sum: AnswerCache.Counters, bytes: Int) {
        var sum = AnswerCache.Counters()
        var bytes = 0
        for index in 0..<Self.partCount {
            let part = parts[index].withLock { (counters: $0.counters, bytes: $0.bytes) }
            sum.answers += part.counters.answers
            sum.denials += part.counters.denials
            sum.evictions += part.counters.evictions
            bytes += part.bytes
        }
        return (sum, bytes)
    }
}
