/// Makes documents out of typed structs: members in their declared order, nil members absent, maps with sorted keys.
public enum ObjectEncoder {
    public static func encode<T: Encodable>(_ value: T) throws(ObjectCodingError) -> JSONValue {
        do {
            return try box(value, nil)
        } catch {
            throw ObjectCodingError(error)
        }
    }
}

/// A place in the document that is being built. Encoders hand out containers that write later, hence a reference.
private final class Slot {
    enum Content {
        case value(JSONValue)
        case object([(key: String, slot: Slot)])
        case array([Slot])
    }

    var content: Content?

    init(_ value: JSONValue? = nil) {
        content = value.map { .value($0) }
    }

    var value: JSONValue {
        switch content {
        case nil: return .object(JSONObject())
        case .value(let value): return value
        case .array(let slots): return .array(slots.map(\.value))
        case .object(let slots):
            var object = JSONObject(minimumCapacity: slots.count)
            for (key, slot) in slots { object[key] = slot.value }
            return .object(object)
        }
    }

    func set(_ key: String, _ slot: Slot) {
        if case .object(var slots)? = content {
            content = nil
            slots.append((key, slot))
            content = .object(slots)
        } else {
            content = .object([(key, slot)])
        }
    }

    func append(_ slot: Slot) {
        if case .array(var slots)? = content {
            content = nil
            slots.append(slot)
            content = .array(slots)
        } else {
            content = .array([slot])
        }
    }

    func becomeObject() {
        if case .object? = content { return }
        content = .object([])
    }

    func becomeArray() {
        if case .array? = content { return }
        content = .array([])
    }
}

private func box(_ value: any Encodable, _ step: CodingStep?) throws -> JSONValue {
    switch value {
    case let value as JSONValue: return value
    case let value as String: return .string(value)
    case let value as [String: String]: return JSONValue(value)
    case let value as [String]: return JSONValue(value)
    case let value as JSONObject: return .object(value)
    default: break
    }
    let slot = Slot()
    try value.encode(to: SlotEncoder(slot: slot, step: step))
    let result = slot.value
    // Swift's dictionaries have no stable order.
    if value is any StringKeyedMap, case .object(let object) = result { return .object(object.sortedByKey()) }
    return result
}

private protocol StringKeyedMap {}
extension Dictionary: StringKeyedMap where Key == String, Value: Encodable {}

private struct SlotEncoder: Encoder {
    let slot: Slot
    let step: CodingStep?

    var codingPath: [any CodingKey] { CodingStep.keys(step) }
    var userInfo: [CodingUserInfoKey: Any] { [:] }

    func container<Key: CodingKey>(keyedBy type: Key.Type) -> KeyedEncodingContainer<Key> {
        slot.becomeObject()
        return KeyedEncodingContainer(KeyedSlots(slot: slot, step: step))
    }

    func unkeyedContainer() -> any UnkeyedEncodingContainer {
        slot.becomeArray()
        return UnkeyedSlots(slot: slot, step: step)
    }

    func singleValueContainer() -> any SingleValueEncodingContainer { self }
}

private func boxNumber(_ value: Double, _ step: CodingStep?) throws -> JSONValue {
    guard value.isFinite else {
        throw EncodingError.invalidValue(
            value, EncodingError.Context(codingPath: CodingStep.keys(step), debugDescription: "must be finite"))
    }
    return .number(value)
}

extension SlotEncoder: SingleValueEncodingContainer {
    func encodeNil() throws { slot.content = .value(.null) }
    func encode(_ value: Bool) throws { slot.content = .value(.bool(value)) }
    func encode(_ value: String) throws { slot.content = .value(.string(value)) }
    func encode(_ value: Double) throws { slot.content = .value(try boxNumber(value, step)) }
    func encode(_ value: Float) throws { slot.content = .value(try boxNumber(Double(value), step)) }
    func encode(_ value: Int) throws { slot.content = .value(.integer(Int64(value))) }
    func encode(_ value: Int8) throws { slot.content = .value(.integer(Int64(value))) }
    func encode(_ value: Int16) throws { slot.content = .value(.integer(Int64(value))) }
    func encode(_ value: Int32) throws { slot.content = .value(.integer(Int64(value))) }
    func encode(_ value: Int64) throws { slot.content = .value(.integer(value)) }
    func encode(_ value: UInt) throws { slot.content = .value(JSONValue(value)) }
    func encode(_ value: UInt8) throws { slot.content = .value(.integer(Int64(value))) }
    func encode(_ value: UInt16) throws { slot.content = .value(.integer(Int64(value))) }
    func encode(_ value: UInt32) throws { slot.content = .value(.integer(Int64(value))) }
    func encode(_ value: UInt64) throws { slot.content = .value(JSONValue(value)) }
    func encode<T: Encodable>(_ value: T) throws { slot.content = .value(try box(value, step)) }
}

private struct KeyedSlots<Key: CodingKey>: KeyedEncodingContainerProtocol {
    let slot: Slot
    let step: CodingStep?

