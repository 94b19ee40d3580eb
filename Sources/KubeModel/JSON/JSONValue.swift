import Glibc

/// A JSON document, the form in which the API server handles every object.
///
/// Numbers without fraction and exponent are `integer`; others are `number`, never NaN or infinite. Strings compare
/// byte by byte, unlike Swift's `String`, which treats canonically equivalent texts as equal.
public enum JSONValue: Sendable {
    case null
    case bool(Bool)
    case integer(Int64)
    case number(Double)
    case string(String)
    case array([JSONValue])
    case object(JSONObject)
}

extension JSONValue {
    public var isNull: Bool {
        if case .null = self { true } else { false }
    }

    public var bool: Bool? {
        if case .bool(let value) = self { value } else { nil }
    }

    /// The value of an integer, or of a number without a fraction that fits.
    public var int: Int? {
        switch self {
        case .integer(let value): Int(exactly: value)
        case .number(let value): Int(exactly: value)
        default: nil
        }
    }

    /// The value of an integer or a number.
    public var double: Double? {
        switch self {
        case .integer(let value): Double(value)
        case .number(let value): value
        default: nil
        }
    }

    public var string: String? {
        if case .string(let value) = self { value } else { nil }
    }

    public var array: [JSONValue]? {
        if case .array(let value) = self { value } else { nil }
    }

    public var object: JSONObject? {
        if case .object(let value) = self { value } else { nil }
    }

    /// The name Kubernetes uses for the type in messages: `null`, `boolean`, `integer`, `number`, `string`, `array`
    /// or `object`.
    public var typeName: String {
        switch self {
        case .null: "null"
        case .bool: "boolean"
        case .integer: "integer"
        case .number: "number"
        case .string: "string"
        case .array: "array"
        case .object: "object"
        }
    }
}

extension JSONValue {
    /// The value of a key; nil when absent or when this is no object.
    ///
    /// Setting makes an object out of any other value; setting nil removes the key.
    public subscript(key: String) -> JSONValue? {
        get {
            if case .object(let object) = self { object[key] } else { nil }
        }
        _modify {
            var object: JSONObject
            var wasObject = true
            if case .object(let current) = self {
                object = current
            } else {
                object = JSONObject()
                wasObject = false
            }
            let original = wasObject ? JSONValue.null : self
            // Moved out, so that the change below happens in place.
            self = .null
            yield &object[key]
            // Removing a key from what is no object leaves that as it was.
            self = wasObject || !object.isEmpty ? .object(object) : original
        }
    }

    /// The element at an index; nil when out of range or when this is no array. Setting outside the range, or in what
    /// is no array, does nothing; setting nil removes the element.
    public subscript(index: Int) -> JSONValue? {
        get {
            guard case .array(let array) = self, array.indices.contains(index) else { return nil }
            return array[index]
        }
        _modify {
            guard case .array(var array) = self, array.indices.contains(index) else {
                var nothing: JSONValue?
                yield &nothing
                return
            }
            self = .null
            var element: JSONValue? = array[index]
            array[index] = .null
            yield &element
            if let element { array[index] = element } else { array.remove(at: index) }
            self = .array(array)
        }
    }

    /// The value at a path of keys; nil when any step is absent.
    public subscript(path keys: [String]) -> JSONValue? {
        var current: JSONValue? = self
        for key in keys { current = current?[key] }
        return current
    }
}

/// Lets `value["spec"]["ports"][0]["name"]` read through what is absent, and write by making objects on the way.
extension JSONValue? {
    public subscript(key: String) -> JSONValue? {
        get { self?[key] }
        _modify {
            let wasAbsent = self == nil
            var value = self ?? .null
            self = nil
            yield &value[key]
            self = wasAbsent && value.isNull ? nil : value
        }
    }

    public subscript(index: Int) -> JSONValue? {
        get { self?[index] }
        _modify {
            guard var value = self else {
                var nothing: JSONValue?
                yield &nothing
                return
            }
            self = nil
            yield &value[index]
            self = value
        }
    }

    public var bool: Bool? { self?.bool }
    public var int: Int? { self?.int }
    public var double: Double? { self?.double }
    public var string: String? { self?.string }
    public var array: [JSONValue]? { self?.array }
    public var object: JSONObject? { self?.object }
}

