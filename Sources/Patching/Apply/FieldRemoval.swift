import KubeModel

/// Takes fields out of a document.
package enum FieldRemoval {
    /// The document without the fields of a set, each with everything below it. Lists and maps that nothing is left of go
    /// too.
    static func removing(_ fields: FieldSet, from document: JSONValue, _ type: FieldType) -> JSONValue {
        contents(document, without: fields, type) ?? .object(JSONObject())
    }

    /// nil when nothing is left.
    private static func contents(_ value: JSONValue, without fields: FieldSet, _ type: FieldType) -> JSONValue? {
        if fields.isEmpty { return value }
        switch (type.relation(for: value), value) {
        case (.members, .object(let object)):
            var result = object
            var isGone: Set<ByteKey> = []
            result.updateValues { name, member in
                guard let node = fields.node(.field(name)) else { return }
                if node.isMember {
                    isGone.insert(ByteKey(name))
                } else if let rest = contents(member, without: node.children, type.member(name) ?? .deduced) {
                    member = rest
                } else {
                    isGone.insert(ByteKey(name))
                }
            }
            if !isGone.isEmpty { result.removeAll { isGone.contains(ByteKey($0.key)) } }
            return result.isEmpty ? nil : .object(result)
        case (.set, .array(let list)), (.keyed, .array(let list)):
            let elementType = type.element
            let elements = ListElements(list, type.relation(for: value), elementType)
            var result: [JSONValue] = []
            result.reserveCapacity(list.count)
            for (place, name) in elements.names.enumerated() {
                let element = elements.values[place]
                guard let node = fields.node(name) else {
                    result.append(element)
                    continue
                }
                if node.isMember { continue }
                if let rest = contents(element, without: node.children, elementType) { result.append(rest) }
            }
            return result.isEmpty ? nil : .array(result)
        default: return value
        }
    }
}
