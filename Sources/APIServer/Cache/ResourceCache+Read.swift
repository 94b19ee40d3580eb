import KubeModel
import Store
import Synchronization

extension ResourceCache {
    /// The object now. `namespace` is ignored for a cluster-scoped kind.
    func get(namespace: String, name: String) -> CachedObject? {
        let key = configuration.definition.namespaced ? "\(namespace)/\(name)" : name
        return state.withLock { $0.index[key] }
    }

    /// All that match now, in the order of their keys, with the revision they show: no later change is in `items`, every
    /// change up to it is.
    func list(
        namespace: String?, labels: Selector?, fields: FieldSelector?
    ) -> (items: [CachedObject], revision: Revision) {
        let (index, revision) = snapshot()
        let filter = filter(labels, fields)
        var items: [CachedObject] = []
        select(index, namespace, filter, after: nil) { object in
            items.append(object)
            return true
        }
        return (items, revision)
    }

    struct Page: Sendable {
        let items: [CachedObject]
        let revision: Revision
        /// Whether objects that match follow the last item.
        let hasMore: Bool
        /// How many follow; `nil` when selectors make that costly to know, as in Kubernetes.
        let remaining: Int?
    }

    /// A stretch of the list as it was at `revision` (`nil`: now), behind the key `after` (`CachedObject.relativeKey`).
    ///
    /// A recent moment is made from memory by taking back the window's changes; an older one is read from the store, on
    /// disk.
    /// - Throws: `compacted` for a moment whose history is gone, `future`, `io`.
    func listPage(
        namespace: String?, labels: Selector?, fields: FieldSelector?, at revision: Revision?, after: String?,
        limit: Int?
    ) throws(StoreError) -> Page {
        let filter = filter(labels, fields)
        guard let revision else {
            let (index, current) = snapshot()
            return page(of: index, current, namespace, filter, after: after, limit: limit)
        }
        if let index = try index(at: revision) {
            return page(of: index, revision, namespace, filter, after: after, limit: limit)
        }
        return try storedPage(namespace, filter, at: revision, after: after, limit: limit)
    }

    /// The objects now and the revision they show.
    private func snapshot() -> (ObjectIndex, Revision) {
        // In this order: whatever the store has announced, the index has.
        let announced = store.currentRevision
        return state.withLock { ($0.index, max(announced, $0.applied)) }
    }

    /// The objects at a past moment, if the window reaches back to it.
    private func index(at revision: Revision) throws(StoreError) -> ObjectIndex? {
        let announced = store.currentRevision
        let compacted = store.compactedRevision
        if revision < compacted {
            throw StoreError(.compacted(compacted), "revision \(revision) is compacted: history starts at \(compacted)")
        }
        let found = state.withLock { state -> (ObjectIndex, [ChangeEvent], Revision)? in
            guard revision >= state.window.floor else { return nil }
            return (state.index, state.window.changes(after: revision), max(announced, state.applied))
        }
        guard let found else { return nil }
        var (index, changes) = (found.0, found.1)
        let current = found.2
        if revision > current {
            throw StoreError(.future(current: current), "revision \(revision) is ahead of the store, at \(current)")
        }
        while let change = changes.popLast() {
            if let previous = change.previous {
                index.insert(previous)
            } else {
                index.remove(change.object.relativeKey)
            }
        }
        return index
    }

    private func page(
        of index: ObjectIndex, _ revision: Revision, _ namespace: String?, _ filter: ObjectFilter, after: String?,
        limit: Int?
    ) -> Page {
        var items: [CachedObject] = []
        var hasMore = false
        select(index, namespace, filter, after: after) { object in
            if let limit, items.count >= limit {
                hasMore = true
                return false
            }
            items.append(object)
            return true
        }
        var remaining: Int?
        if filter.isEverything {
            remaining = 0
            if hasMore, let last = items.last {
                let end = index.range(namespace: namespace).upperBound
                remaining = index.count(index.position(after: last.relativeKey)..<end)
            }
        }
        return Page(items: items, revision: revision, hasMore: hasMore, remaining: remaining)
    }

    private func select(
        _ index: ObjectIndex, _ namespace: String?, _ filter: ObjectFilter, after: String?,
        _ body: (CachedObject) -> Bool
    ) {
        if let key = filter.exactKey(namespace: namespace, isNamespaced: configuration.definition.namespaced) {
            guard let object = index[key], filter.matches(object), byteOrder(after ?? "", key) < 0 else { return }
            guard namespace == nil || object.namespace == namespace else { return }
            _ = body(object)
            return
        }
        var range = index.range(namespace: namespace)
        if let after {
            range = min(max(index.position(after: after), range.lowerBound), range.upperBound)..<range.upperBound
        }
        if filter.isEverything {
            index.forEach(in: range, body)
        } else {
            index.forEach(in: range) { filter.matches($0) ? body($0) : true }
        }
    }

    private func storedPage(
        _ namespace: String?, _ filter: ObjectFilter, at revision: Revision, after: String?, limit: Int?
    ) throws(StoreError) -> Page {
        let prefix = configuration.prefix + (namespace.map { $0 + "/" } ?? "")
        var items: [CachedObject] = []
        var last = after.map { configuration.prefix + $0 }
        while true {
            // One more than is wanted tells whether there is more.
            let wanted = limit.map { max($0 + 1 - items.count, filter.isEverything ? 1 : 500) } ?? 1000
            let stored = try store.list(prefix: prefix, after: last, limit: wanted, at: revision)
            for item in stored.items {
                let object = object(item)
                guard filter.matches(object) else { continue }
                if let limit, items.count >= limit {
                    let key = items.last.map { configuration.prefix + $0.relativeKey }
                    return Page(
                        items: items, revision: revision, hasMore: true,
                        remaining: filter.isEverything ? try store.count(prefix: prefix, after: key, at: revision) : nil
                    )
                }
                items.append(object)
            }
            guard stored.isTruncated, let end = stored.items.last else { break }
            last = end.key
        }
        return Page(items: items, revision: revision, hasMore: false, remaining: filter.isEverything ? 0 : nil)
    }
}
