import KubeModel

/// Arithmetic with CEL's errors.
enum CELNumbers {
    static func add(_ left: CELValue, _ right: CELValue) throws(CELFailure) -> CELValue {
        switch (left, right) {
        case (.int(let left), .int(let right)): return .int(try checked(left.addingReportingOverflow(right)))
        case (.uint(let left), .uint(let right)): return .uint(try checked(left.addingReportingOverflow(right)))
        case (.double(let left), .double(let right)): return .double(left + right)
        case (.string(let left), .string(let right)): return .string(left + right)
        case (.bytes(let left), .bytes(let right)): return .bytes(left + right)
        case (.duration(let left), .duration(let right)):
            return .duration(try checked(left.addingReportingOverflow(right)))
        case (.timestamp(let time), .duration(let duration)), (.duration(let duration), .timestamp(let time)):
            return .timestamp(try time.advanced(by: duration))
        case (.jsonList(let first, let declaration), .jsonList(let second, let other))
        where declaration === other && declaration.listType == nil:
            return .jsonList(first + second, declaration)
        case (.jsonList(let first, let declaration), _) where declaration.listType != nil:
            guard let values = try right.elements() else { throw .noSuchOverload }
            let second = values.compactMap(\.json)
            guard second.count == values.count else { return .list((try left.elements() ?? []) + values) }
            return joined(first, second, declaration)
        default:
            guard let first = try left.elements(), let second = try right.elements() else { throw .noSuchOverload }
            return .list(first + second)
        }
    }

    /// Sets join to their union; of maps, the second's elements take the places of the first's with the same keys.
    private static func joined(
        _ first: [JSONValue], _ second: [JSONValue], _ declaration: CELDeclaration
    ) -> CELValue {
        func key(_ value: JSONValue) -> JSONValue {
            declaration.listType == "set" ? value : CELValue.key(of: value, declaration)
        }
        var result = first
        var places: [JSONValue: Int] = [:]
        for (place, value) in first.enumerated() { places[key(value)] = place }
        for value in second {
            if let place = places[key(value)] {
                result[place] = value
            } else {
                places[key(value)] = result.count
                result.append(value)
            }
        }
        return .jsonList(result, declaration)
    }

    static func subtract(_ left: CELValue, _ right: CELValue) throws(CELFailure) -> CELValue {
        switch (left, right) {
        case (.int(let left), .int(let right)): .int(try checked(left.subtractingReportingOverflow(right)))
        case (.uint(let left), .uint(let right)): .uint(try checked(left.subtractingReportingOverflow(right)))
        case (.double(let left), .double(let right)): .double(left - right)
        case (.duration(let left), .duration(let right)):
            .duration(try checked(left.subtractingReportingOverflow(right)))
        case (.timestamp(let time), .duration(let duration)):
            .timestamp(try time.advanced(by: try checked(Int64(0).subtractingReportingOverflow(duration))))
        case (.timestamp(let left), .timestamp(let right)): .duration(try left.distance(from: right))
        default: throw .noSuchOverload
        }
    }

    static func multiply(_ left: CELValue, _ right: CELValue) throws(CELFailure) -> CELValue {
        switch (left, right) {
        case (.int(let left), .int(let right)): .int(try checked(left.multipliedReportingOverflow(by: right)))
        case (.uint(let left), .uint(let right)): .uint(try checked(left.multipliedReportingOverflow(by: right)))
        case (.double(let left), .double(let right)): .double(left * right)
        default: throw .noSuchOverload
        }
    }

    static func divide(_ left: CELValue, _ right: CELValue) throws(CELFailure) -> CELValue {
        switch (left, right) {
        case (.int(let left), .int(let right)):
            guard right != 0 else { throw .failed("division by zero") }
            return .int(try checked(left.dividedReportingOverflow(by: right)))
        case (.uint(let left), .uint(let right)):
            guard right != 0 else { throw .failed("division by zero") }
            return .uint(left / right)
        case (.double(let left), .double(let right)): return .double(left / right)
        default: throw .noSuchOverload
        }
    }

