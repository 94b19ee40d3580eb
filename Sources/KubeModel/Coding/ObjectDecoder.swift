/// Makes typed structs out of documents. Unknown keys are ignored; `null` counts as absent, as in Go.
public enum ObjectDecoder {
    public static func decode<T: Decodable>(_ type: T.Type, from value: JSONValue) throws(ObjectCodingError) -> T {
        do {
            return try ValueDecoder(value: value, step: nil).unbox(type)
        } catch {
            throw ObjectCodingError(error)
        }
    }
}

private struct ValueDecoder: Decoder {
    let value: JSONValue
    let step: CodingStep?

    var codingPath: [any CodingKey] { CodingStep.keys(step) }
    var userInfo: [CodingUserInfoKey: Any] { [:] }

    func container<Key: CodingKey>(keyedBy type: Key.Type) throws -> KeyedDecodingContainer<Key> {
        guard case .object(let object) = value else { throw mismatch([String: JSONValue].self, "object") }
        return KeyedDecodingContainer(KeyedContainer(object: object, step: step))
    }

    func unkeyedContainer() throws -> any UnkeyedDecodingContainer {
        guard case .array(let array) = value else { throw mismatch([JSONValue].self, "array") }
        return UnkeyedContainer(array: array, step: step)
    }

    func singleValueContainer() throws -> any SingleValueDecodingContainer { self }

    /// Types that need no container of their own are made here, without going through their conformances.
    @inline(__always)
    func unbox<T: Decodable>(_ type: T.Type) throws -> T {
        if let result = try direct(type) { return result }
        return try T(from: self)
    }

    private func direct<T: Decodable>(_ type: T.Type) throws -> T? {
        if type == JSONValue.self { return value as? T }
        if type == [String: String].self {
            guard case .object(let object) = value else { throw mismatch(type, "object") }
            var result: [String: String] = [:]
            result.reserveCapacity(object.count)
            for (key, element) in object {
                guard case .string(let text) = element else {
                    throw ValueDecoder(value: element, step: CodingStep(step, .child(key))).mismatch(type, "string")
                }
                result[key] = text
            }
            return result as? T
        }
        if type == [String].self {
            guard case .array(let array) = value else { throw mismatch(type, "array") }
            var result: [String] = []
            result.reserveCapacity(array.count)
            for (index, element) in array.enumerated() {
                guard case .string(let text) = element else {
                    throw ValueDecoder(value: element, step: CodingStep(step, .index(index))).mismatch(type, "string")
                }
                result.append(text)
            }
            return result as? T
        }
        if type == JSONObject.self {
            guard case .object(let object) = value else { throw mismatch(type, "object") }
            return object as? T
        }
        return nil
    }

    func mismatch(_ type: Any.Type, _ expected: String) -> DecodingError {
        .typeMismatch(
            type,
            DecodingError.Context(
                codingPath: codingPath, debugDescription: "must be of type \(expected): \"\(value.typeName)\""))
    }

    func boolean() throws -> Bool {
        guard case .bool(let result) = value else { throw mismatch(Bool.self, "boolean") }
        return result
    }

    func text() throws -> String {
        guard case .string(let result) = value else { throw mismatch(String.self, "string") }
        return result
    }

    func floating() throws -> Double {
        guard let result = value.double else { throw mismatch(Double.self, "number") }
        return result
    }

    func integer<T: FixedWidthInteger>(_ type: T.Type) throws -> T {
        switch value {
        case .integer(let number):
            if let result = T(exactly: number) { return result }
        case .number(let number):
            if let result = T(exactly: number) { return result }
        default:
            throw mismatch(type, "integer")
        }
        throw DecodingError.dataCorrupted(
            DecodingError.Context(codingPath: codingPath, debugDescription: "\(value) does not fit \(type)"))
    }
}

