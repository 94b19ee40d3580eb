/// Compiles the `components.schemas` of an OpenAPI document.
package struct SchemaCompiler {
    private var nodes: [SchemaGraph.Node] = []
    private var components: [String: Int] = [:]
    private var patterns = PatternCollection()
    /// Nodes that are another schema with some keywords replaced: `{allOf: [{$ref}], default}`.
    private var wrappers: [(node: Int, target: Int, overrides: JSONObject, path: String)] = []

    /// - Parameters:
    ///   - rules: the language of the schemas' rules. Without one, a schema that has rules is refused: nobody would check
    ///     them.
    ///   - structs: what the kinds are decoded into.
    static func compile(
        _ document: OpenAPIDocument, rules: (any SchemaRuleLanguage)?, structs: GoStructs? = nil
    ) throws(SchemaError) -> SchemaGraph {
        var (nodes, components) = try compileNodes(document)
        structs?.mark(&nodes, components.values)
        if rules == nil, nodes.contains(where: { !$0.rules.isEmpty }) {
            throw SchemaError(document.name, "has validation rules, and no language for them is known")
        }
        return SchemaGraph(
            nodes: nodes, components: components, rules: rules?.compile(nodes, root: components["root"]))
    }

    /// The rules of custom resources stay as they are written.
    package static func compileNodes(
        _ document: OpenAPIDocument
    ) throws(SchemaError) -> (nodes: [SchemaGraph.Node], components: [String: Int]) {
        var compiler = SchemaCompiler()
        try compiler.run(document)
        return (compiler.nodes, compiler.components)
    }

    private mutating func run(_ document: OpenAPIDocument) throws(SchemaError) {
        guard case .object(let schemas)? = document.json["components"]["schemas"] else {
            throw SchemaError(document.name, "has no components.schemas")
        }
        for (name, _) in schemas {
            components[name] = nodes.count
            nodes.append(SchemaGraph.Node())
        }
        for (name, schema) in schemas {
            guard let place = components[name] else { continue }
            try fill(place, schema, "\(document.name): \(name)")
            let parts = name.split(separator: ".")
            if let last = parts.last {
                nodes[place].typeName = String(last)
                nodes[place].qualifiedTypeName = parts.suffix(2).joined(separator: ".")
            }
        }
        try resolveWrappers()
        markDefaults()
        markRendering()
    }

    /// The node of a subschema; a bare `$ref` is its target.
    private mutating func node(_ schema: JSONValue, _ path: String) throws(SchemaError) -> Int {
        if case .object(let object) = schema, object.count == 1, let reference = object["$ref"] {
            return try target(reference, path)
        }
        let place = nodes.count
        nodes.append(SchemaGraph.Node())
        try fill(place, schema, path)
        return place
    }

    private func target(_ reference: JSONValue, _ path: String) throws(SchemaError) -> Int {
        let prefix = "#/components/schemas/"
        guard case .string(let text) = reference, text.hasPrefix(prefix),
            let place = components[String(text.dropFirst(prefix.count))]
        else { throw SchemaError(path, "unresolved reference \(reference)") }
        return place
    }

    private mutating func fill(_ place: Int, _ schema: JSONValue, _ path: String) throws(SchemaError) {
        guard case .object(let object) = schema else { throw SchemaError(path, "a schema must be an object") }
        var reference = object["$ref"]
        if reference == nil, object["type"] == nil, object["properties"] == nil,
            case .array(let parts)? = object["allOf"], parts.count == 1, case .object(let only) = parts[0]
        {
            reference = only.count == 1 ? only["$ref"] : nil
        }
        if let reference {
            wrappers.append((place, try target(reference, path), object, path))
            return
        }
        nodes[place] = try read(object, into: SchemaGraph.Node(), path)
    }

    private mutating func read(
        _ object: JSONObject, into base: SchemaGraph.Node, _ path: String
    ) throws(SchemaError) -> SchemaGraph.Node {
        var node = base
        for (keyword, value) in object {
            let path = "\(path).\(keyword)"
            switch keyword {
            case "type":
                guard let type = SchemaGraph.ValueType(rawValue: try Keyword.text(value, path)) else {
                    throw SchemaError(path, "unknown type \(value)")
                }
                node.type = type
            case "properties":
                // Those of the schema that is overridden stay.
                var properties: [ByteKey: Int] = [:]
                for (name, place) in node.properties { properties[ByteKey(name)] = place }
                for (name, property) in try Keyword.object(value, path) {
                    properties[ByteKey(name)] = try self.node(property, "\(path).\(name)")
                }
                node.properties = SchemaProperties(properties)
            case "additionalProperties":
                switch value {
                case .bool(let allowed): node.additional = allowed ? .any : .forbidden
                case .object(let inner) where inner.isEmpty: node.additional = .any
                default: node.additional = .schema(try self.node(value, path))
                }
            case "items": node.items = try self.node(value, path)
            case "allOf": node.allOf = try list(value, path)
            case "anyOf": node.anyOf = try list(value, path)
            case "oneOf": node.oneOf = try list(value, path)
            case "not": node.not = try self.node(value, path)
            case "pattern":
                let source = try Keyword.text(value, path)
                do throws(TextPattern.Unsupported) {
                    node.pattern = try patterns.pattern(source)
                } catch {
                    throw SchemaError(path, error.message)
                }
            default: try Keyword.set(keyword, value, on: &node, path)
            }
        }
        // Text that may also be a number is told apart by the extension; its `oneOf` says the same again.
        if node.isIntOrString {
            node.oneOf = []
            node.anyOf = []
            node.type = nil
        }
        return node
    }

    private mutating func list(_ value: JSONValue, _ path: String) throws(SchemaError) -> [Int] {
        guard case .array(let parts) = value else { throw SchemaError(path, "must be an array") }
        var result: [Int] = []
        for (index, part) in parts.enumerated() { result.append(try node(part, "\(path)[\(index)]")) }
        return result
    }

    private mutating func resolveWrappers() throws(SchemaError) {
        var pending: [Int: Int] = [:]
        for (index, wrapper) in wrappers.enumerated() { pending[wrapper.node] = index }
        for start in wrappers.indices {
            // Targets may be wrappers themselves: resolve from the end of the chain.
            var chain = [start]
            var visited: Set<Int> = [wrappers[start].node]
            while let last = chain.last, let next = pending[wrappers[last].target] {
                guard visited.insert(wrappers[next].node).inserted else {
                    throw SchemaError(wrappers[start].path, "reference to itself")
                }
                chain.append(next)
            }
            for index in chain.reversed() where pending[wrappers[index].node] != nil {
                let wrapper = wrappers[index]
                var overrides = wrapper.overrides
                overrides["$ref"] = nil
                if overrides["allOf"].array?.count == 1 { overrides["allOf"] = nil }
                nodes[wrapper.node] = try read(overrides, into: nodes[wrapper.target], wrapper.path)
                pending[wrapper.node] = nil
            }
        }
    }

    private mutating func markRendering() {
        for place in nodes.indices {
            nodes[place].rendering = ValueRendering(typeName: nodes[place].typeName, format: nodes[place].format)
        }
        for place in nodes.indices where !nodes[place].required.isEmpty {
            nodes[place].alwaysWritten = nodes[place].required.filter { name in
                guard let property = nodes[place].property(name) else { return false }
                switch nodes[property].type {
                case .string: return nodes[property].rendering == .asWritten
                case .integer, .number, .boolean: return true
                case .object, .array, nil: return false
                }
            }
        }
    }

    private mutating func markDefaults() {
        var changed = true
        while changed {
            changed = false
            // Children mostly come after their parents: one round nearly always suffices.
            for place in nodes.indices.reversed() where !nodes[place].leadsToDefault {
                let node = nodes[place]
                var children = node.properties.map(\.node)
                if let items = node.items { children.append(items) }
                if case .schema(let inner) = node.additional { children.append(inner) }
                if node.defaultValue != nil || children.contains(where: { nodes[$0].leadsToDefault }) {
                    nodes[place].leadsToDefault = true
                    changed = true
                }
            }
        }
        for place in nodes.indices where nodes[place].leadsToDefault {
            let properties = nodes[place].properties
            nodes[place].defaultingProperties = properties.indices.filter { nodes[properties[$0].node].leadsToDefault }
        }
    }
}

