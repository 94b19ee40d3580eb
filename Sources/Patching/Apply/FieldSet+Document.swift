package import KubeModel

extension FieldSet {
    /// What an applied configuration owns: its scalars, the atomic lists and maps in it, the entries of maps and the
    /// elements of lists; but no struct and no list for its own sake.
    ///
    /// - Parameters:
    ///   - hasZeroFields: false for custom resources.
    package init(applied document: JSONValue, schema: Schema?, hasZeroFields: Bool) {
        self = FieldSet.applied(document, FieldType(schema, hasZeroFields: hasZeroFields))
    }

    private static func applied(_ value: JSONValue, _ type: FieldType) -> FieldSet {
        switch (type.relation(for: value), value) {
        case (.members, .object(let object)):
            var nodes: [Node] = []
            nodes.reserveCapacity(object.count)
            for (name, member) in object {
                let memberType = type.member(name) ?? .deduced
                let below = applied(member, memberType)
                let isMember = isLeaf(member, memberType) || isVacant(member) || !type.isNamed(name)
                nodes.append(Node(.field(name), isMember: isMember, children: below))
            }
            return FieldSet(nodes)
        case (.set, .array(let list)), (.keyed, .array(let list)):
            let elementType = type.element
            let elements = ListElements(list, type.relation(for: value), elementType)
            var nodes: [Node] = []
            nodes.reserveCapacity(elements.count)
            for (place, name) in elements.names.enumerated() {
                if elements.hasDuplicates {
                    // Whoever writes an element twice owns the element, and nothing in it.
                    guard elements.position(of: name) == place else { continue }
                    if elements.all(name).count > 1 {
                        nodes.append(Node(name, isMember: true))
                        continue
                    }
                }
                nodes.append(Node(name, isMember: true, children: applied(elements.values[place], elementType)))
            }
            return FieldSet(nodes)
        default: return FieldSet()
        }
    }

    private static func isVacant(_ value: JSONValue) -> Bool {
        switch value {
        case .null: true
        case .object(let object): object.isEmpty
        default: false
        }
    }

    /// Whether a value is owned as a whole.
    static func isLeaf(_ value: JSONValue, _ type: FieldType) -> Bool {
        switch (type.relation(for: value), value) {
        case (.members, .object), (.set, .array), (.keyed, .array), (_, .null): false
        default: true
        }
    }

    /// Every path in a value: what appears with it and disappears with it.
    static func everything(in value: JSONValue, _ type: FieldType) -> FieldSet {
        switch (type.relation(for: value), value) {
        case (.members, .object(let object)):
            var nodes: [Node] = []
            nodes.reserveCapacity(object.count)
            for (name, member) in object {
                nodes.append(
                    Node(.field(name), isMember: true, children: everything(in: member, type.member(name) ?? .deduced)))
            }
            return FieldSet(nodes)
        case (.set, .array(let list)), (.keyed, .array(let list)):
            let elementType = type.element
            let elements = ListElements(list, type.relation(for: value), elementType)
            var nodes: [Node] = []
            nodes.reserveCapacity(elements.count)
            for (place, name) in elements.names.enumerated() where elements.position(of: name) == place {
                let isRepeated = elements.hasDuplicates && elements.all(name).count > 1
                nodes.append(
                    Node(
                        name, isMember: true,
                        children: isRepeated ? FieldSet() : everything(in: elements.values[place], elementType)))
            }
            return FieldSet(nodes)
        default: return FieldSet()
        }
    }

    /// This set, and every field that the schema names and below which the set has something. With them a removal takes
    /// structs along that nothing is left of.
    func withNamedFields(_ type: FieldType) -> FieldSet {
        FieldSet(
            nodes.map { node in
                var node = node
                guard !node.children.isEmpty else { return node }
                let below: FieldType
                if case .field(let name) = node.element {
                    if type.isNamed(name) { node.isMember = true }
                    below = type.member(name) ?? .deduced
                } else {
                    below = type.element
                }
                node.children = node.children.withNamedFields(below)
                return node
            })
    }
}
