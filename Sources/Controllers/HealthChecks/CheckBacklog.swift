import KubeModel

/// Checks that are due while there is no place for them, in the order in which they get one: the Services of a namespace
/// take turns. Pure. Looking for one that may begin costs a look at each namespace, however many wait.
struct CheckBacklog<Item: Sendable>: Sendable {
    /// Whether another check of a Service may begin.
    enum Place: Hashable, Sendable {
        case free
        /// Other Services of the namespace may have one.
        case noneForService
        case noneForNamespace
    }

    fileprivate struct Line: Sendable {
        var turns: [NamespacedName] = []
        var items: [NamespacedName: [Item]] = [:]
    }

    private var lines: [String: Line] = [:]

    var count: Int { lines.values.reduce(0) { $0 + $1.items.values.reduce(0) { $0 + $1.count } } }

    mutating func add(_ item: Item, of service: NamespacedName) {
        if lines[service.namespace]?.items[service] == nil {
            lines[service.namespace, default: Line()].turns.append(service)
        }
        lines[service.namespace]?.items[service, default: []].append(item)
    }

    /// Takes out what may begin.
    ///
    /// - Parameter begin: begins an item; asked `place` before.
    mutating func take(place: (NamespacedName) -> Place, begin: (Item) -> Void) {
        for namespace in Array(lines.keys) {
            guard var line = lines[namespace] else { continue }
            lines[namespace] = nil
            line.take(place, begin)
            if !line.turns.isEmpty { lines[namespace] = line }
        }
    }

    /// Keeps these alone.
    mutating func keep(_ isWanted: (Item) -> Bool) {
        for (namespace, line) in lines {
            let items = line.items.mapValues { $0.filter(isWanted) }.filter { !$0.value.isEmpty }
            let turns = line.turns.filter { items[$0] != nil }
            lines[namespace] = turns.isEmpty ? nil : Line(turns: turns, items: items)
        }
    }
}

extension CheckBacklog.Line {
    fileprivate mutating func take(_ place: (NamespacedName) -> CheckBacklog.Place, _ begin: (Item) -> Void) {
        // Those that had nothing keep their turn; those that had something and want more come last.
        var passedOver: [NamespacedName] = []
        var served: [NamespacedName] = []
        var looked = 0
        for service in turns {
            var next = place(service)
            if next == .noneForNamespace { break }
            looked += 1
            var waiting = items[service] ?? []
            items[service] = nil
            var begun = 0
            while next == .free, begun < waiting.count {
                begin(waiting[begun])
                begun += 1
                next = place(service)
            }
            waiting.removeFirst(begun)
            guard !waiting.isEmpty else { continue }
            items[service] = waiting
            if begun == 0 { passedOver.append(service) } else { served.append(service) }
        }
        guard looked > 0 else { return }
        turns = passedOver + turns[looked...] + served
    }
}
