extension Schema {
    /// Sets every absent property that has a default, in the objects that are there and in those that defaults make.
    public func applyDefaults(_ value: inout JSONValue) {
        Schema.applyDefaults(graph, index, &value, depth: 0)
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
                guard var member = object[name] else { continue }
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
