package import KubeModel
package import Store
import Synchronization

extension ResourceCache {
    /// The object now. `namespace` is ignored for a cluster-scoped kind.
    package func get(namespace: String, name: String) -> CachedObject? {
        let key = configuration.definition.namespaced ? "\(namespace)/\(name)" : name
        return state.withLock { $0.index[key] }
    }

    /// All that match now, in the order of their keys, with the revision they show: no later change is in `items`, every
    /// change up to it is.
    package func list(
        namespace: String?, labels: Selector?, fields: FieldSelector?
    ) -> (items: [CachedObject], revision: Revision) {
        let filter = filter(labels, fields)
        let (scope, revision) = snapshot(filter)
        var items: [CachedObject] = []
        select(scope, namespace, filter, after: nil) { object in
            items.append(object)
            return true
        }
        return (items, revision)
    }

    package struct Page: Sendable {
        package let items: [CachedObject]
        package let revision: Revision
        /// Whether objects that match follow the last item.
        package let hasMore: Bool
        /// How many follow; `nil` when selectors make that costly to know, as in Kubernetes.
        package let remaining: Int?
    }

    /// A stretch of the list as it was at `revision` (`nil`: now), behind the key `after` (`CachedObject.relativeKey`).
    ///
    /// A recent moment is made from memory by taking back the window's changes; an older one is read from the store, on
    /// disk.
    /// - Throws: `compacted` for a moment whose history is gone, `future`, `io`.
    package func listPage(
        namespace: String?, labels: Selector?, fields: FieldSelector?, at revision: Revision?, after: String?,
        limit: Int?
    ) throws(StoreError) -> Page {
        if let page = try cachedPage(
            namespace: namespace, labels: labels, fields: fields, at: revision, after: after, limit: limit)
        {
            return page
        }
        return try storedPage(
            namespace, filter(labels, fields), at: revision ?? store.currentRevision, after: after, limit: limit)
    }

    /// As `listPage`, from memory; nil where only the store reaches back so far.
    package func cachedPage(
        namespace: String?, labels: Selector?, fields: FieldSelector?, at revision: Revision?, after: String?,
        limit: Int?
    ) throws(StoreError) -> Page? {
        let filter = filter(labels, fields)
        guard let revision else {
            let (scope, current) = snapshot(filter)
            return page(of: scope, current, namespace, filter, after: after, limit: limit)
        }
        if let index = try index(at: revision) {
            return page(
                of: Scope(index: index, candidates: nil), revision, namespace, filter, after: after, limit: limit)
        }
        return nil
    }

    /// What a list looks at.
    private struct Scope {
        let index: ObjectIndex
        /// Those that can match, in the order of their keys; nil: any.
        let candidates: LabelIndex.Bucket?
    }

    /// The objects now and the revision they show.
    private func snapshot(_ filter: ObjectFilter) -> (Scope, Revision) {
        // In this order: whatever the store has announced, the index has.
        let announced = store.currentRevision
        let (scope, revision, label) = state.withLock { state in
            let candidates = state.labels.candidates(filter.labels)
            let label = candidates == nil ? state.labels.noteScan(filter.labels, of: state.index.count) : nil
            return (Scope(index: state.index, candidates: candidates), max(announced, state.applied), label)
        }
        if let label { indexLabel(label) }
        return (scope, revision)
    }

    /// Makes an index of a label beside the writes, and takes over what they have changed meanwhile.
    private func indexLabel(_ label: String) {
        let (index, revision) = state.withLock { ($0.index, $0.applied) }
        var values = LabelIndex.Values(label: label, of: index)
        state.withLock { state in
            // So many writes that the window has lost sight of the beginning: another list will try again.
            guard revision >= state.window.floor else { return }
            for change in state.window.changes(after: revision) {
                values.replace(change.previous, with: change.isDeletion ? nil : change.object)
            }
            state.labels.add(values)
        }
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
        of scope: Scope, _ revision: Revision, _ namespace: String?, _ filter: ObjectFilter, after: String?,
        limit: Int?
    ) -> Page {
        var items: [CachedObject] = []
        var hasMore = false
        select(scope, namespace, filter, after: after) { object in
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
                let end = scope.index.range(namespace: namespace).upperBound
                remaining = scope.index.count(scope.index.position(after: last.relativeKey)..<end)
            }
        }
        return Page(items: items, revision: revision, hasMore: hasMore, remaining: remaining)
    }

    private func select(
        _ scope: Scope, _ namespace: String?, _ filter: ObjectFilter, after: String?,
        _ body: (CachedObject) -> Bool
    ) {
        if let key = filter.exactKey(namespace: namespace, isNamespaced: configuration.definition.namespaced) {
            guard let object = scope.index[key], filter.matches(object), byteOrder(after ?? "", key) < 0 else { return }
            guard namespace == nil || object.namespace == namespace else { return }
            _ = body(object)
            return
        }
        if let candidates = scope.candidates {
            Self.select(candidates, namespace, filter, after: after, body)
            return
        }
        let index = scope.index
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

    private static func select(
        _ candidates: LabelIndex.Bucket, _ namespace: String?, _ filter: ObjectFilter, after: String?,
        _ body: (CachedObject) -> Bool
    ) {
        var start = 0
        var end = candidates.count
        if let namespace {
            // As in `ObjectIndex.range(namespace:)`.
            start = (namespace + "/").withBytes { key in candidates.partitionPoint { $0.order(to: key) < 0 } }
            end = (namespace + "0").withBytes { key in candidates.partitionPoint { $0.order(to: key) < 0 } }
        }
        if let after {
            start = max(start, after.withBytes { key in candidates.partitionPoint { $0.order(to: key) <= 0 } })
        }
        for place in start..<max(start, end) where filter.matches(candidates[place]) {
            if !body(candidates[place]) { return }
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
