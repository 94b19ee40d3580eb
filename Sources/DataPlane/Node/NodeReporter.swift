import KubeClient
import KubeModel
import TrafficModel

/// Says in the Node object how this data plane does, beside the path of traffic: a slow API server delays the condition
/// and nothing else.
actor NodeReporter {
    private let registration: NodeRegistration
    private let signal = ChangeSignal()
    private let started = WallClock.timestamp
    private var node: NodeIdentity
    private var condition: NodeCondition?
    private var outage = Outage()

    init(registration: NodeRegistration, node: NodeIdentity) {
        self.registration = registration
        self.node = node
    }

    func setNode(_ node: NodeIdentity) {
        self.node = node
        signal.raise()
    }

    /// Takes in how the node does now; called about once a second.
    func take(_ report: NodeReport, _ ledger: EnforcementLedger) {
        outage.look(staleFor: report.staleFor, now: WallClock.timestamp)
        let notServed = EnforcementAdvice.summary(ledger)
        condition = NodeCondition(
            isReady: true, reason: "DataPlaneReady",
            message: (notServed ?? "every Service and route is enforced") + outage.text, since: started)
        // While the server is away there is nobody to tell.
        if report.staleFor == nil { signal.raise() }
    }

    /// Writes until cancelled.
    func run() async {
        for await _ in signal.changes {
            guard let condition else { continue }
            await registration.update(node, condition)
        }
    }

    /// Says that this data plane ends, if the server takes it within a second.
    func stop() async {
        let stopped = NodeCondition(
            isReady: false, reason: "DataPlaneStopped", message: "the data plane was asked to end")
        // Not a part of the caller's task, which is cancelled by now.
        let write = Task { [registration, node] in await registration.update(node, stopped) }
        let limit = Task {
            // Cancelled when the write is done.
            try? await Task.sleep(for: .seconds(1))
            write.cancel()
        }
        await write.value
        limit.cancel()
    }
}

/// The last time the API server was out of contact, as the Node's condition tells it afterwards. Pure.
struct Outage {
    /// Shorter ones, such as a restart of the server, are not told.
    static let shortest: Duration = .seconds(5)

    private var longest: Duration?
    private(set) var text = ""

    mutating func look(staleFor: Duration?, now: Timestamp) {
        if let staleFor {
            longest = max(longest ?? .zero, staleFor)
        } else if let ended = longest {
            longest = nil
            guard ended >= Self.shortest else { return }
            text =
                "; served the last known state for \(ended.components.seconds) s until \(now), without the API server"
        }
    }
}