/// Reading single keywords.
private enum Keyword {
    static func set(
        _ keyword: String, _ value: JSONValue, on node: inout SchemaGraph.Node, _ path: String
    ) throws(SchemaError) {
        switch keyword {
        case "required": node.required = try texts(value, path)
        case "enum":
            guard case .array(let values) = value else { throw SchemaError(path, "must be an array") }
            node.enumeration = values
        case "format": node.format = try text(value, path)
        case "minimum": node.minimum = try number(value, path)
        case "maximum": node.maximum = try number(value, path)
        case "exclusiveMinimum": node.exclusiveMinimum = try flag(value, path)
        case "exclusiveMaximum": node.exclusiveMaximum = try flag(value, path)
        case "multipleOf": node.multipleOf = try number(value, path)
        case "minLength": node.minLength = try count(value, path)
        case "maxLength": node.maxLength = try count(value, path)
        case "minItems": node.minItems = try count(value, path)
        case "maxItems": node.maxItems = try count(value, path)
        case "minProperties": node.minProperties = try count(value, path)
        case "maxProperties": node.maxProperties = try count(value, path)
        case "uniqueItems": node.uniqueItems = try flag(value, path)
        case "default":
            node.defaultValue = value
            node.defaultSize = value.encoded().count
        case "nullable": node.isNullable = try flag(value, path)
        case "x-kubernetes-int-or-string": node.isIntOrString = try flag(value, path)
        case "x-kubernetes-preserve-unknown-fields": node.preservesUnknown = try flag(value, path)
        case "x-kubernetes-embedded-resource": node.isEmbeddedResource = try flag(value, path)
        case "x-kubernetes-list-type": node.listType = try text(value, path)
        case "x-kubernetes-list-map-keys": node.listMapKeys = try texts(value, path)
        case "x-kubernetes-map-type": node.mapType = try text(value, path)
        case "x-kubernetes-validations":
            guard case .array(let rules) = value else { throw SchemaError(path, "must be an array") }
            node.rules = rules
        case "x-kubernetes-patch-strategy":
            node.patchStrategies = try text(value, path).split(separator: ",").map(String.init)
        case "x-kubernetes-patch-merge-key": node.patchMergeKey = try text(value, path)
        case "x-kubernetes-group-version-kind":
            guard case .array(let kinds) = value else { throw SchemaError(path, "must be an array") }
            node.groupVersionKinds = kinds.map {
                GroupVersionKind(
                    group: $0["group"].string ?? "", version: $0["version"].string ?? "", kind: $0["kind"].string ?? "")
            }
        default: break  // Descriptions, examples and extensions of others carry no rule.
        }
    }

    static func object(_ value: JSONValue, _ path: String) throws(SchemaError) -> JSONObject {
        guard case .object(let object) = value else { throw SchemaError(path, "must be an object") }
        return object
    }

    static func text(_ value: JSONValue, _ path: String) throws(SchemaError) -> String {
        guard case .string(let text) = value else { throw SchemaError(path, "must be a string") }
        return text
    }

    static func texts(_ value: JSONValue, _ path: String) throws(SchemaError) -> [String] {
        guard case .array(let values) = value else { throw SchemaError(path, "must be an array of strings") }
        var result: [String] = []
        for value in values { result.append(try text(value, path)) }
        return result
    }

    static func number(_ value: JSONValue, _ path: String) throws(SchemaError) -> Double {
        guard let number = value.double else { throw SchemaError(path, "must be a number") }
        return number
    }

    static func count(_ value: JSONValue, _ path: String) throws(SchemaError) -> Int {
        guard let count = value.int, count >= 0 else { throw SchemaError(path, "must be a count") }
        return count
    }

    static func flag(_ value: JSONValue, _ path: String) throws(SchemaError) -> Bool {
        guard case .bool(let flag) = value else { throw SchemaError(path, "must be true or false") }
        return flag
    }
}
