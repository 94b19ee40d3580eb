extension Schema {
    /// What defaults may add to one document, in bytes of JSON: as much as a request can bring. Objects that are made by
    /// defaults have defaults themselves, so that a few levels of a schema could make any amount of a small document.
    public static let defaultsLimit = 3 << 20

    /// Sets every absent property that has a default, or none where that would add more than ``defaultsLimit``.
    /// - Returns: whether all were set.
    public func applyAllDefaults(_ value: inout JSONValue) -> Bool {
        let before = value
        if applyDefaults(&value) { return true }
        value = before
        return false
    }

    /// Sets every absent property that has a default, in the objects that are there and in those that defaults make.
    /// - Returns: false when that would have added more than `defaultsLimit`; the document then lacks some.
    @discardableResult
    public func applyDefaults(_ value: inout JSONValue) -> Bool {
        var room = Schema.defaultsLimit
        return applyDefaults(&value, room: &room)
    }

    /// - Parameter room: what may be added, in bytes of JSON; less what was added, or negative.
    /// - Returns: whether all were set.
    package func applyDefaults(_ value: inout JSONValue, room: inout Int) -> Bool {
        guard lacksDefaults(value) else { return true }
        var defaulter = Defaulter(graph: graph, room: room)
        defaulter.apply(index, &value, depth: 0)
        room = defaulter.room
        return room >= 0
    }

    /// The most that defaults add for one value of a document, in bytes of JSON; ``defaultsLimit`` where it is more.
    package var mostAddedByDefaults: Int {
        var weigher = DefaultWeigher(graph: graph)
        return (0..<graph.nodes.count).reduce(0) { max($0, weigher.weight(of: $1)) }
    }

    /// Whether `applyDefaults` would set anything in a value.
    public func lacksDefaults(_ value: JSONValue) -> Bool {
        Schema.lacksDefaults(graph, index, value, depth: 0)
    }

    fileprivate static func lacksDefaults(_ graph: SchemaGraph, _ index: Int, _ value: JSONValue, depth: Int) -> Bool {
        guard graph.nodes[index].leadsToDefault, depth < 100 else { return false }
        switch value {
        case .object(let object):
            for position in graph.nodes[index].defaultingProperties {
                let (name, place) = graph.nodes[index].properties[position]
                guard let member = object[name], !member.isNull || graph.nodes[place].isNullable else {
                    if graph.nodes[place].defaultValue != nil { return true }
                    continue
                }
                if lacksDefaults(graph, place, member, depth: depth + 1) { return true }
            }
            guard case .schema(let place) = graph.nodes[index].additional else { return false }
            return object.entries.contains { entry in
                graph.nodes.property(entry.key, of: index) == nil
                    && lacksDefaults(graph, place, entry.value, depth: depth + 1)
            }
        case .array(let elements):
            guard let items = graph.nodes[index].items else { return false }
            return elements.contains { lacksDefaults(graph, items, $0, depth: depth + 1) }
        default: return false
        }
    }
}

/// What defaults make of an empty object, by node: in the time that it takes to read the schema once.
private struct DefaultWeigher {
    let graph: SchemaGraph
    private var known: [Int: Int] = [:]

    init(graph: SchemaGraph) {
        self.graph = graph
    }

    mutating func weight(of index: Int) -> Int {
        if let known = known[index] { return known }
        // What is asked about while it is being answered nests in itself, and would never end.
        known[index] = Schema.defaultsLimit
        var sum = 0
        for position in graph.nodes[index].defaultingProperties {
            let (name, place) = graph.nodes[index].properties[position]
            guard let initial = graph.nodes[place].defaultValue else { continue }
            sum += graph.nodes[place].defaultSize + name.utf8.count + 4 + added(to: initial, place)
            guard sum < Schema.defaultsLimit else { break }
        }
        let weight = min(sum, Schema.defaultsLimit)
        known[index] = weight
        return weight
    }

    private mutating func added(to value: JSONValue, _ index: Int) -> Int {
        guard graph.nodes[index].leadsToDefault else { return 0 }
        var sum = 0
        switch value {
        case .object(let object):
            sum = weight(of: index)
            for (name, member) in object {
                var place = graph.nodes.property(name, of: index)
                if place == nil, case .schema(let other) = graph.nodes[index].additional { place = other }
                guard let place else { continue }
                sum = min(sum + added(to: member, place), Schema.defaultsLimit)
            }
        case .array(let elements):
            guard let items = graph.nodes[index].items else { return 0 }
            for element in elements { sum = min(sum + added(to: element, items), Schema.defaultsLimit) }
        default: break
        }
        return sum
    }
}

private struct Defaulter {
    let graph: SchemaGraph
    /// How many bytes may still be added; negative once there were too many.
    var room: Int

    mutating func apply(_ index: Int, _ value: inout JSONValue, depth: Int) {
        // A default that nests in itself would never end.
        guard graph.nodes[index].leadsToDefault, depth < 100, room >= 0 else { return }
        switch value {
        case .object(var object):
            value = .null
            for position in graph.nodes[index].defaultingProperties {
                let (name, place) = graph.nodes[index].properties[position]
                let current = object[name]
                if current == nil || (current?.isNull == true && !graph.nodes[place].isNullable) {
                    guard let initial = graph.nodes[place].defaultValue else { continue }
                    // With its quotes, a colon and a comma.
                    room -= graph.nodes[place].defaultSize + name.utf8.count + 4
                    guard room >= 0 else { break }
                    object[name] = initial
                }
                // What lacks nothing stays the storage that it shares with others.
                guard var member = object[name], Schema.lacksDefaults(graph, place, member, depth: depth + 1) else {
                    continue
                }
                object[name] = .null
                apply(place, &member, depth: depth + 1)
                object[name] = member
            }
            if case .schema(let place) = graph.nodes[index].additional {
                object.updateValues { name, member in
                    if graph.nodes.property(name, of: index) == nil { apply(place, &member, depth: depth + 1) }
                }
            }
            value = .object(object)
        case .array(var elements):
            guard let items = graph.nodes[index].items else { return }
            value = .null
            for place in elements.indices { apply(items, &elements[place], depth: depth + 1) }
            value = .array(elements)
        default: break
        }
    }
}
