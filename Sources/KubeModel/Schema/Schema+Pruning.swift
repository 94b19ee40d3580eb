extension Schema {
    /// Makes of a document what decoding into Go's structs and encoding again makes of it, in one walk: fields that the
    /// schema does not know go, null members too, and those whose zero value Go does not write; nulls in maps and lists become the type's zero value, fields that are
    /// always written are there, and times, amounts and bytes have their canonical form. Returns the paths of the unknown
    /// fields: `spec.ports[0].bogus`.
    public func prune(_ value: inout JSONValue) -> [String] {
        var pruner = Pruner(graph: graph)
        pruner.prune(index, &value)
        return pruner.unknown
    }

    private struct Pruner {
        let graph: SchemaGraph
        var unknown: [String] = []
        private var path: [FieldPath.Step] = []

        init(graph: SchemaGraph) {
            self.graph = graph
        }

        mutating func prune(_ index: Int, _ value: inout JSONValue) {
            switch value {
            case .object(var object):
                guard !graph.nodes.isOpaque(index) || !graph.nodes[index].properties.isEmpty else { return }
                value = .null
                pruneMembers(index, &object)
                value = .object(object)
            case .array(var elements):
                guard let items = graph.nodes[index].items else { return }
                value = .null
                for place in elements.indices { pruneElement(items, &elements[place], place) }
                value = .array(elements)
            default: break
            }
        }

        private mutating func pruneMembers(_ index: Int, _ object: inout JSONObject) {
            var removed: Set<ByteKey> = []
            object.updateValues { name, member in
                let known = graph.nodes.property(name, of: index)
                guard let place = known ?? additional(index) else {
                    if isKept(index) { return }
                    unknown.append(FieldPath(steps: path + [.child(name)]).description)
                    removed.insert(ByteKey(name))
                    return
                }
                switch member {
                case .null where known == nil: member = zero(of: place)
                case .null:
                    if !graph.nodes[place].isNullable, !graph.nodes.isOpaque(place) { removed.insert(ByteKey(name)) }
                case .object, .array:
                    path.append(.child(name))
                    prune(place, &member)
                    path.removeLast()
                    if graph.nodes.vanishes(member, at: place) { removed.insert(ByteKey(name)) }
                default:
                    render(place, &member)
                    if graph.nodes.vanishes(member, at: place) { removed.insert(ByteKey(name)) }
                }
            }
            if !removed.isEmpty { object.removeAll { removed.contains(ByteKey($0.key)) } }
            for name in graph.nodes[index].alwaysWritten where !object.contains(name) {
                guard let place = graph.nodes.property(name, of: index) else { continue }
                object[name] = zero(of: place)
            }
        }

        private mutating func pruneElement(_ items: Int, _ element: inout JSONValue, _ place: Int) {
            switch element {
            case .null: element = zero(of: items)
            case .object, .array:
                path.append(.index(place))
                prune(items, &element)
                path.removeLast()
            default: render(items, &element)
            }
        }

        private func render(_ place: Int, _ value: inout JSONValue) {
            if graph.nodes[place].rendering == .asWritten { return }
            if let rendered = graph.nodes[place].rendering.rendered(value) { value = rendered }
        }

        /// Null stays where it means something.
        private mutating func zero(of place: Int) -> JSONValue {
            let node = graph.nodes[place]
            if node.isNullable || node.isOpaque { return .null }
            if let zero = node.rendering.zero { return zero }
            if node.isIntOrString { return 0 }
            switch node.type {
            case .string: return ""
            case .integer, .number: return 0
            case .boolean: return false
            case .array: return []
            case .object:
                var object = JSONObject()
                pruneMembers(place, &object)
                return .object(object)
            case nil: return .null
            }
        }

        private func additional(_ index: Int) -> Int? {
            if case .schema(let place) = graph.nodes[index].additional { place } else { nil }
        }

        private func isKept(_ index: Int) -> Bool {
            if case .any = graph.nodes[index].additional { return true }
            return graph.nodes[index].preservesUnknown || graph.nodes.isOpaque(index)
        }
    }
}
