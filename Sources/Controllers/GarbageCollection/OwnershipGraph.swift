import KubeModel

/// Who owns whom, by uid, across all kinds. A value without clock, lock or network: changes go in, and out come the
/// objects that need another look; `step(for:)` then says what is to be done about one.
///
/// The graph need not be complete or of one moment. An owner that it does not know is never taken for absent before
/// the server said so.
struct OwnershipGraph: Sendable {
    /// What a change leads to.
    struct Effects: Sendable {
        /// The uids of objects to look at; may repeat.
        var work: [String] = []
        var invalidOwners: [InvalidOwner] = []

        mutating func merge(_ other: Effects) {
            work += other.work
            invalidOwners += other.invalidOwners
        }
    }

    /// An object names an owner that is in another namespace.
    struct InvalidOwner: Sendable, Hashable {
        var dependent: ObjectReference
        var owner: OwnerReference
    }

    /// Where a reference points to.
    struct Coordinates: Hashable, Sendable {
        var group: String
        var kind: String
        var namespace: String
        var name: String

        init(_ reference: OwnerReference, namespace: String) {
            group = GroupVersion(reference.apiVersion)?.group ?? reference.apiVersion
            kind = reference.kind
            name = reference.name
            self.namespace = namespace
        }
    }

    /// What is known about an owner that is not there.
    struct Absence: Sendable {
        /// It was seen and its deletion too: the namespace in which it was.
        var goneFrom: String?
        /// The server was asked: there is no object of the uid at these places.
        var missingAt: Set<Coordinates> = []
    }

    private(set) var nodes: [String: OwnershipNode] = [:]
    /// Owner → dependents. Also for owners that are not there.
    private var dependents: [String: Set<String>] = [:]
    /// Forgotten with the last dependent.
    private var absences: [String: Absence] = [:]

    func dependents(of uid: String) -> Set<String> { dependents[uid] ?? [] }

    func absence(of uid: String) -> Absence? { absences[uid] }

    /// Takes over an object's state.
    ///
    /// - Parameter isListed: whether it comes from a list, whose word counts even if something newer was known: the
    ///   server may have begun anew.
    mutating func observe(_ object: OwnedObject, _ kind: OwnershipKind, isListed: Bool = false) -> Effects {
        guard let uid = object.metadata.uid else { return Effects() }
        let node = OwnershipNode(object, kind)
        let old = nodes[uid]
        if let old {
            if old.resourceVersion == node.resourceVersion, old.kind === kind { return Effects() }
            if !isListed, node.isOlder(than: old) { return Effects() }
        }
        nodes[uid] = node
        var effects = Effects()
        if old == nil {
            absences[uid] = nil
            meetDependents(of: uid, node, &effects)
        }
        if old?.owners != node.owners {
            var former = Set((old?.owners ?? []).map(\.uid))
            for owner in node.owners {
                let isNew = former.remove(owner.uid) == nil
                dependents[owner.uid, default: []].insert(uid)
                if isNew, let known = nodes[owner.uid], !known.canOwn(objectsIn: node.namespace) {
                    effects.invalidOwners.append(InvalidOwner(dependent: node.reference(uid), owner: owner))
                }
                // It may have blocked the deletion of its owner and does so no more.
                if !isNew, nodes[owner.uid]?.isWaitingForDependents == true { effects.work.append(owner.uid) }
            }
            for owner in former { removeDependent(uid, of: owner, &effects) }
            if !node.owners.isEmpty { effects.work.append(uid) }
        }
        noticeDeletion(uid, node, old, &effects)
        return effects
    }

    /// An object is gone.
    mutating func remove(_ uid: String) -> Effects {
        var effects = Effects()
        guard let node = nodes.removeValue(forKey: uid) else { return effects }
        for owner in Set(node.owners.map(\.uid)) { removeDependent(uid, of: owner, &effects) }
        if let orphans = dependents[uid] {
            absences[uid, default: Absence()].goneFrom = node.namespace
            effects.work += orphans
        }
        return effects
    }

    /// The same for an object of which only the name is known.
    mutating func remove(_ name: NamespacedName, _ kind: OwnershipKind) -> Effects {
        let found = nodes.first {
            $0.value.name == name.name && $0.value.namespace == name.namespace && $0.value.kind === kind
        }
        return found.map { remove($0.key) } ?? Effects()
    }

    /// These are all objects of a kind: the others are gone.
    mutating func replace(_ kind: OwnershipKind, with objects: [OwnedObject]) -> Effects {
        var effects = Effects()
        var gone: Set<String> = []
        for (uid, node) in nodes where node.kind === kind { gone.insert(uid) }
        for object in objects {
            if let uid = object.metadata.uid { gone.remove(uid) }
            effects.merge(observe(object, kind, isListed: true))
        }
        for uid in gone { effects.merge(remove(uid)) }
        return effects
    }

    /// A kind is followed no more. That says nothing about its objects: nobody is taken for absent because of it.
    mutating func forget(_ kind: OwnershipKind) -> Effects {
        var effects = Effects()
        for (uid, node) in nodes where node.kind === kind {
            nodes[uid] = nil
            for owner in Set(node.owners.map(\.uid)) { removeDependent(uid, of: owner, &effects) }
        }
        return effects
    }

    /// The server said that no object of the reference's uid is where a reference from `namespace` points to.
    ///
    /// - Parameter namespace: of the dependent; empty when the owner's kind is cluster-scoped.
    mutating func noteAbsence(of owner: OwnerReference, namespace: String) {
        guard dependents[owner.uid] != nil else { return }
        absences[owner.uid, default: Absence()].missingAt.insert(Coordinates(owner, namespace: namespace))
    }

    /// An owner shows up after its dependents: those that cannot mean it are looked at again.
    private func meetDependents(of uid: String, _ node: OwnershipNode, _ effects: inout Effects) {
        for dependent in dependents[uid] ?? [] {
            guard let other = nodes[dependent] else { continue }
            for reference in other.owners where reference.uid == uid {
                if !node.canOwn(objectsIn: other.namespace) {
                    effects.invalidOwners.append(InvalidOwner(dependent: other.reference(dependent), owner: reference))
                    effects.work.append(dependent)
                } else if !node.isNamed(by: reference) {
                    effects.work.append(dependent)
                }
            }
        }
    }

    private func noticeDeletion(
        _ uid: String, _ node: OwnershipNode, _ old: OwnershipNode?, _ effects: inout Effects
    ) {
        guard node.isDeleting else { return }
        if node.isOrphaning { effects.work.append(uid) }
        if node.isWaitingForDependents {
            effects.work.append(uid)
            if old?.isWaitingForDependents != true { effects.work += dependents[uid] ?? [] }
        }
    }

    private mutating func removeDependent(_ uid: String, of owner: String, _ effects: inout Effects) {
        dependents[owner]?.remove(uid)
        if dependents[owner]?.isEmpty == true {
            dependents[owner] = nil
            absences[owner] = nil
        }
        if nodes[owner]?.isWaitingForDependents == true { effects.work.append(owner) }
    }
}

extension OwnershipNode {
    /// For an Event about it.
    func reference(_ uid: String) -> ObjectReference {
        ObjectReference(
            kind: kind.definition.kind, namespace: namespace.isEmpty ? nil : namespace, name: name, uid: uid,
            apiVersion: kind.definition.apiVersion)
    }
}
