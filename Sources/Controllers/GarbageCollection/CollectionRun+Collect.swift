import KubeClient
import KubeModel
import Logging
import Synchronization

extension CollectionRun {
    /// Steps that one look at an object may take; more mean that it keeps changing, and that it comes back later.
    private static let maxSteps = 12
    /// How often an owner is asked for again that the server has and no watch has shown.
    private static let verificationInterval = Duration.seconds(60)
    /// Dependents that lose their reference at the same time.
    private static let orphansAtATime = 16

    /// Looks at one object and does what is to be done about it, step by step until there is nothing left.
    ///
    /// Every write carries the uid and version that the decision was made on. A lost race is decided anew on what the
    /// server has.
    func collect(_ uid: String) async throws -> ReconcileOutcome {
        var verified: [OwnerReference: VerifiedOwner] = [:]
        for _ in 0..<Self.maxSteps {
            try Task.checkCancellation()
            let (step, node) = state.withLock { state in
                (state.graph.step(for: uid, verified: verified), state.graph.nodes[uid])
            }
            guard let node else { return .settled }
            switch step {
            case .nothing:
                return verified.isEmpty ? .settled : .again(after: Self.verificationInterval)
            case .verify(let owners):
                for owner in owners {
                    switch try await verify(owner, of: node) {
                    case .present(let owner, let answer): verified[owner] = answer
                    case .absent: break
                    case .unknownKind:
                        state.withLock { _ = $0.ofUnknownKinds.insert(uid) }
                        return .settled
                    case .unresolvable: return .settled
                    }
                }
            case .delete(let policy):
                if try await delete(uid, node, policy) { return .settled }
            case .keepOwners(let owners), .unblock(let owners):
                try await patch(uid, node, "ownerReferences", .array(owners.map(\.json)))
            case .keepFinalizers(let finalizers):
                try await patch(uid, node, "finalizers", .array(finalizers.map { .string($0) }))
            case .orphan(let dependents):
                try await orphan(dependents, of: uid)
            }
        }
        return .again(after: .seconds(1))
    }

    private enum Verification {
        case present(OwnerReference, VerifiedOwner)
        case absent
        /// The server has no such kind: nothing is known about the owner, and the object is left alone.
        case unknownKind
        case unresolvable
    }

    /// Asks the server for an owner that is not in the graph.
    private func verify(_ owner: OwnerReference, of node: OwnershipNode) async throws -> Verification {
        guard let definition = monitors.resource(apiVersion: owner.apiVersion, kind: owner.kind) else {
            logger.debug(
                "\(node.summary): its owner is of a kind that is not served: \(owner.apiVersion) \(owner.kind)")
            return .unknownKind
        }
        if node.namespace.isEmpty, definition.namespaced {
            logger.info("\(node.summary): cluster-scoped, its owner \(owner.kind) \(owner.name) is not; left alone")
            return .unresolvable
        }
        let namespace = definition.namespaced ? node.namespace : ""
        do {
            let live: OwnedObject = try APIClient.decode(
                try await client.get(definition, owner.name, namespace: namespace, projection: .metadata))
            if live.metadata.uid == owner.uid {
                let seen = OwnershipNode(live, OwnershipKind(definition))
                return .present(owner, VerifiedOwner(isWaitingForDependents: seen.isWaitingForDependents))
            }
        } catch let status as Status where status.isNotFound {
            // Not this object but the whole resource is missing.
            if (status.details?.name ?? "").isEmpty {
                rereadDiscovery()
                return .unknownKind
            }
        }
        state.withLock { $0.graph.noteAbsence(of: owner, namespace: namespace) }
        return .absent
    }

    /// Returns false when the object changed meanwhile.
    private func delete(_ uid: String, _ node: OwnershipNode, _ policy: PropagationPolicy) async throws -> Bool {
        logger.debug("\(node.summary): deleted, \(policy.rawValue); its owners are gone")
        return try await settleRaces(uid, node) {
            let answer = try await client.delete(
                node.kind.definition, node.name, namespace: node.namespace,
                options: DeleteOptions(
                    uid: uid, resourceVersion: node.resourceVersion, propagationPolicy: policy.rawValue),
                projection: .metadata)
            // Some kinds answer with the object even when it is gone; then the watch tells.
            if answer["kind"]?.string == "Status" { apply { $0.remove(uid) } } else { absorb(answer, node) }
        }
    }

