import KubeModel

/// What a HealthCheck says of itself, over all its Services. Pure.
struct HealthFindings: Sendable {
    /// What is found of one Service that a check names.
    enum Finding: Hashable, Sendable {
        case missing
        /// Nobody's to check: the API server looks after its own endpoints.
        case reserved
        /// An older check has it.
        case taken(by: String)
        case checked(HealthVerdict)
    }

    private static let namesSaid = 10
    var findings: [(service: String, finding: Finding)]

    /// - Parameter old: what stands there, for the times of conditions that stay as they are.
    func status(replacing old: HealthCheckStatus?, generation: Int64?, now: Timestamp) -> HealthCheckStatus {
        let verdicts = findings.compactMap { service, finding -> (service: String, verdict: HealthVerdict)? in
            guard case .checked(let verdict) = finding else { return nil }
            return (service, verdict)
        }
        let others = (old?.conditions ?? []).filter { $0.type != "Accepted" && $0.type != "Healthy" }
        let ours = [accepted, healthy(verdicts)].map { condition in
            var condition = condition
            let before = old?.conditions?.first { $0.type == condition.type }
            condition.observedGeneration = generation
            condition.lastTransitionTime =
                before?.status == condition.status ? before?.lastTransitionTime ?? now : now
            return condition
        }
        return HealthCheckStatus(
            endpoints: verdicts.reduce(0) { $0 + $1.verdict.checked.count },
            failing: verdicts.reduce(0) { $0 + $1.verdict.failing.count }, conditions: ours + others)
    }

    private var accepted: Condition {
        var reasons: [String] = []
        var complaints: [String] = []
        for (service, finding) in findings {
            switch finding {
            case .missing:
                reasons.append("TargetNotFound")
                complaints.append("there is no Service \(service)")
            case .reserved:
                reasons.append("TargetReserved")
                complaints.append("Service \(service) is the API server's own")
            case .taken(let check):
                reasons.append("Conflicted")
                complaints.append("Service \(service) has the older check \(check)")
            case .checked: break
            }
        }
        return Condition(
            type: "Accepted", status: complaints.isEmpty ? "True" : "False", reason: reasons.first ?? "Accepted",
            message: complaints.joined(separator: "; "))
    }

    private func healthy(_ verdicts: [(service: String, verdict: HealthVerdict)]) -> Condition {
        let failing = verdicts.flatMap { $0.verdict.failing.map(Self.name) }.sorted()
        let unchecked = verdicts.flatMap { $0.verdict.unchecked }.sorted()
        var parts: [String] = []
        if !failing.isEmpty { parts.append("failing: \(Self.some(failing))") }
        let allFailed = verdicts.filter { $0.verdict.isAllFailed }.map(\.service)
        if !allFailed.isEmpty { parts.append("every endpoint fails of \(allFailed.joined(separator: ", "))") }
        if !unchecked.isEmpty {
            parts.append("not checked, for want of the port, of an address to ask or of room: \(Self.some(unchecked))")
        }
        let (status, reason) =
            if !allFailed.isEmpty {
                ("False", "AllEndpointsFailing")
            } else if !failing.isEmpty {
                ("False", "EndpointsFailing")
            } else if !unchecked.isEmpty {
                ("Unknown", "EndpointsNotChecked")
            } else if verdicts.allSatisfy(\.verdict.checked.isEmpty) {
                ("Unknown", "NothingToCheck")
            } else {
                ("True", "NoEndpointFails")
            }
        return Condition(type: "Healthy", status: status, reason: reason, message: parts.joined(separator: "; "))
    }

    /// As `10.0.0.1:80` or `[fd00::1]:80`.
    private static func name(_ target: ProbeTarget) -> String {
        target.host.contains(":") ? "[\(target.host)]:\(target.port)" : "\(target.host):\(target.port)"
    }

    private static func some(_ names: [String]) -> String {
        let rest = names.count - namesSaid
        return names.prefix(namesSaid).joined(separator: ", ") + (rest > 0 ? " and \(rest) more" : "")
    }
}