extension JSONValue: Hashable {
    /// Structural equality: objects ignore key order, `1` equals `1.0`.
    public static func == (left: JSONValue, right: JSONValue) -> Bool {
        switch (left, right) {
        case (.null, .null): true
        case (.bool(let left), .bool(let right)): left == right
        case (.integer(let left), .integer(let right)): left == right
        case (.number(let left), .number(let right)): left == right
        case (.integer(let left), .number(let right)), (.number(let right), .integer(let left)):
            Int64(exactly: right) == left
        case (.string(let left), .string(let right)): sameBytes(left, right)
        case (.array(let left), .array(let right)): left == right
        case (.object(let left), .object(let right)): left == right
        default: false
        }
    }

    public func hash(into hasher: inout Hasher) {
        switch self {
        case .null: hasher.combine(0 as UInt8)
        case .bool(let value): hasher.combine(value)
        case .integer(let value): hasher.combine(value)
        case .number(let value):
            if let integer = Int64(exactly: value) { hasher.combine(integer) } else { hasher.combine(value) }
        case .string(let value): hasher.combine(value)
        case .array(let value): hasher.combine(value)
        case .object(let value): hasher.combine(value)
        }
    }
}

/// There is no nil literal: `nil` always means absence, as in `value[key] = nil`; null is `.null`.
extension JSONValue: ExpressibleByBooleanLiteral, ExpressibleByIntegerLiteral,
    ExpressibleByFloatLiteral, ExpressibleByStringInterpolation, ExpressibleByArrayLiteral,
    ExpressibleByDictionaryLiteral
{
    public init(booleanLiteral value: Bool) { self = .bool(value) }
    public init(integerLiteral value: Int64) { self = .integer(value) }
    public init(floatLiteral value: Double) { self = .number(value) }
    public init(stringLiteral value: String) { self = .string(value) }
    public init(arrayLiteral elements: JSONValue...) { self = .array(elements) }

    /// A key that stands twice keeps its last value.
    public init(dictionaryLiteral elements: (String, JSONValue)...) {
        var object = JSONObject(minimumCapacity: elements.count)
        for (key, value) in elements { object[key] = value }
        self = .object(object)
    }

    public init(_ value: String) { self = .string(value) }
    public init(_ value: Bool) { self = .bool(value) }

    /// Numbers above `Int64.max` become `number`.
    public init(_ value: some BinaryInteger) {
        self = Int64(exactly: value).map { .integer($0) } ?? .number(Double(value))
    }

    /// An object of strings, its keys sorted, as Go encodes a map.
    public init(_ map: [String: String]) {
        self = .object(JSONObject(map))
    }

    public init(_ strings: [String]) {
        self = .array(strings.map { .string($0) })
    }
}

extension JSONValue: CustomStringConvertible {
    /// The compact JSON text.
    public var description: String {
        String(decoding: encoded(), as: UTF8.self)
    }
}

extension JSONValue {
    /// Whether both are arrays or objects that lie in the same place, and so are equal. False says nothing.
    func isStored(with other: JSONValue) -> Bool {
        switch (self, other) {
        case (.array(let left), .array(let right)): isSameStorage(left, right)
        case (.object(let left), .object(let right)): isSameStorage(left.entries, right.entries)
        default: false
        }
    }
}

@inline(__always)
func isSameStorage<Element>(_ left: [Element], _ right: [Element]) -> Bool {
    left.count == right.count
        && left.withUnsafeBufferPointer { left in
            right.withUnsafeBufferPointer { $0.baseAddress == left.baseAddress }
        }
}

/// Whether two strings have the same bytes. `==` also accepts canonically equivalent ones.
@inline(__always)
package func sameBytes(_ left: String, _ right: String) -> Bool {
    if hasSameBits(left, right) { return true }
    guard left.utf8.count == right.utf8.count else { return false }
    return hasSameText(left, right)
}

/// Whether two texts are stored alike, as equal ones of up to 15 bytes nearly always are. False says nothing.
@inline(__always)
package func hasSameBits(_ left: String, _ right: String) -> Bool {
    let left = unsafeBitCast(left, to: (UInt64, UInt64).self)
    let right = unsafeBitCast(right, to: (UInt64, UInt64).self)
    return left == right
}

@inline(never)
private func hasSameText(_ left: String, _ right: String) -> Bool {
    // Of texts that lie in the strings themselves the standard library sees at once when they differ; and what is not
    // even canonically equivalent differs.
    if left.utf8.count <= 15, left != right { return false }
    let isSame = left.utf8.withContiguousStorageIfAvailable { left in
        right.utf8.withContiguousStorageIfAvailable { right in
            guard let first = left.baseAddress, let second = right.baseAddress else { return true }
            return memcmp(first, second, left.count) == 0
        }
    }
    // Every string of Swift's own lies in one piece.
    return (isSame ?? nil) ?? left.utf8.elementsEqual(right.utf8)
}
