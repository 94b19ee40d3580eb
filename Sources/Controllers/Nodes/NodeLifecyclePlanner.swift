import KubeModel

/// Decides when a node that says nothing any more counts as lost, and when it is back (Kubernetes'
/// `pkg/controller/nodelifecycle`). Pure: observations in, verdicts out, time as a parameter.
///
/// A node is judged by its Lease, and by when a change of it was *seen*: clocks of machines differ. One that never had a
/// Lease is judged when it is known that it should have one; one that was written by hand is not.
struct NodeLifecyclePlanner {
    /// How long a node may be silent (`--node-monitor-grace-period`).
    var grace: Duration = .seconds(40)
    /// How often silence is looked for. A look that comes much later than that says that this process slept, not the
    /// nodes.
    var period: Duration = .seconds(5)

    private struct Watched {
        var renewed: MicroTime?
        /// Of the clock that is passed in.
        var seenAt: Duration
    }

    private var watched: [String: Watched] = [:]
    private var lastLook: Duration?

    init(grace: Duration = .seconds(40), period: Duration = .seconds(5)) {
        self.grace = grace
        self.period = period
    }

    /// The nodes that are judged.
    var names: [String] { Array(watched.keys) }

    /// A Lease is there, or has changed.
    mutating func observe(_ name: String, renewed: MicroTime?, now: Duration) {
        if let known = watched[name], known.renewed == renewed { return }
        watched[name] = Watched(renewed: renewed, seenAt: now)
    }

    /// A node that a data plane has registered: its Lease is to follow, and if none does, the node is silent from now on.
    mutating func expect(_ name: String, now: Duration) {
        if watched[name] == nil { watched[name] = Watched(renewed: nil, seenAt: now) }
    }

    /// The node is gone, or is not judged any more.
    mutating func forget(_ name: String) { watched[name] = nil }

    /// Time passes; called once a `period`. Time in which this process slept, or could not hear anybody, is nobody's
    /// silence.
    ///
    /// - Parameter isDeaf: whether the API server was out of reach since the last look.
    mutating func look(now: Duration, isDeaf: Bool) {
        defer { lastLook = now }
        guard let lastLook else { return }
        let passed = now - lastLook
        let lost = isDeaf ? passed : passed > period * 3 ? passed - period : .zero
        guard lost > .zero else { return }
        for name in watched.keys { watched[name]?.seenAt += lost }
    }

    /// Whether a node has been silent for too long; nil for one that is not judged.
    func isLost(_ name: String, now: Duration) -> Bool? {
        watched[name].map { now - $0.seenAt >= grace }
    }
}
