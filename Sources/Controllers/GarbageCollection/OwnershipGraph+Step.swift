import KubeModel

/// What is to be done about one object.
enum OwnershipStep: Sendable, Hashable {
    case nothing
    /// These owners are not in the graph: the server has to say whether they are there.
    case verify([OwnerReference])
    /// Its owners are gone or wait for it.
    case delete(PropagationPolicy)
    /// Owners are left besides those that are gone or wait for it: only these references stay.
    case keepOwners([OwnerReference])
    /// It is part of a circle of objects that wait for each other: it stops blocking its owners, then it is deleted in
    /// the foreground.
    case unblock([OwnerReference])
    /// These objects are to lose their reference to it.
    case orphan([String])
    /// What it waited for is done: only these finalizers stay.
    case keepFinalizers([String])
}

/// What happens to the dependents of an object that is deleted (API reference, `DeleteOptions.propagationPolicy`).
enum PropagationPolicy: String, Sendable {
    case background = "Background"
    case foreground = "Foreground"
    case orphan = "Orphan"
}

/// An owner that the server said is there, although the graph does not know it at its place.
struct VerifiedOwner: Sendable, Hashable {
    var isWaitingForDependents: Bool
}

extension OwnershipGraph {
    /// Decides about the object of a uid as the garbage collector controller of Kubernetes does.
    ///
    /// - Parameter verified: what the server answered about references that `verify` asked for and that are not absent.
    func step(for uid: String, verified: [OwnerReference: VerifiedOwner] = [:]) -> OwnershipStep {
        guard let node = nodes[uid] else { return .nothing }
        if node.isOrphaning {
            let waiting = dependents(of: uid)
            return waiting.isEmpty ? node.finished(OwnershipNode.orphanFinalizer) : .orphan(waiting.sorted())
        }
        if node.isWaitingForDependents {
            let isBlocked = dependents(of: uid).contains { nodes[$0]?.blocksDeletion(of: uid) == true }
            return isBlocked ? .nothing : node.finished(OwnershipNode.foregroundFinalizer)
        }
        guard !node.isDeleting, !node.owners.isEmpty else { return .nothing }
        return judge(uid, node, verified)
    }

    private enum Verdict {
        case solid, dangling, waiting, unknown
        /// A namespaced owner of a cluster-scoped object: nobody can say where it is, so nothing is ever done.
        case unresolvable
    }

    private func judge(
        _ uid: String, _ node: OwnershipNode, _ verified: [OwnerReference: VerifiedOwner]
    ) -> OwnershipStep {
        var solid: [OwnerReference] = []
        var unknown: [OwnerReference] = []
        var isAwaited = false
        for owner in node.owners {
            switch verdict(owner, of: node, verified[owner]) {
            case .solid: solid.append(owner)
            case .dangling: break
            case .waiting: isAwaited = true
            case .unknown: unknown.append(owner)
            case .unresolvable: return .nothing
            }
        }
        if !unknown.isEmpty { return .verify(unknown) }
        if !solid.isEmpty { return solid.count == node.owners.count ? .nothing : .keepOwners(solid) }
        if isAwaited, !dependents(of: uid).isEmpty {
            let isCircle = dependents(of: uid).contains { nodes[$0]?.isWaitingForDependents == true }
            guard isCircle, node.owners.contains(where: { $0.blockOwnerDeletion == true }) else {
                return .delete(.foreground)
            }
            return .unblock(
                node.owners.map { owner in
                    var owner = owner
                    owner.blockOwnerDeletion = false
                    return owner
                })
        }
        // Somebody may have put the finalizer there before the deletion.
        if node.finalizers.contains(OwnershipNode.orphanFinalizer) { return .delete(.orphan) }
        if node.finalizers.contains(OwnershipNode.foregroundFinalizer) { return .delete(.foreground) }
        return .delete(.background)
    }

    private func verdict(_ owner: OwnerReference, of node: OwnershipNode, _ verified: VerifiedOwner?) -> Verdict {
        if let known = nodes[owner.uid] {
            if known.isNamed(by: owner), known.canOwn(objectsIn: node.namespace) {
                return known.isWaitingForDependents ? .waiting : .solid
            }
            if node.namespace.isEmpty, !known.namespace.isEmpty { return .unresolvable }
        }
        if let absence = absence(of: owner.uid) {
            if let namespace = absence.goneFrom {
                return node.namespace.isEmpty && !namespace.isEmpty ? .unresolvable : .dangling
            }
            if absence.missingAt.contains(Coordinates(owner, namespace: node.namespace))
                || absence.missingAt.contains(Coordinates(owner, namespace: ""))
            {
                return .dangling
            }
        }
        guard let verified else { return .unknown }
        return verified.isWaitingForDependents ? .waiting : .solid
    }
}

extension OwnershipNode {
    fileprivate func finished(_ finalizer: String) -> OwnershipStep {
        .keepFinalizers(finalizers.filter { $0 != finalizer })
    }
}
