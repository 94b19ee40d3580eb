import KubeModel

/// A place of a structural schema as expressions see it: its type, and how large a value there can be.
///
/// The mapping is that of k8s.io/apiserver/pkg/cel/common: objects with properties have declared fields,
/// `additionalProperties` make a map, int-or-string is dynamic, and formats make timestamps, durations and bytes.
final class CELDeclaration: Sendable {
    enum Kind: Sendable {
        case dyn, bool, int, double, string, bytes, timestamp, duration, list, map, object
    }

    struct Field: Sendable {
        /// As in JSON, unescaped.
        let name: String
        let declaration: CELDeclaration
    }

    let kind: Kind
    /// The declaration of a list's elements or a map's values.
    let element: CELDeclaration?
    /// By escaped name.
    let fields: [String: Field]
    /// Of the shortest JSON text, in bytes.
    let minimumSize: Int
    /// The most characters, elements or members that the schema allows or a request can hold.
    let maximumCount: UInt64
    /// `set` or `map`, where the order of elements does not matter.
    let listType: String?
    let listMapKeys: [String]
    /// Whether equal values have equal JSON here and below: no formats and no lists without order.
    let comparesAsJSON: Bool

    init(
        _ kind: Kind, element: CELDeclaration? = nil, fields: [String: Field] = [:], minimumSize: Int,
        maximumCount: UInt64 = 0, listType: String? = nil, listMapKeys: [String] = []
    ) {
        self.kind = kind
        self.element = element
        self.fields = fields
        self.minimumSize = minimumSize
        self.maximumCount = maximumCount
        self.listType = listType == "set" || listType == "map" ? listType : nil
        self.listMapKeys = listMapKeys
        switch kind {
        case .bytes, .timestamp, .duration: comparesAsJSON = false
        case .list: comparesAsJSON = self.listType == nil && element?.comparesAsJSON != false
        case .map: comparesAsJSON = element?.comparesAsJSON != false
        case .object: comparesAsJSON = fields.values.allSatisfy { $0.declaration.comparesAsJSON }
        case .dyn, .bool, .int, .double, .string: comparesAsJSON = true
        }
    }

    var type: CELType {
        switch kind {
        case .dyn: .dyn
        case .bool: .bool
        case .int: .int
        case .double: .double
        case .string: .string
        case .bytes: .bytes
        case .timestamp: .timestamp
        case .duration: .duration
        case .list: .list(element?.type ?? .dyn)
        case .map: .map(.string, element?.type ?? .dyn)
        case .object: .object(self)
        }
    }

    /// What values below a dynamic one are declared as.
    static let dynamic = CELDeclaration(.dyn, minimumSize: 1)

    /// The largest request body that Kubernetes reckons with.
    static let requestSize = 3 << 20
}

/// Makes the declarations of a schema's nodes, each once.
struct CELDeclarations {
    let nodes: [SchemaGraph.Node]
    /// A whole object, of which `apiVersion`, `kind` and the names in `metadata` are always visible.
    let root: Int?
    private var made: [Int: CELDeclaration?] = [:]

    init(nodes: [SchemaGraph.Node], root: Int?) {
        self.nodes = nodes
        self.root = root
    }

    /// nil where expressions cannot see the value, for want of a type.
    mutating func declaration(of index: Int, depth: Int = 0) -> CELDeclaration? {
        if let known = made[index] { return known }
        // Structural schemas are trees; what refers to itself ends here.
        guard depth < 200 else { return nil }
        let declaration = make(index, isRoot: index == root || nodes[index].isEmbeddedResource, depth: depth)
        made[index] = .some(declaration)
        return declaration
    }

    private mutating func make(_ index: Int, isRoot: Bool, depth: Int) -> CELDeclaration? {
        let node = nodes[index]
        let requestSize = CELDeclaration.requestSize
        let text = UInt64(requestSize - 2)
        if node.isIntOrString {
            return CELDeclaration(.dyn, minimumSize: 1, maximumCount: node.maxLength.map { UInt64($0) * 4 } ?? text)
        }
        switch node.type {
        case .array:
            guard let items = node.items, let element = declaration(of: items, depth: depth + 1) else { return nil }
            let most = node.maxItems ?? (requestSize - 2) / (element.minimumSize + 1)
            return CELDeclaration(
                .list, element: element, minimumSize: 2, maximumCount: UInt64(most), listType: node.listType,
                listMapKeys: node.listMapKeys)
        case .object:
            if case .schema(let place) = node.additional, !isRoot {
                guard let element = declaration(of: place, depth: depth + 1) else { return nil }
                let most = node.maxProperties ?? (requestSize - 2) / (element.minimumSize + 6)
                return CELDeclaration(.map, element: element, minimumSize: 2, maximumCount: UInt64(most))
            }
            return object(node, isRoot: isRoot, depth: depth)
        case .string: return CELDeclarations.string(node)
        case .boolean: return CELDeclaration(.bool, minimumSize: 4)
        case .number: return CELDeclaration(.double, minimumSize: 1)
        case .integer: return CELDeclaration(.int, minimumSize: 1)
        case nil: return nil
        }
    }

