import KubeModel
import Synchronization

/// Which IngressClasses are marked as default, derived from the stored ones like the allocations of Services.
///
/// Of several the newest wins, and of equally old ones the first by name, as Kubernetes' DefaultIngressClass admission
/// decides.
final class DefaultIngressClasses: Sendable {
    struct Entry: Sendable {
        var name: String
        /// RFC 3339 in UTC to the second, so its order as text is its order in time.
        var created: String
        var isDefault: Bool

        init(_ object: JSONValue) {
            name = object.text("metadata", "name")
            created = object.text("metadata", "creationTimestamp")
            isDefault = object.text("metadata", "annotations", DefaultIngressClasses.annotation) == "true"
        }
    }

    /// A write of one class; takes effect when the store has it.
    struct Change: AllocationTransaction {
        let classes: DefaultIngressClasses
        let entry: Entry

        func commit() { classes.put(entry) }
        func rollback() {}
    }

    static let annotation = "ingressclass.kubernetes.io/is-default-class"

    private let entries = Mutex<[String: Entry]>([:])

    /// The class that an Ingress without one gets.
    var current: String? {
        entries.withLock { entries in
            entries.values.min { $0.created == $1.created ? $0.name < $1.name : $0.created > $1.created }?.name
        }
    }

    func put(_ entry: Entry) {
        entries.withLock { $0[entry.name] = entry.isDefault ? entry : nil }
    }

    func remove(_ name: String) {
        entries.withLock { $0[name] = nil }
    }
}
