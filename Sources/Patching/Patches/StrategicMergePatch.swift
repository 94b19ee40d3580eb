public import KubeModel

/// Strategic merge patch, the media type `application/strategic-merge-patch+json`: a merge patch that merges lists by
/// key where the schema says so (`x-kubernetes-patch-strategy`, `x-kubernetes-patch-merge-key`), with directives:
///
/// - `$patch: replace | delete | merge` in an object or a list element,
/// - `$retainKeys: [..]` beside the members of an object,
/// - `$deleteFromPrimitiveList/NAME: [..]` and `$setElementOrder/NAME: [..]` beside a list.
///
/// Source: Kubernetes' "Strategic Merge Patch" design and k8s.io/apimachinery/pkg/util/strategicpatch.
public enum StrategicMergePatch {
    /// Applies a patch, which must be an object. Without a schema, objects merge and lists are replaced.
    public static func apply(
        _ patch: JSONValue, to document: JSONValue, schema: Schema?
    ) throws(PatchError) -> JSONValue {
        guard case .object(let changes) = patch else {
            throw PatchError(.malformed, "a strategic merge patch must be an object, not \(patch.typeName)")
        }
        return .object(try mergeObject(document.object ?? JSONObject(), changes, schema))
    }

    enum Directive {
        static let patch = "$patch"
        static let retainKeys = "$retainKeys"
        static let deleteFromList = "$deleteFromPrimitiveList/"
        static let setElementOrder = "$setElementOrder/"

        static func isDirective(_ key: String) -> Bool {
            key.utf8.first == UInt8(ascii: "$")
                && (key == patch || key == retainKeys || key.hasPrefix(deleteFromList)
                    || key.hasPrefix(setElementOrder))
        }
    }

    static func malformed(_ message: String) -> PatchError {
        PatchError(.malformed, message)
    }

    private static func unknownPatchType(_ type: JSONValue, _ object: JSONObject) -> PatchError {
        malformed("unknown patch type: \(goText(type)) in map: \(goText(.object(object)))")
    }

    private static func mixedList(_ original: [JSONValue], _ patch: [JSONValue]) -> PatchError {
        malformed("list element types are not identical: \(goText([.array(original), .array(patch)]))")
    }

    // MARK: Objects

    private static func mergeObject(
        _ original: JSONObject, _ patch: JSONObject, _ schema: Schema?
    ) throws(PatchError) -> JSONObject {
        if let directive = patch[Directive.patch] {
            switch directive {
            case "replace":
                var replacement = patch
                replacement[Directive.patch] = nil
                return replacement
            case "delete": return JSONObject()
            case "merge": break
            default: throw unknownPatchType(directive, patch)
            }
        }
        var result = original
        var handled: Set<ByteKey> = []
        // Few objects of a patch have directives; the others need no look at each of their keys.
        if patch.keys.contains(where: Directive.isDirective) {
            try retainKeys(&result, patch)
            handled = try orderedLists(&result, patch, schema)
            handled.insert(ByteKey(Directive.patch))
            handled.insert(ByteKey(Directive.retainKeys))
        }

        var removed: Set<ByteKey> = []
        for (key, change) in patch where !handled.contains(ByteKey(key)) {
            if key.utf8.first == UInt8(ascii: "$"), key.hasPrefix(Directive.deleteFromList) {
                let name = String(key.dropFirst(Directive.deleteFromList.utf8.count))
                guard case .array(let unwanted) = change else {
                    throw malformed("invalid patch format of primitive list")
                }
                if case .array(let elements)? = result[name] {
                    let gone = Set(unwanted)
                    result[name] = .array(elements.filter { !gone.contains($0) })
                }
            } else if change.isNull {
                removed.insert(ByteKey(key))
            } else {
                result[key] = try mergedValue(result[key], change, key, schema)
            }
        }
        if !removed.isEmpty { result.removeAll { removed.contains(ByteKey($0.key)) } }
        return result
    }

