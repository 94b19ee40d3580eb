import KubeModel

extension CELValue {
    /// CEL's equality: numbers by value whatever their type, values of different types unequal, lists marked as sets
    /// or maps without regard to order.
    static func areEqual(_ left: CELValue, _ right: CELValue, depth: Int = 0) throws(CELFailure) -> Bool {
        switch (left, right) {
        case (.null, .null): return true
        case (.bool(let left), .bool(let right)): return left == right
        case (.string(let left), .string(let right)): return sameBytes(left, right)
        case (.bytes(let left), .bytes(let right)): return left == right
        case (.timestamp(let left), .timestamp(let right)): return left == right
        case (.duration(let left), .duration(let right)): return left == right
        case (.type(let left), .type(let right)): return left == right
        case (.url(let left), .url(let right)): return left.text == right.text
        case (.address(let left), .address(let right)): return left == right
        case (.range(let left), .range(let right)): return left == right
        case (.quantity(let left), .quantity(let right)): return left == right
        case (.optional(let left), .optional(let right)):
            guard let left, let right else { return left == nil && right == nil }
            return try areEqual(left, right, depth: depth + 1)
        case (.int, _), (.uint, _), (.double, _): return order(left, right) == 0
        default: break
        }
        guard depth < 200 else { throw .failed("value nests too deeply") }
        if case .jsonList(let leftElements, let declaration) = left,
            case .jsonList(let rightElements, let other) = right,
            declaration === other
        {
            if declaration.comparesAsJSON { return leftElements == rightElements }
        }
        if case .jsonList(let elements, let declaration) = left, declaration.listType != nil {
            return try hasSameElements(elements, right, declaration, depth: depth)
        }
        if case .jsonMap(let leftObject, let declaration) = left, case .jsonMap(let rightObject, let other) = right,
            declaration === other, declaration.comparesAsJSON
        {
            return leftObject == rightObject
        }
        if let count = left.listCount {
            guard count == right.listCount else { return false }
            for place in 0..<count {
                guard let first = try left.element(place), let second = try right.element(place),
                    try areEqual(first, second, depth: depth + 1)
                else { return false }
            }
            return true
        }
        if let count = left.mapCount {
            guard count == right.mapCount else { return false }
            for (key, value) in try left.members() {
                guard let other = try right.member(key), try areEqual(value, other, depth: depth + 1) else {
                    return false
                }
            }
            return true
        }
        return false
    }

    /// A list whose order does not matter, against any other. Elements of a `map` are paired by their keys.
    private static func hasSameElements(
        _ elements: [JSONValue], _ other: CELValue, _ declaration: CELDeclaration, depth: Int
    ) throws(CELFailure) -> Bool {
        guard elements.count == other.listCount else { return false }
        let element = declaration.element ?? .dynamic
        if declaration.listType == "set" {
            if case .jsonList(let others, _) = other, element.comparesAsJSON { return Set(elements) == Set(others) }
            let values = try other.elements() ?? []
            for own in elements {
                let own = try CELValue(own, element)
                var isThere = false
                for value in values where try areEqual(own, value, depth: depth + 1) {
                    isThere = true
                    break
                }
                guard isThere else { return false }
            }
            return true
        }
        var byKey: [JSONValue: JSONValue] = [:]
        for value in elements { byKey[key(of: value, declaration)] = value }
        for value in try other.elements() ?? [] {
            guard case .jsonMap(let object, _) = value, let own = byKey[key(of: .object(object), declaration)],
                try areEqual(CELValue(own, element), value, depth: depth + 1)
            else { return false }
        }
        return true
    }

    /// The JSON of what can be an element of an object's list.
    var json: JSONValue? {
        switch self {
        case .null: .null
        case .bool(let flag): .bool(flag)
        case .int(let number): .integer(number)
        case .double(let number): .number(number)
        case .string(let text): .string(text)
        case .jsonMap(let object, _): .object(object)
        case .jsonList(let elements, _): .array(elements)
        default: nil
        }
    }

    static func key(of value: JSONValue, _ declaration: CELDeclaration) -> JSONValue {
        var key = JSONObject()
        for name in declaration.listMapKeys { key[name] = value[name] }
        return .object(key)
    }

