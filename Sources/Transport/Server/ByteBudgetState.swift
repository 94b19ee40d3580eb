/// Who holds how much of a limited number of bytes, and who waits for some. Pure.
///
/// A claim is granted whole or waits: had it a part, two that wait for each other's rest would wait for ever. Those who
/// wait are served in their order, so that a large claim is not overtaken for ever by small ones.
struct ByteBudgetState: Sendable {
    enum Answer: Sendable, Hashable {
        case granted
        /// The identifier comes back from ``release(_:)`` when the bytes are there.
        case queued
        /// More wait already than can be served in reasonable time.
        case refused
    }

    let capacity: Int
    private let maximumWaiting: Int
    private(set) var held = 0
    private var waiting: [(id: UInt64, bytes: Int)] = []

    init(capacity: Int, maximumWaiting: Int = 4096) {
        self.capacity = capacity
        self.maximumWaiting = maximumWaiting
    }

    var waitingCount: Int { waiting.count }

    /// A claim for more than everything is granted when nothing else is held.
    private func fits(_ bytes: Int) -> Bool { held == 0 || held + bytes <= capacity }

    mutating func claim(_ bytes: Int, id: UInt64) -> Answer {
        if waiting.isEmpty, fits(bytes) {
            held += bytes
            return .granted
        }
        guard waiting.count < maximumWaiting else { return .refused }
        waiting.append((id, bytes))
        return .queued
    }

    /// Gives granted bytes back.
    /// - Returns: Who has what they waited for now, in order.
    mutating func release(_ bytes: Int) -> [UInt64] {
        held -= bytes
        return grant()
    }

    /// A claim that waits is no longer wanted.
    /// - Returns: Who stood behind it and has what they waited for now; nil when it does not wait (any more).
    mutating func withdraw(_ id: UInt64) -> [UInt64]? {
        guard let index = waiting.firstIndex(where: { $0.id == id }) else { return nil }
        waiting.remove(at: index)
        return grant()
    }

    private mutating func grant() -> [UInt64] {
        guard !waiting.isEmpty else { return [] }
        var granted: [UInt64] = []
        for (id, bytes) in waiting {
            guard fits(bytes) else { break }
            held += bytes
            granted.append(id)
        }
        waiting.removeFirst(granted.count)
        return granted
    }
}
