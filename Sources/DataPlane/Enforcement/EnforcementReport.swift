package import KubeModel

/// What became of a batch.
package struct EnforcementReport: Sendable, Hashable {
    /// What could not be done, by Service. Names every Service of the batch that still exists, with an empty list where
    /// all of it is in effect, and every other one whose standing the batch changed (it got an address that became
    /// free). What it says of a Service replaces what earlier reports said.
    package var problems: [NamespacedName: [EnforcementProblem]]
    /// Addresses in effect by now, of all Services.
    package var servedCount: Int
    /// Why nothing of the batch is in effect; nil where anything is.
    package var failure: String?

    package init(
        problems: [NamespacedName: [EnforcementProblem]] = [:], servedCount: Int = 0, failure: String? = nil
    ) {
        self.problems = problems
        self.servedCount = servedCount
        self.failure = failure
    }
}

/// Something that a Service asks for and does not get on this node.
package struct EnforcementProblem: Sendable, Hashable {
    package enum Reason: Sendable, Hashable {
        /// Another Service has the address.
        case conflict(winner: NamespacedName)
        /// An API server of this node has it.
        case reserved
        /// Another program has it.
        case addressInUse
        /// The process may not have it: ports below `net.ipv4.ip_unprivileged_port_start`, rules without CAP_NET_ADMIN.
        case notPermitted
        /// It is not an address of this machine.
        case notThisMachine
        /// This enforcer cannot serve such traffic at all; trying again is useless.
        case unsupported
        case failed
    }

    package var key: FrontendKey
    package var role: Frontend.Role
    package var reason: Reason
    /// For people: what the system said.
    package var message: String

    package init(key: FrontendKey, role: Frontend.Role, reason: Reason, message: String) {
        self.key = key
        self.role = role
        self.reason = reason
        self.message = message
    }

    /// Whether it may go away without a change of the Service. A conflict is settled by a change of the winner, and what is
    /// reserved by a change of the node: the enforcer sees both by itself.
    package var isWorthRepeating: Bool {
        switch reason {
        case .addressInUse, .notPermitted, .notThisMachine, .failed: true
        case .conflict, .reserved, .unsupported: false
        }
    }
}

/// What was in effect and no longer is.
package enum EnforcementLoss: Sendable, Hashable {
    case services(Set<NamespacedName>)
    case everything
}
