/// A value that cannot be decoded into the field's type. For built-in kinds kube-apiserver answers 400 with the first.
public struct SchemaMismatch: Hashable, Sendable {
    public let path: FieldPath
    /// As Go's decoder words it: `json: cannot unmarshal string into Go struct field ServicePort.spec.ports.port of
    /// type int32`.
    public let message: String
}

extension Schema {
    /// Every place where the value's type is not the field's. Null fits everywhere, and unknown fields are ignored.
    public func mismatches(in value: JSONValue) -> [SchemaMismatch] {
        var finder = MismatchFinder(graph: graph)
        finder.visit(index, value)
        return finder.found
    }
}

private struct MismatchFinder {
    let graph: SchemaGraph
    private(set) var found: [SchemaMismatch] = []
    private var path: [FieldPath.Step] = []
    private var structs: [String] = []

    init(graph: SchemaGraph) {
        self.graph = graph
    }

    mutating func visit(_ index: Int, _ value: JSONValue) {
        if value.isNull { return }
        if graph.nodes[index].isIntOrString {
            switch value {
            case .string: break
            case .integer(let number) where Int32(exactly: number) != nil: break
            default: report(value, "int32")
            }
            return
        }
        guard let type = graph.nodes[index].type else {
            if case .string(let text) = value { checkText(index, text) }
            return
        }
        switch (type, value) {
        case (.object, .object(let object)):
            if let name = graph.nodes[index].typeName { structs.append(name) }
            for (name, member) in object {
                let place: Int
                if let known = graph.nodes.property(name, of: index) {
                    place = known
                } else if case .schema(let inner) = graph.nodes[index].additional {
                    place = inner
                } else {
                    continue
                }
                path.append(.child(name))
                visit(place, member)
                path.removeLast()
            }
            if graph.nodes[index].typeName != nil { structs.removeLast() }
        case (.array, .array(let elements)):
            guard let items = graph.nodes[index].items else { return }
            for (place, element) in elements.enumerated() {
                path.append(.index(place))
                visit(items, element)
                path.removeLast()
            }
        case (.string, .string(let text)): checkText(index, text)
        case (.boolean, .bool), (.number, .number), (.number, .integer): break
        case (.integer, .integer(let number)):
            if graph.nodes[index].format == "int32", Int32(exactly: number) == nil { report(value, "int32") }
        default: report(value, goType(index))
        }
    }

    private mutating func checkText(_ index: Int, _ text: String) {
        if let problem = graph.nodes[index].rendering.problem(text) {
            found.append(SchemaMismatch(path: FieldPath(steps: path), message: problem))
            return
        }
        switch graph.nodes[index].format {
        case "byte" where !StringFormat.isBase64(text):
            let message = "illegal base64 data at input byte \(firstBadBase64(text))"
            found.append(SchemaMismatch(path: FieldPath(steps: path), message: message))
        default: break
        }
    }

    private func firstBadBase64(_ text: String) -> Int {
        for (place, byte) in text.utf8.enumerated() {
            switch byte {
            case UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "a")...UInt8(ascii: "z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "+"), UInt8(ascii: "/"), UInt8(ascii: "\n"),
                UInt8(ascii: "\r"):
                continue
            default: return place
            }
        }
        return text.utf8.count / 4 * 4
    }

    private mutating func report(_ value: JSONValue, _ type: String) {
        let kind: String
        switch value {
        case .bool: kind = "bool"
        // Go shows the number itself only where it is to be an integer; how it was written is not known here.
        case .number(let number): kind = type.hasPrefix("int") ? "number \(number)" : "number"
        case .integer: kind = type.hasPrefix("int") ? "number \(value)" : "number"
        default: kind = value.typeName
        }
        // Go names fields without indexes.
        let names = path.compactMap { step -> String? in
            switch step {
            case .child(let name), .key(let name): name
            case .index: nil
            }
        }
        let target =
            structs.last.map { "Go struct field \($0).\(names.joined(separator: "."))" } ?? "Go value"
        found.append(
            SchemaMismatch(
                path: FieldPath(steps: path), message: "json: cannot unmarshal \(kind) into \(target) of type \(type)"))
    }

    private func goType(_ index: Int) -> String {
        let node = graph.nodes[index]
        switch node.type {
        case .integer: return node.format == "int32" ? "int32" : "int64"
        case .number: return "float64"
        case .boolean: return "bool"
        case .string: return node.format == "byte" ? "[]uint8" : "string"
        case .array: return "[]" + (node.items.map { goType($0) } ?? "interface {}")
        case .object:
            if let name = node.qualifiedTypeName { return name }
            if case .schema(let inner) = node.additional { return "map[string]\(goType(inner))" }
            return "map[string]interface {}"
        case nil: return "interface {}"
        }
    }
}
