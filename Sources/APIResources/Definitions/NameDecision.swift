import KubeModel

/// Which of the names that a CustomResourceDefinition asks for it gets (kube-apiserver's naming controller): a name that
/// another resource of the group has stays with that one, until it lets go.
package struct NameDecision: Sendable, Hashable {
    /// The reason and message of `NamesAccepted=False`.
    package struct Conflict: Sendable, Hashable {
        package var reason: String
        package var message: String
    }

    /// What the resource is found by from now on.
    package var accepted: CustomResourceNames
    /// The last name that was refused.
    package var conflict: Conflict?
    /// Whether the resource is the server's own (``ProvidedDefinitions``).
    package var isProvided = false

    /// The definition of a resource that the server has itself: it gets what it asks for, and nothing comes of it.
    package init(provided requested: CustomResourceNames) {
        accepted = requested
        isProvided = true
    }

    /// - Parameters:
    ///   - requested: what the definition asks for.
    ///   - current: what it has.
    ///   - others: what the other resources of the group have.
    package init(requested: CustomResourceNames, current: CustomResourceNames, others: [CustomResourceNames]) {
        let resources = Set(others.flatMap(\.resources))
        let kinds = Set(others.flatMap(\.kinds))
        accepted = current
        take(requested.plural, current.plural, resources, "Plural") { $0.plural = requested.plural }
        take(requested.singular, current.singular, resources, "Singular") { $0.singular = requested.singular }
        let taken = requested.shortNames.filter { !current.shortNames.contains($0) && resources.contains($0) }
        if taken.isEmpty {
            accepted.shortNames = requested.shortNames
        } else {
            let messages = taken.map { "\(goQuoted($0)) is already in use" }
            let message = messages.count == 1 ? messages[0] : "[\(messages.joined(separator: ", "))]"
            conflict = Conflict(reason: "ShortNamesConflict", message: message)
        }
        take(requested.kind, current.kind, kinds, "Kind") { $0.kind = requested.kind }
        take(requested.listKind, current.listKind, kinds, "ListKind") { $0.listKind = requested.listKind }
        accepted.categories = requested.categories
    }

    private mutating func take(
        _ requested: String, _ current: String, _ used: Set<String>, _ name: String,
        _ accept: (inout CustomResourceNames) -> Void
    ) {
        if requested != current, used.contains(requested) {
            conflict = Conflict(reason: "\(name)Conflict", message: "\(goQuoted(requested)) is already in use")
        } else {
            accept(&accepted)
        }
    }
}