    static func remainder(_ left: CELValue, _ right: CELValue) throws(CELFailure) -> CELValue {
        switch (left, right) {
        case (.int(let left), .int(let right)):
            guard right != 0 else { throw .failed("modulus by zero") }
            return .int(try checked(left.remainderReportingOverflow(dividingBy: right)))
        case (.uint(let left), .uint(let right)):
            guard right != 0 else { throw .failed("modulus by zero") }
            return .uint(left % right)
        default: throw .noSuchOverload
        }
    }

    static func negate(_ value: CELValue) throws(CELFailure) -> CELValue {
        switch value {
        case .int(let number): .int(try checked(Int64(0).subtractingReportingOverflow(number)))
        case .double(let number): .double(-number)
        case .duration(let number): .duration(try checked(Int64(0).subtractingReportingOverflow(number)))
        default: throw .noSuchOverload
        }
    }

    private static func checked(_ result: (partialValue: Int64, overflow: Bool)) throws(CELFailure) -> Int64 {
        if result.overflow { throw .overflow }
        return result.partialValue
    }

    private static func checked(_ result: (partialValue: UInt64, overflow: Bool)) throws(CELFailure) -> UInt64 {
        if result.overflow { throw .unsignedOverflow }
        return result.partialValue
    }

    /// As Go's `%g` writes it in the shortest form.
    static func text(of number: Double) -> String {
        if number.isNaN { return "NaN" }
        if number.isInfinite { return number < 0 ? "-Inf" : "+Inf" }
        if number == number.rounded(), abs(number) < 1e21 {
            return abs(number) < 0x1p63 ? "\(Int64(number))" : "\(Int128(number))"
        }
        return "\(number)"
    }

    // MARK: Conversions

    static func int(_ value: CELValue) throws(CELFailure) -> CELValue {
        switch value {
        case .int: return value
        case .uint(let number):
            guard let exact = Int64(exactly: number) else { throw .overflow }
            return .int(exact)
        case .double(let number):
            guard number > -0x1p63, number < 0x1p63 else { throw .overflow }
            return .int(Int64(number))
        case .string(let text):
            guard let number = Int64(text) else {
                throw .failed("strconv.ParseInt: parsing \(goQuoted(text)): invalid syntax")
            }
            return .int(number)
        case .timestamp(let time): return .int(time.seconds)
        case .duration(let nanoseconds): return .int(nanoseconds)
        default: throw .noSuchOverload
        }
    }

    static func uint(_ value: CELValue) throws(CELFailure) -> CELValue {
        switch value {
        case .uint: return value
        case .int(let number):
            guard let exact = UInt64(exactly: number) else { throw .unsignedOverflow }
            return .uint(exact)
        case .double(let number):
            guard number >= 0, number < 0x1p64 else { throw .unsignedOverflow }
            return .uint(UInt64(number))
        case .string(let text):
            guard let number = UInt64(text) else {
                throw .failed("strconv.ParseUint: parsing \(goQuoted(text)): invalid syntax")
            }
            return .uint(number)
        default: throw .noSuchOverload
        }
    }

    static func double(_ value: CELValue) throws(CELFailure) -> CELValue {
        switch value {
        case .double: return value
        case .int(let number): return .double(Double(number))
        case .uint(let number): return .double(Double(number))
        case .string(let text):
            guard let number = Double(text) else {
                throw .failed("strconv.ParseFloat: parsing \(goQuoted(text)): invalid syntax")
            }
            return .double(number)
        default: throw .noSuchOverload
        }
    }

    static func bool(_ value: CELValue) throws(CELFailure) -> CELValue {
        switch value {
        case .bool: return value
        case .string(let text):
            switch text {
            case "1", "t", "T", "TRUE", "true", "True": return .bool(true)
            case "0", "f", "F", "FALSE", "false", "False": return .bool(false)
            default: throw .failed("type conversion error from 'string' to 'bool'")
            }
        default: throw .noSuchOverload
        }
    }

    static func string(_ value: CELValue) throws(CELFailure) -> CELValue {
        switch value {
        case .bytes(let bytes):
            guard let text = String(validating: bytes, as: UTF8.self) else {
                throw .failed("invalid UTF-8 in bytes, cannot convert to string")
            }
            return .string(text)
        case .type, .null: throw .noSuchOverload
        default:
            guard let text = value.plainText else { throw .noSuchOverload }
            return .string(text)
        }
    }
}
