import KubeModel

/// What an ingress controller says about a RouteTable, in the conditions of the Gateway API's routes: `Accepted` is
/// about the Ingress as it is written, `ResolvedRefs` about the Services and Secrets that it names. Each is `False` when
/// there is something wrong, and says what.
struct RouteTableConditions: Hashable, Sendable {
    private var accepted: [IngressProblem]
    private var references: [IngressProblem]
    /// Told with `Accepted`, which stays `True`.
    private var remarks: [IngressProblem]

    init(_ problems: [IngressProblem]) {
        accepted = problems.filter { $0.concern == .acceptance }
        references = problems.filter { $0.concern == .references }
        remarks = problems.filter { $0.concern == .none }
    }

    /// `conditions` with these two in front; everybody else's stay as they are. The time of a condition is that of the
    /// last change of its status.
    func merged(into conditions: [Condition], generation: Int64?, now: Timestamp) -> [Condition] {
        let ours = [
            condition("Accepted", "Accepted", accepted, remarks: remarks),
            condition("ResolvedRefs", "ResolvedRefs", references, remarks: []),
        ].map { condition in
            var condition = condition
            let old = conditions.first { $0.type == condition.type }
            condition.observedGeneration = generation
            condition.lastTransitionTime = old?.status == condition.status ? old?.lastTransitionTime ?? now : now
            return condition
        }
        return ours + conditions.filter { condition in !ours.contains { $0.type == condition.type } }
    }

    private func condition(
        _ type: String, _ good: String, _ problems: [IngressProblem], remarks: [IngressProblem]
    ) -> Condition {
        Condition(
            type: type, status: problems.isEmpty ? "True" : "False", reason: problems.first?.reason ?? good,
            message: Self.bounded((problems + remarks).map(\.message).joined(separator: "; ")))
    }

    /// A condition's message has room for 32,768 characters.
    private static func bounded(_ text: String) -> String {
        text.utf8.count <= 32_768 ? text : String(text.prefix(8_000)) + "..."
    }
}
