/// The key of an object among those of its kind. Cluster-scoped objects have an empty namespace.
///
/// Ordered by namespace, then name, byte by byte.
public struct NamespacedName: Hashable, Comparable, Sendable, CustomStringConvertible {
    public var namespace: String
    public var name: String

    public init(namespace: String, name: String) {
        self.namespace = namespace
        self.name = name
    }

    /// The key of an object; parts that are absent count as empty.
    public init(_ metadata: ObjectMeta) {
        self.init(namespace: metadata.namespace ?? "", name: metadata.name ?? "")
    }

    /// The same in memory of its own, as of a `String`.
    package var detached: NamespacedName { NamespacedName(namespace: namespace.detached, name: name.detached) }

    /// `namespace/name`, or the name alone.
    public var description: String { namespace.isEmpty ? name : "\(namespace)/\(name)" }

    public static func < (left: NamespacedName, right: NamespacedName) -> Bool {
        left.namespace == right.namespace ? left.name < right.name : left.namespace < right.namespace
    }
}
