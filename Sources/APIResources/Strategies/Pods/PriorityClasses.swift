import KubeModel
import Synchronization

/// The PriorityClasses there are, derived from the stored ones like the allocations of Services: what Pods that name one
/// get (Kubernetes' admission plugin `Priority`, KEP-268).
final class PriorityClasses: Sendable {
    struct Entry: Sendable, Hashable {
        var name: String
        var value: Int64
        var isDefault: Bool
        var preemptionPolicy: String

        init(name: String, value: Int64, isDefault: Bool = false, preemptionPolicy: String = PriorityClasses.preempting)
        {
            self.name = name
            self.value = value
            self.isDefault = isDefault
            self.preemptionPolicy = preemptionPolicy
        }

        init(_ object: JSONValue) {
            let policy = object.text("preemptionPolicy")
            self.init(
                name: object.text("metadata", "name"), value: Int64(object["value"].int ?? 0),
                isDefault: object["globalDefault"] == true,
                preemptionPolicy: policy.isEmpty ? PriorityClasses.preempting : policy)
        }
    }

    /// A write of one class; takes effect when the store has it.
    struct Change: AllocationTransaction {
        let classes: PriorityClasses
        let entry: Entry

        func commit() { classes.put(entry) }
        func rollback() {}
    }

    static let preempting = "PreemptLowerPriority"
    /// The classes that every cluster has, whatever is stored.
    static let system = [
        Entry(name: "system-cluster-critical", value: 2_000_000_000),
        Entry(name: "system-node-critical", value: 2_000_001_000),
    ]

    private let entries = Mutex<[String: Entry]>([:])

    func find(_ name: String) -> Entry? {
        Self.system.first { $0.name == name } ?? entries.withLock { $0[name] }
    }

    /// What Pods without a class get: of several the lowest.
    var fallback: Entry? {
        entries.withLock { entries in
            entries.values.filter(\.isDefault).min { ($0.value, $0.name) < ($1.value, $1.name) }
        }
    }

    func put(_ entry: Entry) {
        entries.withLock { $0[entry.name] = entry }
    }

    func remove(_ name: String) {
        entries.withLock { $0[name] = nil }
    }

    // MARK: Pods

    /// Sets what follows from a new Pod's class. What the Pod says itself stays, and is judged by `check`.
    func resolve(_ pod: inout JSONValue) {
        guard let spec = pod["spec"], spec.object != nil else { return }
        let name = spec.text("priorityClassName")
        let found: Entry
        if name.isEmpty {
            found = fallback ?? Entry(name: "", value: 0)
            if !found.name.isEmpty { pod["spec"]["priorityClassName"] = .string(found.name) }
        } else {
            guard let named = find(name) else { return }
            found = named
        }
        pod["spec"]?.setDefault("priority", .integer(found.value))
        pod["spec"]?.setDefault("preemptionPolicy", .string(found.preemptionPolicy))
    }

    /// - Throws: 403 for a new Pod whose class does not exist, or which says something else than its class.
    func check(_ pod: JSONValue) throws(Status) {
        let spec = pod["spec"]
        let name = spec?.text("priorityClassName") ?? ""
        guard let found = name.isEmpty ? Entry(name: "", value: 0) : find(name) else {
            throw refused(pod, "no PriorityClass with name \(name) was found")
        }
        let end = "must not be provided in pod spec; priority admission controller computed"
        if let priority = spec["priority"].int, priority != Int(found.value) {
            throw refused(
                pod,
                "the integer value of priority (\(priority)) \(end) \(found.value) from the given PriorityClass name")
        }
        let policy = spec?.text("preemptionPolicy") ?? ""
        if !policy.isEmpty, policy != found.preemptionPolicy {
            throw refused(
                pod,
                "the string value of PreemptionPolicy (\(policy)) \(end) \(found.preemptionPolicy) from the given "
                    + "PriorityClass name")
        }
    }

    private func refused(_ pod: JSONValue, _ reason: String) -> Status {
        .forbidden(GroupResource(group: "", resource: "pods"), pod.text("metadata", "name"), reason)
    }
}
