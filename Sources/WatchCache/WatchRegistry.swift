/// The live watches of one resource by what they look at, so that a change is shown to those only whom it may concern.
struct WatchRegistry: Sendable {
    struct Group: Sendable {
        /// Without selectors: all of them get the same batch.
        var plain: [WatchSubscription] = []
        var selective: [WatchSubscription] = []

        var isEmpty: Bool { plain.isEmpty && selective.isEmpty }
    }

    private(set) var groups: [WatchScope: Group] = [:]
    private(set) var count = 0
    /// How many groups look at one namespace, and at one object.
    private(set) var namespaceGroups = 0
    private(set) var objectGroups = 0

    var isEmpty: Bool { count == 0 }

    mutating func insert(_ watch: WatchSubscription) {
        let isNew = groups[watch.scope] == nil
        if watch.filter.isEverything {
            groups[watch.scope, default: Group()].plain.append(watch)
        } else {
            groups[watch.scope, default: Group()].selective.append(watch)
        }
        count += 1
        if isNew { countGroup(watch.scope, 1) }
    }

    /// - Returns: whether the watch was there.
    @discardableResult
    mutating func remove(_ watch: WatchSubscription) -> Bool {
        guard let index = groups.index(forKey: watch.scope) else { return false }
        let isRemoved =
            watch.filter.isEverything
            ? Self.remove(watch, from: &groups.values[index].plain)
            : Self.remove(watch, from: &groups.values[index].selective)
        guard isRemoved else { return false }
        count -= 1
        if groups.values[index].isEmpty {
            groups.remove(at: index)
            countGroup(watch.scope, -1)
        }
        return true
    }

    var all: [WatchSubscription] {
        groups.values.flatMap { $0.plain + $0.selective }
    }

    private mutating func countGroup(_ scope: WatchScope, _ change: Int) {
        switch scope {
        case .all: break
        case .namespace: namespaceGroups += change
        case .object: objectGroups += change
        }
    }

    private static func remove(_ watch: WatchSubscription, from list: inout [WatchSubscription]) -> Bool {
        guard let index = list.firstIndex(where: { $0 === watch }) else { return false }
        // Order among watches means nothing.
        list.swapAt(index, list.count - 1)
        list.removeLast()
        return true
    }
}