extension ValueDecoder: SingleValueDecodingContainer {
    func decodeNil() -> Bool { value.isNull }
    func decode(_ type: Bool.Type) throws -> Bool { try boolean() }
    func decode(_ type: String.Type) throws -> String { try text() }
    func decode(_ type: Double.Type) throws -> Double { try floating() }
    func decode(_ type: Float.Type) throws -> Float { Float(try floating()) }
    func decode(_ type: Int.Type) throws -> Int { try integer(type) }
    func decode(_ type: Int8.Type) throws -> Int8 { try integer(type) }
    func decode(_ type: Int16.Type) throws -> Int16 { try integer(type) }
    func decode(_ type: Int32.Type) throws -> Int32 { try integer(type) }
    func decode(_ type: Int64.Type) throws -> Int64 { try integer(type) }
    func decode(_ type: UInt.Type) throws -> UInt { try integer(type) }
    func decode(_ type: UInt8.Type) throws -> UInt8 { try integer(type) }
    func decode(_ type: UInt16.Type) throws -> UInt16 { try integer(type) }
    func decode(_ type: UInt32.Type) throws -> UInt32 { try integer(type) }
    func decode(_ type: UInt64.Type) throws -> UInt64 { try integer(type) }
    func decode<T: Decodable>(_ type: T.Type) throws -> T { try unbox(type) }
}

private struct KeyedContainer<Key: CodingKey>: KeyedDecodingContainerProtocol {
    let object: JSONObject
    let step: CodingStep?

    var codingPath: [any CodingKey] { CodingStep.keys(step) }
    var allKeys: [Key] { object.keys.compactMap { Key(stringValue: $0) } }

    func contains(_ key: Key) -> Bool { object.contains(key.stringValue) }

    func decodeNil(forKey key: Key) throws -> Bool { object[key.stringValue]?.isNull ?? true }

    @inline(__always)
    private func member(_ key: Key) throws -> ValueDecoder {
        guard let value = object[key.stringValue] else {
            throw DecodingError.keyNotFound(
                key, DecodingError.Context(codingPath: codingPath, debugDescription: "required field is missing"))
        }
        return ValueDecoder(value: value, step: CodingStep(step, .child(key.stringValue)))
    }

    /// nil for an absent key and for `null`. A scalar needs a path only when it does not fit.
    @inline(__always)
    private func optional(_ key: Key) -> ValueDecoder? {
        guard let value = object[key.stringValue], !value.isNull else { return nil }
        return ValueDecoder(value: value, step: CodingStep(step, .child(key.stringValue)))
    }

    func decode(_ type: Bool.Type, forKey key: Key) throws -> Bool { try member(key).boolean() }
    func decode(_ type: String.Type, forKey key: Key) throws -> String { try member(key).text() }
    func decode(_ type: Double.Type, forKey key: Key) throws -> Double { try member(key).floating() }
    func decode(_ type: Float.Type, forKey key: Key) throws -> Float { Float(try member(key).floating()) }
    func decode(_ type: Int.Type, forKey key: Key) throws -> Int { try member(key).integer(type) }
    func decode(_ type: Int8.Type, forKey key: Key) throws -> Int8 { try member(key).integer(type) }
    func decode(_ type: Int16.Type, forKey key: Key) throws -> Int16 { try member(key).integer(type) }
    func decode(_ type: Int32.Type, forKey key: Key) throws -> Int32 { try member(key).integer(type) }
    func decode(_ type: Int64.Type, forKey key: Key) throws -> Int64 { try member(key).integer(type) }
    func decode(_ type: UInt.Type, forKey key: Key) throws -> UInt { try member(key).integer(type) }
    func decode(_ type: UInt8.Type, forKey key: Key) throws -> UInt8 { try member(key).integer(type) }
    func decode(_ type: UInt16.Type, forKey key: Key) throws -> UInt16 { try member(key).integer(type) }
    func decode(_ type: UInt32.Type, forKey key: Key) throws -> UInt32 { try member(key).integer(type) }
    func decode(_ type: UInt64.Type, forKey key: Key) throws -> UInt64 { try member(key).integer(type) }
    func decode<T: Decodable>(_ type: T.Type, forKey key: Key) throws -> T { try member(key).unbox(type) }

    func decodeIfPresent(_ type: Bool.Type, forKey key: Key) throws -> Bool? {
        if case .bool(let value)? = object[key.stringValue] { return value }
        return try optional(key)?.boolean()
    }

    func decodeIfPresent(_ type: String.Type, forKey key: Key) throws -> String? {
        if case .string(let value)? = object[key.stringValue] { return value }
        return try optional(key)?.text()
    }

