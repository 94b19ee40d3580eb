package import KubeModel

/// Merges an applied configuration into a live object: what the configuration says replaces what is there, member by
/// member and element by element where the schema owns them so; what it does not mention stays.
package enum TypedMerge {
    /// - Parameter configuration: one that `AppliedConfiguration.problems` finds nothing wrong with.
    package static func merge(
        _ configuration: JSONValue, into live: JSONValue, schema: Schema?
    ) -> JSONValue {
        merge(live, configuration, FieldType(schema, hasZeroFields: false))
    }

    private static func merge(_ live: JSONValue, _ wanted: JSONValue, _ type: FieldType) -> JSONValue {
        if live == wanted { return live }
        let relation = type.relation(for: wanted.isNull ? live : wanted)
        switch (relation, live, wanted) {
        case (.whole, _, _): return wanted
        case (.members, .object(let before), .object(let changes)):
            return .object(members(before, changes, type))
        case (.set, .array(let before), .array(let changes)), (.keyed, .array(let before), .array(let changes)):
            if before.isEmpty || changes.isEmpty { return before.isEmpty ? wanted : live }
            return .array(elements(before, changes, relation, type.element))
        // A null says nothing about what is in a list or map.
        case (.members, .object(let before), .null): return before.isEmpty ? wanted : live
        case (.set, .array(let before), .null), (.keyed, .array(let before), .null):
            return before.isEmpty ? wanted : live
        default: return wanted
        }
    }

    private static func members(_ before: JSONObject, _ changes: JSONObject, _ type: FieldType) -> JSONObject {
        var result = before
        for (name, value) in changes {
            guard let current = before[name] else {
                result[name] = value
                continue
            }
            result[name] = merge(current, value, type.member(name) ?? .deduced)
        }
        return result
    }

    /// Elements that both have stand in the configuration's order, those of the live list between them where they stood.
    private static func elements(
        _ before: [JSONValue], _ changes: [JSONValue], _ relation: FieldType.Relation, _ type: FieldType
    ) -> [JSONValue] {
        let left = ListElements(before, relation, type)
        let right = ListElements(changes, relation, type)
        let shared = right.names.filter { left.position(of: $0) != nil }
        var nextShared = 0
        var taken = [Bool](repeating: false, count: right.count)
        var result: [JSONValue] = []
        result.reserveCapacity(left.count + right.count)

        func take(_ place: Int) {
            let name = right.names[place]
            taken[place] = true
            result.append(left[name].map { merge($0, right.values[place], type) } ?? right.values[place])
            if nextShared < shared.count, shared[nextShared] == name { nextShared += 1 }
        }

        var leftPlace = 0
        var rightPlace = 0
        while leftPlace < left.count || rightPlace < right.count {
            if leftPlace < left.count {
                let name = left.names[leftPlace]
                guard let twin = right.position(of: name) else {
                    result.append(left.values[leftPlace])
                    leftPlace += 1
                    continue
                }
                if rightPlace < right.count, right.names[rightPlace] == name {
                    take(rightPlace)
                    leftPlace += 1
                    rightPlace += 1
                    continue
                }
                // One that comes elsewhere in the configuration's order, or has come already.
                if taken[twin] || nextShared < shared.count && shared[nextShared] != name {
                    leftPlace += 1
                    continue
                }
            }
            if rightPlace < right.count {
                if !taken[rightPlace] { take(rightPlace) }
                rightPlace += 1
            } else {
                leftPlace += 1
            }
        }
        return result
    }
}