    private static func mergedValue(
        _ original: JSONValue?, _ change: JSONValue, _ key: String, _ schema: Schema?
    ) throws(PatchError) -> JSONValue {
        let field = schema?.property(key)
        switch (original, change) {
        case (.object(let before)?, .object(let change)):
            if field?.patchStrategies.contains("replace") == true { return .object(change) }
            return .object(try mergeObject(before, change, field))
        case (.array(let before)?, .array(let change)):
            guard field?.patchStrategies.contains("merge") == true else { return .array(change) }
            return .array(try mergeList(before, change, field))
        default:
            return cleaned(change, field)
        }
    }

    /// `$retainKeys` names everything that may stay; what the patch itself sets must be among it.
    private static func retainKeys(_ object: inout JSONObject, _ patch: JSONObject) throws(PatchError) {
        guard let list = patch[Directive.retainKeys] else { return }
        guard case .array(let names) = list else { throw malformed("invalid patch format of retainKeys") }
        let kept = Set(names.compactMap(\.string).map { ByteKey($0) })
        for (key, value) in patch where !value.isNull && !Directive.isDirective(key) && !kept.contains(ByteKey(key)) {
            throw malformed("invalid patch format of retainKeys")
        }
        object.removeAll { !kept.contains(ByteKey($0.key)) }
    }

    /// A new value, in which directives and null members have no meaning. In a map, whose keys may be anything, a directive
    /// is a key like another, as it is for Kubernetes: its value then does not fit the map's.
    private static func cleaned(_ value: JSONValue, _ schema: Schema?) -> JSONValue {
        switch value {
        case .object(var object):
            let isMap =
                schema?.additionalProperties != nil && schema?.patchStrategies.contains("retainKeys") != true
            object.removeAll { entry in
                entry.value.isNull || (isMap ? entry.key == Directive.patch : Directive.isDirective(entry.key))
            }
            object.updateValues { key, member in member = cleaned(member, schema?.property(key)) }
            return .object(object)
        case .array(let elements):
            return .array(
                elements.compactMap { element in
                    if element[Directive.patch] == "delete" || element == ["$patch": "replace"] { return nil }
                    return cleaned(element, schema?.items)
                })
        default: return value
        }
    }

    // MARK: Lists

    /// Merges every list that has a `$setElementOrder`, and tells which keys of the patch that settled.
    private static func orderedLists(
        _ object: inout JSONObject, _ patch: JSONObject, _ schema: Schema?
    ) throws(PatchError) -> Set<ByteKey> {
        var handled: Set<ByteKey> = []
        for (key, orderValue) in patch where key.hasPrefix(Directive.setElementOrder) {
            handled.insert(ByteKey(key))
            let name = String(key.dropFirst(Directive.setElementOrder.utf8.count))
            guard case .array(let order) = orderValue else {
                throw malformed("invalid patch format of setElementOrder list")
            }
            let field = schema?.property(name)
            let isMerged = field?.patchStrategies.contains("merge") == true
            guard isMerged else { continue }
            let mergeKey = field?.patchMergeKey
            // Deletions from a list of scalars come first, or they would undo the order.
            var original = object[name].array
            let deletions = Directive.deleteFromList + name
            if case .array(let unwanted)? = patch[deletions] {
                handled.insert(ByteKey(deletions))
                let gone = Set(unwanted)
                original = original?.filter { !gone.contains($0) }
            }
            let changes: [JSONValue]?
            switch patch[name] {
            case nil: changes = nil
            case .array(let elements)?: changes = elements
            default: continue
            }
            if let changes { try checkOrder(changes, order, mergeKey) }
            let merged: [JSONValue]
            switch (original, changes) {
            case (let before?, let changes?): merged = try mergeList(before, changes, field)
            case (let before?, nil): merged = before
            case (nil, let changes?): merged = cleaned(.array(changes), field).array ?? []
            case (nil, nil): continue
            }
            object[name] = .array(try arranged(merged, wanted: order, live: original ?? [], mergeKey))
            handled.insert(ByteKey(name))
        }
        return handled
    }

    /// The elements that a patch sets must stand in the order that it asks for.
    private static func checkOrder(
        _ changes: [JSONValue], _ order: [JSONValue], _ mergeKey: String?
    ) throws(PatchError) {
        var place = order.startIndex
        for change in changes where change[Directive.patch] == nil {
            let key = try identity(change, mergeKey)
            while place < order.endIndex, try identity(order[place], mergeKey) != key { place += 1 }
            guard place < order.endIndex else {
                throw malformed(
                    "The order in patch list:\n\(goText(.array(changes)))\n doesn't match $setElementOrder list:\n"
                        + "\(goText(.array(order)))\n")
            }
            place += 1
        }
    }