    private func patch(_ uid: String, _ node: OwnershipNode, _ field: String, _ value: JSONValue) async throws {
        var metadata: JSONObject = ["uid": .string(uid), "resourceVersion": .string(node.resourceVersion)]
        metadata[field] = value
        try await settleRaces(uid, node) {
            let answer = try await client.patch(
                node.kind.definition, node.name, namespace: node.namespace, .merge(["metadata": .object(metadata)]),
                projection: .metadata)
            // The last finalizer of an object that is being deleted takes the object with it.
            if field == "finalizers", value.array?.isEmpty == true {
                apply { $0.remove(uid) }
            } else {
                absorb(answer, node)
            }
        }
    }

    /// Takes the reference to an owner from its dependents. Throws when one of them kept it, after all were tried.
    private func orphan(_ dependents: [String], of owner: String) async throws {
        var failure: (any Error)?
        var rest = dependents[...]
        while !rest.isEmpty {
            let batch = rest.prefix(Self.orphansAtATime)
            rest = rest.dropFirst(batch.count)
            let results = await withTaskGroup(of: Result<Void, any Error>.self) { group in
                for dependent in batch {
                    group.addTask {
                        do {
                            return .success(try await self.release(dependent, from: owner))
                        } catch {
                            return .failure(error)
                        }
                    }
                }
                return await group.reduce(into: []) { $0.append($1) }
            }
            for case .failure(let error) in results { failure = error }
        }
        if let failure { throw failure }
    }

    private func release(_ dependent: String, from owner: String) async throws {
        for _ in 0..<Self.maxSteps {
            guard let node = state.withLock({ $0.graph.nodes[dependent] }) else { return }
            let others = node.owners.filter { $0.uid != owner }
            if others.count == node.owners.count { return }
            try await patch(dependent, node, "ownerReferences", .array(others.map(\.json)))
        }
    }

    /// Runs a write; when it lost a race, brings the graph up to date and returns false instead of throwing.
    @discardableResult
    private func settleRaces(
        _ uid: String, _ node: OwnershipNode, _ write: () async throws -> Void
    ) async throws -> Bool {
        do {
            try await write()
            return true
        } catch let status as Status where status.isNotFound {
            apply { $0.remove(uid) }
            return true
        } catch let status as Status where status.isConflict {
            try await refresh(uid, node)
            return false
        }
    }

    private func refresh(_ uid: String, _ node: OwnershipNode) async throws {
        do {
            let live = try await client.get(
                node.kind.definition, node.name, namespace: node.namespace, projection: .metadata)
            if live["metadata"]["uid"]?.string == uid { return absorb(live, node) }
        } catch let status as Status where status.isNotFound {
            // Gone, as below.
        }
        apply { $0.remove(uid) }
    }

    /// Takes over what a request returned; the watch may be behind.
    private func absorb(_ document: JSONValue, _ node: OwnershipNode) {
        // What cannot be read comes again with the watch, which reports it.
        guard let object: OwnedObject = try? APIClient.decode(document), object.metadata.uid != nil else { return }
        apply { $0.observe(object, node.kind) }
    }
}

extension OwnershipNode {
    /// For people: `ConfigMap shop/a`.
    var summary: String { "\(kind.definition.kind) \(NamespacedName(namespace: namespace, name: name))" }
}

extension OwnerReference {
    var json: JSONValue {
        var object: JSONObject = [
            "apiVersion": .string(apiVersion), "kind": .string(kind), "name": .string(name), "uid": .string(uid),
        ]
        if let controller { object["controller"] = .bool(controller) }
        if let blockOwnerDeletion { object["blockOwnerDeletion"] = .bool(blockOwnerDeletion) }
        return .object(object)
    }
}
