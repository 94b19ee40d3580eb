import KubeModel

/// Which announcers on the local network have fallen silent, judged by their Leases. Pure: observations in, verdicts out, time as a
/// parameter.
///
/// Nodes take the Lease of a dead one among themselves; this is for those that have no neighbour left to do it. A Lease is
/// judged by when a change of it was *seen*, and is given up over the version that was seen, so that a renewal in between wins.
struct AnnouncerSilence {
    enum Verdict: Equatable {
        /// It renews its Lease, or has not been silent for long enough.
        case alive
        /// It has not renewed it for longer than it lasts: this is to be written in its place.
        case silent(Lease)
        /// It holds none.
        case ended
    }

    private struct Seen {
        var version: String?
        /// Of the clock that is passed in.
        var moment: Duration
    }

    /// Nobody believes in a Lease for longer, whatever it says.
    private static let longestSeconds = 60
    private var seen: [String: Seen] = [:]

    /// - Parameter lease: as the store has it now.
    mutating func look(at node: String, _ lease: Lease, now: Duration) -> Verdict {
        guard let holder = lease.spec?.holderIdentity, !holder.isEmpty else {
            seen[node] = nil
            return .ended
        }
        let version = lease.metadata.resourceVersion
        guard let known = seen[node], known.version == version else {
            seen[node] = Seen(version: version, moment: now)
            return .alive
        }
        let seconds = min(max(lease.spec?.leaseDurationSeconds ?? Self.longestSeconds, 1), Self.longestSeconds)
        guard now >= known.moment + .seconds(seconds) else { return .alive }
        var ended = lease
        ended.spec?.holderIdentity = ""
        return .silent(ended)
    }

    mutating func forget(_ node: String) { seen[node] = nil }
}
