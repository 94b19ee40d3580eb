import KubeModel
import Systemd

/// What a Pod's condition says of its unit. Pure.
struct UnitVerdict: Hashable {
    enum Standing: String {
        case active = "True"
        case notActive = "False"
        /// Which is not active either, for whoever waits for `True`.
        case unknown = "Unknown"
    }

    var standing: Standing
    var reason: String
    var message: String
    /// Since when it is active.
    var since: Timestamp?

    /// - Parameter node: where the unit is looked for.
    init(_ sight: UnitSight, unit: String, node: String) {
        switch sight {
        case .known(let state): self.init(state, unit: unit, node: node)
        case .unknown(let reason):
            self.init(.unknown, "SystemdUnreachable", PodUnit.message(unit, "on node \(node) is not known: \(reason)"))
        }
    }

    /// A Pod whose annotation names no unit that could be followed.
    init(invalid text: String) {
        let shown = text.count > 64 ? text.prefix(64) + "…" : text[...]
        self.init(
            .notActive, "InvalidUnit",
            "annotation \(PodUnit.annotation): \"\(shown)\" is not the name of a unit such as shop.service or shop@1.service "
                + "(a service, socket, scope or target)")
    }

    /// A Pod beyond those whose units a node follows.
    init(beyond limit: Int, unit: String, node: String) {
        self.init(
            .unknown, "TooManyUnits",
            PodUnit.message(unit, "is not followed: node \(node) follows \(limit) units already"))
    }

    private init(_ standing: Standing, _ reason: String, _ message: String) {
        self.standing = standing
        self.reason = reason
        self.message = message
    }

    private init(_ state: UnitState, unit: String, node: String) {
        func say(_ standing: Standing, _ reason: String, _ words: String) -> UnitVerdict {
            UnitVerdict(standing, reason, PodUnit.message(unit, "on node \(node) \(words)"))
        }
        let detail = state.subState.isEmpty || state.subState == state.activeState ? "" : " (\(state.subState))"
        let ending = ["", "success"].contains(state.result) ? "" : ": \(state.result)"
        switch state.activeState {
        // What runs, runs, whatever became of its file. Later versions also refresh.
        case "active", "reloading", "refreshing":
            self = say(
                .active, state.activeState == "active" ? "Active" : "Reloading", "is \(state.activeState)\(detail)")
            since = Timestamp(secondsSinceEpoch: Int64(clamping: state.activeSince / 1_000_000))
        case "activating": self = say(.notActive, "Activating", "is activating\(detail)\(ending)")
        case "deactivating": self = say(.notActive, "Deactivating", "is deactivating\(detail)")
        case "failed": self = say(.notActive, "Failed", "has failed\(ending)")
        case "maintenance": self = say(.notActive, "Maintenance", "is in maintenance")
        case "inactive":
            switch state.loadState {
            case "loaded", "merged", "stub": self = say(.notActive, "Inactive", "is not active\(detail)")
            case "not-found": self = say(.notActive, "UnitNotFound", "does not exist")
            case "masked": self = say(.notActive, "Masked", "is masked: systemctl unmask \(unit)")
            case let other:
                self = say(.notActive, "NotLoaded", "could not be loaded (\(other)): systemctl status \(unit)")
            }
        case let other: self = say(.unknown, "UnknownState", "is in a state that is not known: \(other)")
        }
    }

    /// Whether it is news for people that cannot be mended by waiting.
    var isWarning: Bool { standing != .active && !["Activating", "Deactivating", "Inactive"].contains(reason) }

    /// What the condition of a Pod should be; nil where it is so already.
    ///
    /// Its transition time is when the unit became active: a unit that was started again is another one, also when nobody saw
    /// it stand still.
    func condition(after present: PodCondition?, now: Timestamp) -> PodCondition? {
        var condition = PodCondition(type: PodUnit.condition, status: standing.rawValue)
        condition.reason = reason
        condition.message = message
        let hasChanged = present?.status != condition.status
        condition.lastTransitionTime = since ?? (hasChanged ? now : present?.lastTransitionTime ?? now)
        let isSame =
            !hasChanged && present?.reason == reason && present?.message == message
            && present?.lastTransitionTime == condition.lastTransitionTime
        return isSame ? nil : condition
    }

    /// Whether a Pod's unit is active as it was before, but started again.
    func isRestart(after present: PodCondition?, of unit: String) -> Bool {
        guard let present, present.status == "True", standing == .active else { return false }
        return PodUnit.speaks(present, of: unit) && present.lastTransitionTime != since
    }
}