    private mutating func object(_ node: SchemaGraph.Node, isRoot: Bool, depth: Int) -> CELDeclaration {
        var fields: [String: CELDeclaration.Field] = [:]
        var size = 2
        let required = Set(node.required)
        for (name, place) in node.properties {
            guard let field = declaration(of: place, depth: depth + 1) else { continue }
            if let escaped = CELNames.escape(name) {
                fields[escaped] = CELDeclaration.Field(name: name, declaration: field)
            }
            if required.contains(name), nodes[place].defaultValue == nil {
                size += name.utf8.count + field.minimumSize + 4
            }
        }
        if isRoot {
            let text = CELDeclaration(.string, minimumSize: 2, maximumCount: UInt64(CELDeclaration.requestSize - 2))
            for name in ["apiVersion", "kind"] { fields[name] = CELDeclaration.Field(name: name, declaration: text) }
            let known = fields["metadata"]?.declaration.fields ?? [:]
            if known["name"] == nil || known["generateName"] == nil {
                let names = ["name", "generateName"].map { ($0, CELDeclaration.Field(name: $0, declaration: text)) }
                fields["metadata"] = CELDeclaration.Field(
                    name: "metadata",
                    declaration: CELDeclaration(
                        .object, fields: Dictionary(uniqueKeysWithValues: names), minimumSize: 2))
            }
        }
        return CELDeclaration(.object, fields: fields, minimumSize: size)
    }

    private static func string(_ node: SchemaGraph.Node) -> CELDeclaration {
        let requestSize = CELDeclaration.requestSize
        return switch node.format {
        case "byte":
            CELDeclaration(.bytes, minimumSize: 2, maximumCount: UInt64(node.maxLength ?? requestSize - 2))
        case "duration": CELDeclaration(.duration, minimumSize: 3, maximumCount: 32)
        case "date": CELDeclaration(.timestamp, minimumSize: 12, maximumCount: 12)
        case "date-time": CELDeclaration(.timestamp, minimumSize: 21, maximumCount: 37)
        default:
            if let limit = node.maxLength {
                CELDeclaration(.string, minimumSize: 2, maximumCount: UInt64(limit) * 4)
            } else if !node.enumeration.isEmpty {
                CELDeclaration(
                    .string, minimumSize: 2,
                    maximumCount: UInt64(node.enumeration.map { $0.string?.utf8.count ?? 0 }.max() ?? 0))
            } else {
                CELDeclaration(.string, minimumSize: 2, maximumCount: UInt64(requestSize - 2))
            }
        }
    }
}

/// How property names that are no identifiers are written in expressions.
enum CELNames {
    /// `foo-bar` becomes `foo__dash__bar` and `namespace` becomes `__namespace__`; nil where there is no way to write
    /// the name.
    static func escape(_ name: String) -> String? {
        if CELParser.reserved.contains(name) { return "__\(name)__" }
        guard let first = name.utf8.first, !(UInt8(ascii: "0")...UInt8(ascii: "9")).contains(first) else { return nil }
        var result = ""
        var afterUnderscore = false
        for scalar in name.unicodeScalars {
            if scalar == "_" {
                if afterUnderscore {
                    result.removeLast()
                    result += "__underscores__"
                    afterUnderscore = false
                } else {
                    result += "_"
                    afterUnderscore = true
                }
                continue
            }
            afterUnderscore = false
            switch scalar {
            case "a"..."z", "A"..."Z", "0"..."9": result.unicodeScalars.append(scalar)
            case ".": result += "__dot__"
            case "-": result += "__dash__"
            case "/": result += "__slash__"
            default: return nil
            }
        }
        return result
    }
}
