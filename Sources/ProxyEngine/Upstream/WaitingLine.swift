/// Requests that wait for their upstream, the longest first. Pure. Those that go by themselves are passed over when it is their
/// turn.
struct WaitingLine {
    private var entries: [Handle<Party.Exchanges>] = []
    private var first = 0
    /// How many wait still.
    private(set) var count: Int32 = 0

    init() {}

    mutating func append(_ exchange: Handle<Party.Exchanges>) {
        entries.append(exchange)
        count += 1
    }

    /// One of them has gone, which waits no more by what it says itself.
    mutating func leave(_ exchanges: borrowing Slab<Party.Exchanges, Exchange>) {
        count -= 1
        if count == 0 {
            entries.removeAll(keepingCapacity: true)
            first = 0
        } else if entries.count > 2 * Int(count) + 64 {
            var kept: [Handle<Party.Exchanges>] = []
            for entry in entries[first...] where Self.isWaiting(entry, exchanges) { kept.append(entry) }
            entries = kept
            first = 0
        }
    }

    /// The one that has waited longest, which waits no more.
    mutating func popFirst(_ exchanges: borrowing Slab<Party.Exchanges, Exchange>) -> Handle<Party.Exchanges>? {
        while first < entries.count {
            let entry = entries[first]
            first += 1
            if Self.isWaiting(entry, exchanges) {
                exchanges.resolve(entry)?.pointee.flags.remove(.waiting)
                leave(exchanges)
                return entry
            }
        }
        return nil
    }

    private static func isWaiting(
        _ entry: Handle<Party.Exchanges>, _ exchanges: borrowing Slab<Party.Exchanges, Exchange>
    ) -> Bool {
        exchanges.resolve(entry)?.pointee.flags.contains(.waiting) ?? false
    }
}
