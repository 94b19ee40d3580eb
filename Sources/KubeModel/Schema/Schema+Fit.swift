extension Schema {
    /// Whether `prune(_:)` would leave the value as it is and `mismatches(in:)` would find nothing: one look at what nearly
    /// every document passes. False may also be said of a value of which it would take a closer look to tell.
    public func fits(_ value: JSONValue) -> Bool {
        Fit(nodes: graph.nodes).fits(index, value)
    }
}

private struct Fit {
    let nodes: SchemaNodes

    func fits(_ index: Int, _ value: JSONValue) -> Bool {
        let rendering = nodes[index].rendering
        if rendering != .asWritten, !value.isNull {
            if rendering.rendered(value) != nil { return false }
            if case .string(let text) = value, rendering.problem(text) != nil { return false }
        }
        if nodes[index].isIntOrString {
            switch value {
            case .string: return true
            case .integer(let number): return Int32(exactly: number) != nil
            default: return false
            }
        }
        switch (nodes[index].type, value) {
        // In a list or a map null becomes the type's zero value.
        case (_, .null): return nodes[index].isNullable || nodes.isOpaque(index)
        case (.object, .object(let object)): return fits(index, object)
        case (.array, .array(let elements)):
            guard let items = nodes[index].items else { return true }
            for element in elements where !fits(items, element) { return false }
            return true
        case (.string, .string(let text)):
            switch nodes[index].textFormat {
            case .any: return true
            case .dateTime: return MicroTime(text) != nil
            case .base64: return StringFormat.isBase64(text)
            }
        case (.boolean, .bool), (.number, .number), (.number, .integer): return true
        case (.integer, .integer(let number)): return nodes[index].format != "int32" || Int32(exactly: number) != nil
        case (nil, .object), (nil, .array): return nodes[index].properties.isEmpty && nodes[index].items == nil
        case (nil, _): return true
        default: return false
        }
    }

    private func fits(_ index: Int, _ object: JSONObject) -> Bool {
        if nodes.isOpaque(index), nodes[index].properties.isEmpty {
            // Nothing is pruned there, but what is known of the members is still asked of them.
            if case .schema = nodes[index].additional { return object.isEmpty }
            return true
        }
        for entry in object.entries {
            let place: Int
            if let known = nodes.property(entry.key, of: index) {
                place = known
            } else {
                switch nodes[index].additional {
                case .schema(let inner): place = inner
                case .any: continue
                case .unspecified, .forbidden:
                    guard nodes[index].preservesUnknown || nodes.isOpaque(index) else { return false }
                    continue
                }
            }
            if entry.value.isNull {
                guard nodes[place].isNullable || nodes.isOpaque(place) else { return false }
            } else if nodes.vanishes(entry.value, at: place) || !fits(place, entry.value) {
                return false
            }
        }
        return nodes[index].alwaysWritten.allSatisfy { object.contains($0) }
    }
}
