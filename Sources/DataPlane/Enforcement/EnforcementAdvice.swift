import NetworkTypes

/// What people are told about addresses that are not served: plain words, and the command that changes it.
package enum EnforcementAdvice {
    /// For a status line: short, and the same as long as nothing changed. Nil when everything is served.
    package static func summary(_ ledger: EnforcementLedger) -> String? {
        let alarming = ledger.alarming
        // What `permission` explains is only counted here: the line is shown again at every change.
        let refused = alarming.filter { $0.problem.reason == .notPermitted }.count
        let others = alarming.filter { $0.problem.reason != .notPermitted }
        var parts = others.prefix(3).map { "\($0.problem.key) (\(words($0.problem)))" }
        if others.count > 3 { parts.append("\(others.count - 3) more") }
        if refused > 0 { parts.append("\(refused) address\(refused == 1 ? "" : "es") for want of permission") }
        return parts.isEmpty ? nil : "NOT served: \(parts.joined(separator: ", "))"
    }

    /// One sentence with the command that lets ports be opened, said once for as long as it is true; nil when nothing
    /// fails for want of permission.
    package static func permission(_ ledger: EnforcementLedger) -> String? {
        let refused = ledger.alarming.filter { $0.problem.reason == .notPermitted }.map(\.problem.key.address.port)
        guard let lowest = refused.min() else { return nil }
        let ports = Set(refused).sorted().prefix(4).map(\.description).joined(separator: ", ")
        return "Linux lets an ordinary user open ports from 1024 on only, so port \(ports) of some Services "
            + "is not served. To allow it until the next boot: sudo sysctl net.ipv4.ip_unprivileged_port_start=\(lowest)"
    }

    /// Why one address is not served, in a few words.
    package static func words(_ problem: EnforcementProblem) -> String {
        switch problem.reason {
        case .conflict(let winner): "Service \(winner) has it"
        case .addressInUse: "another program has it"
        case .notPermitted: "not permitted to this user"
        case .notThisMachine: "not an address of this machine"
        case .unsupported: problem.message
        case .failed: problem.message
        }
    }

    /// The message of an Event about a Service.
    package static func message(_ problem: EnforcementProblem, node: String) -> String {
        if case .conflict(let winner) = problem.reason {
            return "\(problem.key) is served for Service \(winner); this Service gets it when it is free"
        }
        return "Node \(node) cannot serve the \(problem.role.rawValue) \(problem.key): \(words(problem))"
            + (problem.reason == .unsupported || problem.reason == .failed ? "" : " (\(problem.message))")
    }
}
