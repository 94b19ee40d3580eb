import KubeModel

/// The functions of optional values.
enum CELOptionals {
    static func call(_ function: CELFunction, _ value: CELValue) throws(CELFailure) -> CELValue {
        switch (function, value) {
        case (.optionalOf, _): return .optional(value)
        case (.optionalOfNonZero, _): return .optional(try isZero(value) ? nil : value)
        case (.hasValue, .optional(let inner)): return .bool(inner != nil)
        case (.value, .optional(let inner)):
            guard let inner else { throw .failed("optional.none() dereference") }
            return inner
        case (.elements, .optional(let inner)): return .list(inner.map { [$0] } ?? [])
        case (.first, .list(let elements)): return .optional(elements.first)
        case (.flatFirst, .list(let elements)):
            guard let first = elements.first else { return .optional(nil) }
            guard case .optional = first else { throw .noSuchOverload }
            return first
        default: throw .noSuchOverload
        }
    }

    static func call(_ function: CELFunction, _ value: CELValue, _ other: CELValue) throws(CELFailure) -> CELValue {
        guard case .optional(let inner) = value else { throw .noSuchOverload }
        guard let inner else { return other }
        return function == .or_ ? value : inner
    }

    private static func isZero(_ value: CELValue) throws(CELFailure) -> Bool {
        switch value {
        case .null: return true
        case .bool(let flag): return !flag
        case .int(let number): return number == 0
        case .uint(let number): return number == 0
        case .double(let number): return number == 0
        case .string(let text): return text.isEmpty
        case .bytes(let bytes): return bytes.isEmpty
        case .duration(let nanoseconds): return nanoseconds == 0
        case .optional(let inner): return inner == nil
        default: return (value.listCount ?? value.mapCount) == 0
        }
    }
}