    private static func mergeList(
        _ original: [JSONValue], _ patch: [JSONValue], _ field: Schema?
    ) throws(PatchError) -> [JSONValue] {
        guard let sample = original.first ?? patch.first else { return original }
        guard case .object = sample else {
            if (original + patch).contains(where: { $0.array != nil }) {
                throw PatchError(.doesNotApply, "lists of lists are not supported")
            }
            var seen: Set<JSONValue> = []
            let merged = (original + patch).filter { seen.insert($0).inserted }
            return try arranged(merged, wanted: patch, live: original, nil)
        }
        guard let mergeKey = field?.patchMergeKey else { throw malformed("cannot merge lists without merge key") }

        var isReplaced = false
        var deleted: Set<JSONValue> = []
        var changes: [JSONObject] = []
        for element in patch {
            guard case .object(let object) = element else { throw mixedList(original, patch) }
            guard let directive = object[Directive.patch] else {
                changes.append(object)
                continue
            }
            switch directive {
            case "delete": deleted.insert(try identity(element, mergeKey))
            case "replace": isReplaced = true
            case "merge": throw malformed("merging lists cannot yet be specified in the patch")
            default: throw unknownPatchType(directive, object)
            }
        }
        if isReplaced { return changes.map { .object($0) } }

        var merged: [JSONValue] = []
        var places: [JSONValue: Int] = [:]
        for element in original {
            let key = try identity(element, mergeKey)
            if deleted.contains(key) { continue }
            if places[key] == nil { places[key] = merged.count }
            merged.append(element)
        }
        for change in changes {
            let key = try identity(.object(change), mergeKey)
            if let place = places[key] {
                merged[place] = .object(try mergeObject(merged[place].object ?? JSONObject(), change, field?.items))
            } else {
                places[key] = merged.count
                merged.append(cleaned(.object(change), field?.items))
            }
        }
        return try arranged(merged, wanted: changes.map { .object($0) }, live: original, mergeKey)
    }

    /// What tells an element from others: its merge key's value, or the scalar itself.
    private static func identity(_ element: JSONValue, _ mergeKey: String?) throws(PatchError) -> JSONValue {
        guard let mergeKey else { return element }
        guard let key = element[mergeKey] else {
            throw malformed("map: \(goText(element)) does not contain declared merge key: \(mergeKey)")
        }
        return key
    }

    /// Puts the elements that the patch names in its order, and the others before the first of those which follows them
    /// in the live list.
    private static func arranged(
        _ merged: [JSONValue], wanted: [JSONValue], live: [JSONValue], _ mergeKey: String?
    ) throws(PatchError) -> [JSONValue] {
        let wantedPlaces = try places(wanted, mergeKey)
        let livePlaces = try places(live, mergeKey)
        var named: [(element: JSONValue, wanted: Int, live: Int?)] = []
        var others: [(element: JSONValue, live: Int?)] = []
        for element in merged {
            let key = try identity(element, mergeKey)
            if let place = wantedPlaces[key] {
                named.append((element, place, livePlaces[key]))
            } else {
                others.append((element, livePlaces[key]))
            }
        }
        named.sort { $0.wanted < $1.wanted }
        others.sort { $0.live ?? .max < $1.live ?? .max }
        var result: [JSONValue] = []
        result.reserveCapacity(merged.count)
        var next = 0
        for (element, _, live) in named {
            while next < others.count, let live, let other = others[next].live, other < live {
                result.append(others[next].element)
                next += 1
            }
            result.append(element)
        }
        while next < others.count {
            result.append(others[next].element)
            next += 1
        }
        return result
    }

    private static func places(_ list: [JSONValue], _ mergeKey: String?) throws(PatchError) -> [JSONValue: Int] {
        var result: [JSONValue: Int] = [:]
        for (place, element) in list.enumerated() {
            let key = try identity(element, mergeKey)
            if result[key] == nil { result[key] = place }
        }
        return result
    }
}