    func decodeIfPresent(_ type: Int.Type, forKey key: Key) throws -> Int? {
        if case .integer(let value)? = object[key.stringValue] { return Int(value) }
        return try optional(key)?.integer(type)
    }

    func decodeIfPresent(_ type: Int32.Type, forKey key: Key) throws -> Int32? { try optional(key)?.integer(type) }
    func decodeIfPresent(_ type: Int64.Type, forKey key: Key) throws -> Int64? { try optional(key)?.integer(type) }
    func decodeIfPresent(_ type: UInt16.Type, forKey key: Key) throws -> UInt16? { try optional(key)?.integer(type) }
    func decodeIfPresent(_ type: Double.Type, forKey key: Key) throws -> Double? { try optional(key)?.floating() }

    func decodeIfPresent<T: Decodable>(_ type: T.Type, forKey key: Key) throws -> T? {
        try optional(key)?.unbox(type)
    }

    func nestedContainer<Nested: CodingKey>(
        keyedBy type: Nested.Type, forKey key: Key
    ) throws -> KeyedDecodingContainer<Nested> {
        try member(key).container(keyedBy: type)
    }

    func nestedUnkeyedContainer(forKey key: Key) throws -> any UnkeyedDecodingContainer {
        try member(key).unkeyedContainer()
    }

    func superDecoder() throws -> any Decoder { ValueDecoder(value: .object(object), step: step) }
    func superDecoder(forKey key: Key) throws -> any Decoder { try member(key) }
}

private struct UnkeyedContainer: UnkeyedDecodingContainer {
    let array: [JSONValue]
    let step: CodingStep?
    var currentIndex = 0

    init(array: [JSONValue], step: CodingStep?) {
        self.array = array
        self.step = step
    }

    var codingPath: [any CodingKey] { CodingStep.keys(step) }
    var count: Int? { array.count }
    var isAtEnd: Bool { currentIndex >= array.count }

    private mutating func next() throws -> ValueDecoder {
        guard currentIndex < array.count else {
            throw DecodingError.valueNotFound(
                JSONValue.self, DecodingError.Context(codingPath: codingPath, debugDescription: "array has ended"))
        }
        defer { currentIndex += 1 }
        return ValueDecoder(value: array[currentIndex], step: CodingStep(step, .index(currentIndex)))
    }

    mutating func decodeNil() throws -> Bool {
        guard currentIndex < array.count, array[currentIndex].isNull else { return false }
        currentIndex += 1
        return true
    }

    mutating func decode(_ type: Bool.Type) throws -> Bool { try next().boolean() }
    mutating func decode(_ type: String.Type) throws -> String { try next().text() }
    mutating func decode(_ type: Double.Type) throws -> Double { try next().floating() }
    mutating func decode(_ type: Float.Type) throws -> Float { Float(try next().floating()) }
    mutating func decode(_ type: Int.Type) throws -> Int { try next().integer(type) }
    mutating func decode(_ type: Int8.Type) throws -> Int8 { try next().integer(type) }
    mutating func decode(_ type: Int16.Type) throws -> Int16 { try next().integer(type) }
    mutating func decode(_ type: Int32.Type) throws -> Int32 { try next().integer(type) }
    mutating func decode(_ type: Int64.Type) throws -> Int64 { try next().integer(type) }
    mutating func decode(_ type: UInt.Type) throws -> UInt { try next().integer(type) }
    mutating func decode(_ type: UInt8.Type) throws -> UInt8 { try next().integer(type) }
    mutating func decode(_ type: UInt16.Type) throws -> UInt16 { try next().integer(type) }
    mutating func decode(_ type: UInt32.Type) throws -> UInt32 { try next().integer(type) }
    mutating func decode(_ type: UInt64.Type) throws -> UInt64 { try next().integer(type) }
    mutating func decode<T: Decodable>(_ type: T.Type) throws -> T { try next().unbox(type) }

    mutating func nestedContainer<Nested: CodingKey>(
        keyedBy type: Nested.Type
    ) throws -> KeyedDecodingContainer<Nested> {
        try next().container(keyedBy: type)
    }

    mutating func nestedUnkeyedContainer() throws -> any UnkeyedDecodingContainer { try next().unkeyedContainer() }
    mutating func superDecoder() throws -> any Decoder { try next() }
}