    var codingPath: [any CodingKey] { CodingStep.keys(step) }

    private func set(_ key: Key, _ value: JSONValue) { slot.set(key.stringValue, Slot(value)) }
    private func below(_ key: Key) -> CodingStep { CodingStep(step, .child(key.stringValue)) }

    func encodeNil(forKey key: Key) throws { set(key, .null) }
    func encode(_ value: Bool, forKey key: Key) throws { set(key, .bool(value)) }
    func encode(_ value: String, forKey key: Key) throws { set(key, .string(value)) }
    func encode(_ value: Double, forKey key: Key) throws { set(key, try boxNumber(value, below(key))) }
    func encode(_ value: Float, forKey key: Key) throws { set(key, try boxNumber(Double(value), below(key))) }
    func encode(_ value: Int, forKey key: Key) throws { set(key, .integer(Int64(value))) }
    func encode(_ value: Int8, forKey key: Key) throws { set(key, .integer(Int64(value))) }
    func encode(_ value: Int16, forKey key: Key) throws { set(key, .integer(Int64(value))) }
    func encode(_ value: Int32, forKey key: Key) throws { set(key, .integer(Int64(value))) }
    func encode(_ value: Int64, forKey key: Key) throws { set(key, .integer(value)) }
    func encode(_ value: UInt, forKey key: Key) throws { set(key, JSONValue(value)) }
    func encode(_ value: UInt8, forKey key: Key) throws { set(key, .integer(Int64(value))) }
    func encode(_ value: UInt16, forKey key: Key) throws { set(key, .integer(Int64(value))) }
    func encode(_ value: UInt32, forKey key: Key) throws { set(key, .integer(Int64(value))) }
    func encode(_ value: UInt64, forKey key: Key) throws { set(key, JSONValue(value)) }
    func encode<T: Encodable>(_ value: T, forKey key: Key) throws { set(key, try box(value, below(key))) }

    func nestedContainer<Nested: CodingKey>(
        keyedBy type: Nested.Type, forKey key: Key
    ) -> KeyedEncodingContainer<Nested> {
        nested(key).container(keyedBy: type)
    }

    func nestedUnkeyedContainer(forKey key: Key) -> any UnkeyedEncodingContainer {
        nested(key).unkeyedContainer()
    }

    func superEncoder() -> any Encoder { SlotEncoder(slot: slot, step: step) }
    func superEncoder(forKey key: Key) -> any Encoder { nested(key) }

    private func nested(_ key: Key) -> SlotEncoder {
        let fresh = Slot()
        slot.set(key.stringValue, fresh)
        return SlotEncoder(slot: fresh, step: below(key))
    }
}

private struct UnkeyedSlots: UnkeyedEncodingContainer {
    let slot: Slot
    let step: CodingStep?
    var count = 0

    init(slot: Slot, step: CodingStep?) {
        self.slot = slot
        self.step = step
    }

    var codingPath: [any CodingKey] { CodingStep.keys(step) }

    private mutating func append(_ value: JSONValue) {
        slot.append(Slot(value))
        count += 1
    }

    private mutating func nested() -> SlotEncoder {
        let fresh = Slot()
        slot.append(fresh)
        defer { count += 1 }
        return SlotEncoder(slot: fresh, step: CodingStep(step, .index(count)))
    }

    mutating func encodeNil() throws { append(.null) }
    mutating func encode(_ value: Bool) throws { append(.bool(value)) }
    mutating func encode(_ value: String) throws { append(.string(value)) }
    mutating func encode(_ value: Double) throws { append(try boxNumber(value, step)) }
    mutating func encode(_ value: Float) throws { append(try boxNumber(Double(value), step)) }
    mutating func encode(_ value: Int) throws { append(.integer(Int64(value))) }
    mutating func encode(_ value: Int8) throws { append(.integer(Int64(value))) }
    mutating func encode(_ value: Int16) throws { append(.integer(Int64(value))) }
    mutating func encode(_ value: Int32) throws { append(.integer(Int64(value))) }
    mutating func encode(_ value: Int64) throws { append(.integer(value)) }
    mutating func encode(_ value: UInt) throws { append(JSONValue(value)) }
    mutating func encode(_ value: UInt8) throws { append(.integer(Int64(value))) }
    mutating func encode(_ value: UInt16) throws { append(.integer(Int64(value))) }
    mutating func encode(_ value: UInt32) throws { append(.integer(Int64(value))) }
    mutating func encode(_ value: UInt64) throws { append(JSONValue(value)) }
    mutating func encode<T: Encodable>(_ value: T) throws {
        append(try box(value, CodingStep(step, .index(count))))
    }

    mutating func nestedContainer<Nested: CodingKey>(keyedBy type: Nested.Type) -> KeyedEncodingContainer<Nested> {
        nested().container(keyedBy: type)
    }

    mutating func nestedUnkeyedContainer() -> any UnkeyedEncodingContainer { nested().unkeyedContainer() }
    mutating func superEncoder() -> any Encoder { nested() }
}
