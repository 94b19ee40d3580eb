extension Schema {
    /// Sets every absent property that has a default, in the objects that are there and in those that defaults make.
    public func applyDefaults(_ value: inout JSONValue) {
        guard Schema.lacksDefaults(graph, index, value, depth: 0) else { return }
        Schema.applyDefaults(graph, index, &value, depth: 0)
    }

    /// Whether `applyDefaults` would set anything in a value.
    private static func lacksDefaults(_ graph: SchemaGraph, _ index: Int, _ value: JSONValue, depth: Int) -> Bool {
        guard graph.nodes[index].leadsToDefault, depth < 100 else { return false }
        switch value {
        case .object(let object):
            for (name, place) in graph.nodes[index].properties where graph.nodes[place].leadsToDefault {
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

    private static func applyDefaults(_ graph: SchemaGraph, _ index: Int, _ value: inout JSONValue, depth: Int) {
        // A default that nests in itself would never end.
        guard graph.nodes[index].leadsToDefault, depth < 100 else { return }
        switch value {
        case .object(var object):
            value = .null
            for (name, place) in graph.nodes[index].properties where graph.nodes[place].leadsToDefault {
                let current = object[name]
                if current == nil || (current?.isNull == true && !graph.nodes[place].isNullable) {
                    guard let initial = graph.nodes[place].defaultValue else { continue }
                    object[name] = initial
                }
                // What lacks nothing stays the storage that it shares with others.
                guard var member = object[name], lacksDefaults(graph, place, member, depth: depth + 1) else {
                    continue
                }
                object[name] = .null
                applyDefaults(graph, place, &member, depth: depth + 1)
                object[name] = member
            }
            if case .schema(let place) = graph.nodes[index].additional {
                object.updateValues { name, member in
                    if graph.nodes.property(name, of: index) == nil {
                        applyDefaults(graph, place, &member, depth: depth + 1)
                    }
                }
            }
            value = .object(object)
        case .array(var elements):
            guard let items = graph.nodes[index].items else { return }
            value = .null
            for place in elements.indices { applyDefaults(graph, items, &elements[place], depth: depth + 1) }
            value = .array(elements)
        default: break
        }
    }
}
