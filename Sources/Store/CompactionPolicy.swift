/// Up to where history is to be dropped: what is older than anybody may ask for, and what is too much, however young,
/// so that a server which is restarted all the time does not keep everything.
package struct CompactionPolicy: Sendable {
    /// History that is kept, if it is not too much. Seconds.
    package var keptSeconds: Int64
    /// More revisions, or bytes, than this are cut to half.
    package var maximumRevisions: Int64 = 250_000
    package var maximumBytes: Int64 = 256 << 20
    /// When replaced and deleted values have more bytes than this, only the last `shortSeconds` are kept; with four times
    /// as many, only what came since this was asked last.
    package var maximumGarbageBytes: Int64 = 64 << 20
    /// Long enough for a watch to reconnect and a list to go on to its next page.
    package var shortSeconds: Int64 = 30

    /// Where the store stood at some times, oldest first.
    private var past: [(seconds: Int64, revision: Revision)] = []

    package init(keptSeconds: Int64) {
        self.keptSeconds = max(keptSeconds, 1)
    }

    /// To be asked every few seconds.
    /// - Parameters:
    ///   - now: seconds of a clock that only goes forward.
    ///   - current: the store's revision.
    /// - Returns: the revision to compact to; nil when there is nothing to do.
    package mutating func target(
        now: Int64, current: Revision, compacted: Revision, history: StoreHistory
    ) -> Revision? {
        var target = compacted
        if history.garbageBytes > maximumGarbageBytes {
            let isFarTooMuch = history.garbageBytes / 4 > maximumGarbageBytes
            if let young = past.last(where: { isFarTooMuch || now - $0.seconds >= shortSeconds }) {
                target = max(target, young.revision)
            }
        }
        // A hundred steps are exact enough.
        if past.last.map({ now - $0.seconds >= max(1, keptSeconds / 100) }) ?? true { past.append((now, current)) }
        if let old = past.lastIndex(where: { now - $0.seconds >= keptSeconds }) {
            target = max(target, past[old].revision)
            // It stays the answer until the next is old enough.
            past.removeFirst(old)
        }
        if history.revisions > maximumRevisions {
            target = max(target, Revision(current.rawValue - maximumRevisions / 2))
        }
        if history.bytes > maximumBytes {
            target = max(target, Revision(current.rawValue - history.revisions / 2))
        }
        return target > compacted ? target : nil
    }
}
