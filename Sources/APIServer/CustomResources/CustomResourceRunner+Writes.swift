import APIResources
import KubeModel
import Store
import WatchCache

extension CustomResourceRunner {
    /// Writes what was decided into the definition's status.
    func tell(_ name: String, _ uid: String, _ decision: NameDecision, _ now: Timestamp) {
        write(name, .status) { old in
            guard old["metadata"]["uid"].string == uid else { return old }
            var new = old
            new["status"] = DefinitionStatus.settled(old, decision, now: now)
            return new
        }
    }

    // MARK: Deletion

    /// Deletes the objects of a definition that is being deleted; when none is left, the definition may go.
    func clean(_ name: String) {
        guard let entry = entry(name), entry.spec.isTerminating else { return }
        let storage = entry.storage
        let objects = storage?.cache.list(namespace: nil, labels: nil, fields: nil).items ?? []
        guard let storage, !objects.isEmpty else {
            release(name, entry.spec.uid)
            return
        }
        let pending = PendingCount(objects.count) {
            if storage.cache.count == 0 {
                self.loop.run { self.clean(name) }
            } else {
                self.loop.run(afterMilliseconds: Self.pollInterval) { self.clean(name) }
            }
        }
        for object in objects { loop.discard(storage, object) { _ in pending.finishOne() } }
    }

    private func release(_ name: String, _ uid: String) {
        write(name, nil) { old in
            guard old["metadata"]["uid"].string == uid else { return old }
            var new = old
            let left = (old["metadata"]["finalizers"].array ?? []).filter {
                $0.string != CustomResourceDefinitionStrategy.finalizer
            }
            new["metadata"]["finalizers"] = .array(left)
            return new
        }
    }

    /// Removes what a create under way put into the store behind the last look: outright, since nobody is left who could
    /// take a finalizer away.
    func sweep(_ storage: ServedResource) {
        for object in storage.cache.list(namespace: nil, labels: nil, fields: nil).items {
            let key = storage.key(namespace: object.namespace, name: object.name)
            loop.settle(.delete(key: key, ifRevision: object.revision), of: storage)
        }
    }

    private func write(
        _ name: String, _ subresource: Subresource?, _ change: @escaping @Sendable (JSONValue) -> JSONValue
    ) {
        // Whatever comes of it: the next change of the definition finds what is left to do.
        let target = KeeperLoop.Target(resource: definitions, name: name, subresource: subresource)
        loop.write(.amend { $0 = change($0) }, to: target)
    }
}
