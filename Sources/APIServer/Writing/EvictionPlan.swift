import APIResources
import KubeModel

/// What an eviction of a Pod comes to: decided from the Pod and the budgets that select it (kube-apiserver's
/// EvictionREST.Create). Budgets are only as good as the status that some controller gives them.
enum EvictionPlan: Equatable {
    /// No budget has a say: the Pod is deleted.
    case delete
    /// A budget pays for it: this is the budget's object with one disruption less, to be stored before the Pod is deleted.
    case spend(JSONValue)
    case refuse(Status)

    private static let violation = "Cannot evict pod as it would violate the pod's disruption budget."

    /// - Parameter budgets: of the Pod's namespace; those that don't select it are passed over.
    init(_ pod: JSONValue, budgets: [JSONValue], now: Timestamp) {
        let phase = pod.text("status", "phase")
        // A Pod that serves nobody, or goes already, disrupts nothing.
        if ["Succeeded", "Failed", "Pending"].contains(phase) || pod.at("metadata", "deletionTimestamp") != nil {
            self = .delete
            return
        }
        let selecting = budgets.filter { budget in
            guard let document = budget["spec"]["selector"], !document.isNull else { return false }
            // A stored selector has passed validation. One that can't be read all the same protects every Pod.
            guard let selector = LabelSelector(document: document) else { return true }
            return (try? LabelSelector.matches(selector, pod["metadata"]["labels"])) ?? true
        }
        guard let budget = selecting.first else {
            self = .delete
            return
        }
        guard selecting.count == 1 else {
            self = .refuse(
                Status(
                    code: 500, reason: nil,
                    message: "This pod has more than one PodDisruptionBudget, which the eviction subresource does not "
                        + "support."))
            return
        }
        let status = budget["status"]
        if !PodSummary.isTrue("Ready", pod["status"]["conditions"].array ?? []) {
            let isHealthy =
                (status["desiredHealthy"].int ?? 0) > 0
                && (status["currentHealthy"].int ?? 0) >= (status["desiredHealthy"].int ?? 0)
            if isHealthy || budget["spec"]["unhealthyPodEvictionPolicy"] == "AlwaysAllow" {
                self = .delete
                return
            }
        }
        self = Self.charge(budget, for: pod.text("metadata", "name"), now: now)
    }

    private static func charge(_ budget: JSONValue, for pod: String, now: Timestamp) -> EvictionPlan {
        let name = budget.text("metadata", "name")
        let status = budget["status"]
        guard (status["observedGeneration"].int ?? 0) >= (budget["metadata"]["generation"].int ?? 0) else {
            return .refuse(
                tooMany("The disruption budget \(name) is still being processed by the server.", retryAfterSeconds: 10))
        }
        let allowed = status["disruptionsAllowed"].int ?? 0
        guard allowed > 0 else {
            return .refuse(
                tooMany(
                    "The disruption budget \(name) needs \(status["desiredHealthy"].int ?? 0) healthy pods and has "
                        + "\(status["currentHealthy"].int ?? 0) currently", retryAfterSeconds: 0))
        }
        var charged = budget
        charged["status"]["disruptionsAllowed"] = .integer(Int64(allowed - 1))
        charged["status"]["disruptedPods"][pod] = .string(now.description)
        return .spend(charged)
    }

    private static func tooMany(_ cause: String, retryAfterSeconds: Int) -> Status {
        var status = Status.tooManyRequests(violation, retryAfterSeconds: retryAfterSeconds)
        status.details = Status.Details(
            causes: [Status.Cause(reason: "DisruptionBudget", message: cause)], retryAfterSeconds: retryAfterSeconds)
        return status
    }
}