    /// -1, 0 or 1; nil when the values cannot be ordered, as NaN cannot.
    static func order(_ left: CELValue, _ right: CELValue) -> Int? {
        func sign<Value: Comparable>(_ left: Value, _ right: Value) -> Int? {
            left < right ? -1 : left > right ? 1 : left == right ? 0 : nil
        }
        switch (left, right) {
        case (.int(let left), .int(let right)): return sign(left, right)
        case (.uint(let left), .uint(let right)): return sign(left, right)
        case (.double(let left), .double(let right)): return sign(left, right)
        case (.int(let left), .uint(let right)): return left < 0 ? -1 : sign(UInt64(left), right)
        case (.uint(let left), .int(let right)): return right < 0 ? 1 : sign(left, UInt64(right))
        case (.int(let left), .double(let right)): return ordered(Int128(left), right)
        case (.uint(let left), .double(let right)): return ordered(Int128(left), right)
        case (.double(let left), .int(let right)): return ordered(Int128(right), left).map { -$0 }
        case (.double(let left), .uint(let right)): return ordered(Int128(right), left).map { -$0 }
        case (.string(let left), .string(let right)):
            if left.utf8.elementsEqual(right.utf8) { return 0 }
            return left.utf8.lexicographicallyPrecedes(right.utf8) ? -1 : 1
        case (.bytes(let left), .bytes(let right)):
            if left == right { return 0 }
            return left.lexicographicallyPrecedes(right) ? -1 : 1
        case (.bool(let left), .bool(let right)): return left == right ? 0 : left ? 1 : -1
        case (.timestamp(let left), .timestamp(let right)): return sign(left, right)
        case (.duration(let left), .duration(let right)): return sign(left, right)
        default: return nil
        }
    }

    /// Within the integers' range both are compared as doubles, so that large neighbours count as one (cel-spec,
    /// "lossy" comparisons).
    private static func ordered(_ integer: Int128, _ number: Double) -> Int? {
        let left = Double(integer)
        return number.isNaN ? nil : left == number ? 0 : left < number ? -1 : 1
    }

    // MARK: Lists and maps, however they are stored

    var listCount: Int? {
        switch self {
        case .jsonList(let elements, _): elements.count
        case .list(let elements): elements.count
        default: nil
        }
    }

    func element(_ place: Int) throws(CELFailure) -> CELValue? {
        switch self {
        case .jsonList(let elements, let declaration):
            guard elements.indices.contains(place) else { return nil }
            return try CELValue(elements[place], declaration.element ?? .dynamic)
        case .list(let elements): return elements.indices.contains(place) ? elements[place] : nil
        default: return nil
        }
    }

    /// The elements of a list; nil for anything else.
    func elements() throws(CELFailure) -> [CELValue]? {
        switch self {
        case .list(let elements): return elements
        case .jsonList(let elements, let declaration):
            let element = declaration.element ?? .dynamic
            var result: [CELValue] = []
            result.reserveCapacity(elements.count)
            for value in elements { result.append(try CELValue(value, element)) }
            return result
        default: return nil
        }
    }

    var mapCount: Int? {
        switch self {
        case .jsonMap(let object, _): object.count
        case .map(let map): map.entries.count
        default: nil
        }
    }

    /// The entries of a map or object, keys as expressions see them.
    func members() throws(CELFailure) -> [(key: CELValue, value: CELValue)] {
        switch self {
        case .map(let map): return map.entries
        case .jsonMap(let object, let declaration):
            var result: [(key: CELValue, value: CELValue)] = []
            result.reserveCapacity(object.count)
            for (name, value) in object {
                if declaration.kind == .map {
                    result.append((.string(name), try CELValue(value, declaration.element ?? .dynamic)))
                } else if let escaped = CELNames.escape(name), let field = declaration.fields[escaped] {
                    result.append((.string(escaped), try CELValue(value, field.declaration)))
                }
            }
            return result
        default: return []
        }
    }

    /// The value of a key that a map or object has.
    func member(_ key: CELValue) throws(CELFailure) -> CELValue? {
        switch self {
        case .map(let map): return map[key]
        case .jsonMap(let object, let declaration):
            guard case .string(let name) = key else { return nil }
            if declaration.kind == .map {
                guard let value = object[name] else { return nil }
                return try CELValue(value, declaration.element ?? .dynamic)
            }
            guard let field = declaration.fields[name], let value = object[field.name], !value.isNull else {
                return nil
            }
            return try CELValue(value, field.declaration)
        default: return nil
        }
    }
}
