/// The structs that Kubernetes decodes its kinds into, as far as a schema does not tell: which members are values and no
/// pointers. The zero value of such a member is not written (`omitempty`), unless the schema requires the member or gives
/// it a default; that of a pointer is.
public struct GoStructs: Sendable {
    public struct Member: Sendable, Hashable {
        /// Whether it is a text, a number, a flag, a list or a map, and no pointer to one.
        public let isValue: Bool
        /// The struct that it holds, points to, or has as its elements or entries; nil: none.
        public let inner: String?

        public init(isValue: Bool, inner: String?) {
            self.isValue = isValue
            self.inner = inner
        }
    }

    private let root: @Sendable (GroupVersionKind) -> String?
    private let members: @Sendable (String) -> [String: Member]

    /// - Parameters:
    ///   - root: the name of a kind's struct; nil: it is not known.
    ///   - members: those of a struct by their names in JSON.
    public init(
        root: @escaping @Sendable (GroupVersionKind) -> String?,
        members: @escaping @Sendable (_ name: String) -> [String: Member]
    ) {
        self.root = root
        self.members = members
    }

    /// Notes on the nodes of a document's kinds what vanishes.
    func mark(_ nodes: inout [SchemaGraph.Node], _ components: some Collection<Int>) {
        var open: [(place: Int, name: String)] = []
        for place in components {
            for kind in nodes[place].groupVersionKinds {
                if let name = root(kind) { open.append((place, name)) }
            }
        }
        // A schema stands for one struct, wherever it is used.
        var seen: Set<Int> = []
        while let (place, name) = open.popLast() {
            guard seen.insert(place).inserted else { continue }
            let members = members(name)
            for property in nodes[place].properties {
                guard let member = members[property.name] else { continue }
                let node = nodes[property.node]
                if let inner = member.inner { open.append((Self.element(of: node) ?? property.node, inner)) }
                guard member.isValue, node.defaultValue == nil || !Self.isZero(node.defaultValue),
                    !nodes[place].required.contains(property.name)
                else { continue }
                nodes[property.node].vanishesAtZero = true
            }
        }
    }

    /// Of a list its elements, of a map its values.
    private static func element(of node: SchemaGraph.Node) -> Int? {
        if let items = node.items { return items }
        if case .schema(let place) = node.additional { return place }
        return nil
    }

    /// A default that is zero says that the member is always written.
    private static func isZero(_ value: JSONValue?) -> Bool {
        switch value {
        case .string(""), .integer(0), .bool(false): true
        default: false
        }
    }
}
