extension Schema {
    /// Removes fields that the schema does not know, and null members that it does not allow, as decoding into Go's
    /// structs does. Returns the paths of the unknown fields: `spec.ports[0].bogus`.
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
                var removed: Set<String> = []
                object.updateValues { name, member in
                    guard let place = graph.nodes.property(name, of: index) ?? additional(index) else {
                        if isKept(index) { return }
                        unknown.append(FieldPath(steps: path + [.child(name)]).description)
                        removed.insert(name)
                        return
                    }
                    if member.isNull {
                        if !graph.nodes[place].isNullable, !graph.nodes.isOpaque(place) { removed.insert(name) }
                        return
                    }
                    guard !isScalar(member) else { return }
                    path.append(.child(name))
                    prune(place, &member)
                    path.removeLast()
                }
                if !removed.isEmpty { object.removeAll { removed.contains($0.key) } }
                value = .object(object)
            case .array(var elements):
                guard let items = graph.nodes[index].items else { return }
                value = .null
                for place in elements.indices where !isScalar(elements[place]) {
                    path.append(.index(place))
                    prune(items, &elements[place])
                    path.removeLast()
                }
                value = .array(elements)
            default: break
            }
        }

        private func isScalar(_ value: JSONValue) -> Bool {
            switch value {
            case .object, .array: false
            default: true
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
