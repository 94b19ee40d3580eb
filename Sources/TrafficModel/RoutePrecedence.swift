package import KubeModel

/// Which of two tables wins a conflict: the one whose Ingress is older, then the first by namespace and name. Smaller
/// means that it wins.
package struct RoutePrecedence: Comparable, Sendable {
    /// The age of the source, else that of the table.
    package var created: Timestamp?
    package var key: NamespacedName

    package init(_ table: RouteTable) {
        created = table.spec?.sourceCreationTimestamp ?? table.metadata.creationTimestamp
        key = NamespacedName(table.metadata)
    }

    package init(created: Timestamp?, key: NamespacedName) {
        self.created = created
        self.key = key
    }

    package static func < (left: RoutePrecedence, right: RoutePrecedence) -> Bool {
        switch (left.created, right.created) {
        case (let first?, let second?) where first != second: first < second
        case (.some, nil): true
        case (nil, .some): false
        default: left.key < right.key
        }
    }
}
