package import NetworkTypes
package import Transport

/// Counts requests that upstreams failed, and decides when to tell of it: the first of a kind at once, then each kind at
/// most once in ``interval`` with the number of those since, and never more than ``maxLines`` lines in ``window``. Pure.
package struct LossLedger: Sendable {
    private struct Kind: Hashable {
        var upstream: String
        var loss: UpstreamLoss
    }

    private struct Entry {
        /// Nil where there was no room for the line yet.
        var toldAt: MonotonicTime?
        /// Since then.
        var untold = 0
    }

    /// The least time between two lines about one upstream that fails in one way.
    package static let interval: Duration = .seconds(60)
    /// At most ``maxLines`` lines in this time, whatever they are about.
    package static let window: Duration = .seconds(10)
    package static let maxLines = 10
    /// How many kinds are told apart. What comes beyond them is told as one.
    package static let maxKinds = 256

    private var entries: [Kind: Entry] = [:]
    private var windowStart: MonotonicTime?
    private var linesInWindow = 0

    package init() {}

    /// - Parameters:
    ///   - upstream: the name of the configuration's; never text of a client.
    ///   - endpoint: who failed, where one was asked.
    /// - Returns: a line for the log, where it is time for one.
    package mutating func note(
        _ loss: UpstreamLoss, upstream: String, endpoint: SocketAddress?, at now: MonotonicTime
    ) -> String? {
        var kind = Kind(upstream: upstream, loss: loss)
        if entries[kind] == nil, entries.count >= Self.maxKinds {
            entries = entries.filter { isFresh($0.value, at: now) || $0.value.untold > 0 }
            if entries.count >= Self.maxKinds { kind = Kind(upstream: "", loss: loss) }
        }
        let entry = entries[kind, default: Entry()]
        guard !isFresh(entry, at: now), hasRoom(at: now) else {
            entries[kind, default: Entry()].untold += 1
            return nil
        }
        linesInWindow += 1
        entries[kind] = Entry(toldAt: now)
        let who = kind.upstream.isEmpty ? "further upstreams" : kind.upstream
        let times = entry.untold > 0 ? " (\(entry.untold) more since the last line about it)" : ""
        return "\(who): \(endpoint.map { "\($0) " } ?? "")\(loss.words)\(times)"
    }

    private func isFresh(_ entry: Entry, at now: MonotonicTime) -> Bool {
        entry.toldAt.map { now - $0 < Self.interval } ?? false
    }

    private mutating func hasRoom(at now: MonotonicTime) -> Bool {
        if let windowStart, now - windowStart < Self.window { return linesInWindow < Self.maxLines }
        windowStart = now
        linesInWindow = 0
        return true
    }
}
