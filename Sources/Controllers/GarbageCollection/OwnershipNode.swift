import KubeModel

/// A kind that the collector follows; shared by the nodes of its objects.
final class OwnershipKind: Sendable {
    let definition: ResourceDefinition

    init(_ definition: ResourceDefinition) { self.definition = definition }
}

/// An object in the graph of owners and dependents, as last seen.
struct OwnershipNode: Sendable {
    let kind: OwnershipKind
    /// Empty for a cluster-scoped object.
    let namespace: String
    let name: String
    let resourceVersion: String
    let owners: [OwnerReference]
    let finalizers: [String]
    let isDeleting: Bool

    /// Holds an object that is being deleted until its dependents are orphaned.
    static let orphanFinalizer = "orphan"
    /// Holds an object that is being deleted until the dependents that block its deletion are gone.
    static let foregroundFinalizer = "foregroundDeletion"

    init(_ object: OwnedObject, _ kind: OwnershipKind) {
        self.kind = kind
        namespace = object.metadata.namespace ?? ""
        name = object.metadata.name ?? ""
        resourceVersion = object.metadata.resourceVersion ?? ""
        owners = object.metadata.ownerReferences ?? []
        finalizers = object.metadata.finalizers ?? []
        isDeleting = object.metadata.deletionTimestamp != nil
    }

    /// Whether it waits for its dependents to be orphaned.
    var isOrphaning: Bool { isDeleting && finalizers.contains(Self.orphanFinalizer) }
    /// Whether it is deleted in the foreground: it waits for its dependents to go first.
    var isWaitingForDependents: Bool { isDeleting && finalizers.contains(Self.foregroundFinalizer) }

    /// Whether a reference that carries this object's uid also names it; the version does not matter.
    func isNamed(by reference: OwnerReference) -> Bool {
        reference.name == name && reference.kind == kind.definition.kind
            && GroupVersion(reference.apiVersion)?.group == kind.definition.group
    }

    /// Whether an object of a namespace may have this one as owner: owners are cluster-scoped or in its own namespace.
    func canOwn(objectsIn namespace: String) -> Bool { self.namespace.isEmpty || self.namespace == namespace }

    func blocksDeletion(of owner: String) -> Bool {
        owners.contains { $0.uid == owner && $0.blockOwnerDeletion == true }
    }

    /// Numbers since KEP-5504; a server of another mind gives texts that cannot be compared, and every change counts.
    func isOlder(than other: OwnershipNode) -> Bool {
        guard let own = Int64(resourceVersion), let newer = Int64(other.resourceVersion) else { return false }
        return own < newer
    }
}
