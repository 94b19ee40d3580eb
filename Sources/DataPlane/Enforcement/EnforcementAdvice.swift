import NetworkTypes

/// What people are told about addresses that are not served: plain words, and the command that changes it.
package enum EnforcementAdvice {
    /// For a status line: short, and the same as long as nothing changed. Nil when everything is served.
    package static func summary(_ ledger: EnforcementLedger) -> String? {
        let alarming = ledger.alarming
        // These have one cause and one mend: they are only counted.
        let refused = alarming.filter { $0.problem.reason == .notPermitted }.map(\.problem.key.address.port)
        let others = alarming.filter { $0.problem.reason != .notPermitted }
        var parts = others.prefix(3).map { "\($0.problem.key) (\(words($0.problem)))" }
        if others.count > 3 { parts.append("\(others.count - 3) more") }
        if let lowest = refused.min() {
            let addresses = "\(refused.count) address\(refused.count == 1 ? "" : "es")"
            parts.append("\(addresses) for want of permission (to allow it: \(command(opening: lowest)))")
        }
        return parts.isEmpty ? nil : "NOT served: \(parts.joined(separator: ", "))"
    }

    /// What lets an ordinary user open ports from `port` on, until the next boot.
    private static func command(opening port: Port) -> String {
        "sudo sysctl net.ipv4.ip_unprivileged_port_start=\(port)"
    }

    /// One sentence for the log, with the command that lets ports be opened, said once for as long as it is true; nil when
    /// nothing fails for want of permission.
    package static func permission(_ ledger: EnforcementLedger) -> String? {
        let refused = ledger.alarming.filter { $0.problem.reason == .notPermitted }.map(\.problem.key.address.port)
        guard let lowest = refused.min() else { return nil }
        let ports = Set(refused).sorted().prefix(4).map(\.description).joined(separator: ", ")
        return "Linux lets an ordinary user open ports from 1024 on only, so port \(ports) of some Services "
            + "is not served. To allow it until the next boot: \(command(opening: lowest))"
    }

    /// Why one address is not served, in a few words.
    package static func words(_ problem: EnforcementProblem) -> String {
        switch problem.reason {
        case .conflict(let winner): "Service \(winner) has it"
        case .reserved: "the API server has it"
        case .addressInUse: "another listener has it"
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
            + (problem.saysItAll ? "" : " (\(problem.message))")
            + (problem.reason == .notPermitted
                ? ". To allow it until the next boot: \(command(opening: problem.key.address.port))" : "")
    }
}

extension EnforcementProblem {
    /// Whether its message adds nothing to the words for its reason.
    fileprivate var saysItAll: Bool { reason == .unsupported || reason == .failed || reason == .reserved }
}
