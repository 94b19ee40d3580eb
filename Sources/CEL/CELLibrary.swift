import KubeModel
import NetworkTypes

/// What the functions do, by the values that they are called with.
enum CELLibrary {
    static func call(_ function: CELFunction, _ value: CELValue) throws(CELFailure) -> CELValue {
        switch function {
        case .negate: return try CELNumbers.negate(value)
        case .size: return .int(try size(value))
        case .int: return try CELNumbers.int(value)
        case .uint: return try CELNumbers.uint(value)
        case .double: return try CELNumbers.double(value)
        case .bool: return try CELNumbers.bool(value)
        case .string: return try CELNumbers.string(value)
        case .dyn: return value
        case .type: return .type(value.typeName)
        case .bytes:
            switch value {
            case .bytes: return value
            case .string(let text): return .bytes(Array(text.utf8))
            default: throw .noSuchOverload
            }
        case .duration, .timestamp, .getFullYear, .getMonth, .getDate, .getDayOfMonth, .getDayOfWeek, .getDayOfYear,
            .getHours, .getMinutes, .getSeconds, .getMilliseconds:
            return try CELClock.call(function, value, zone: nil)
        case .isSorted, .sum, .min, .max: return try CELLists.call(function, value)
        case .join: return try CELLists.join(value, "")
        case .elements, .first, .flatFirst, .optionalOf, .optionalOfNonZero, .hasValue, .value:
            return try CELOptionals.call(function, value)
        default: break
        }
        guard case .string(let text) = value else { return try network(function, value) }
        switch function {
        case .lowerAscii, .upperAscii, .trim, .quote: return try CELStrings.call(function, text)
        case .url:
            guard let url = GoURL(text) else {
                throw .failed("URL parse error during conversion from string: \(text)")
            }
            return .url(url)
        case .isURL: return .bool(GoURL(text) != nil)
        case .quantity:
            guard let quantity = CELQuantity(text) else {
                throw .failed(
                    "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'")
            }
            return .quantity(quantity)
        case .isQuantity: return .bool(CELQuantity(text) != nil)
        case .ip: return .address(try address(text))
        case .isIP: return .bool(isPlain(text))
        case .isCanonical:
            return .bool(try address(text).description == text)
        case .cidr: return .range(try range(text))
        case .isCIDR: return .bool(CIDR(text) != nil)
        case .namedFormat: return .optional(CELFormat(rawValue: text).map { .format($0) })
        default: throw .noSuchOverload
        }
    }

    static func call(
        _ function: CELFunction, _ first: CELValue, _ second: CELValue
    ) throws(CELFailure) -> CELValue {
        switch function {
        case .add: return try CELNumbers.add(first, second)
        case .subtract: return try CELNumbers.subtract(first, second)
        case .multiply: return try CELNumbers.multiply(first, second)
        case .divide: return try CELNumbers.divide(first, second)
        case .remainder: return try CELNumbers.remainder(first, second)
        case .less, .lessEquals, .greater, .greaterEquals: return .bool(try compare(function, first, second))
        case .contained: return .bool(try CELLists.contains(second, first))
        case .index: return try index(first, second)
        case .optionalIndex: return .optional(try optionalIndex(first, second))
        case .join: return try CELLists.join(first, try CELStrings.text(second))
        case .indexOf where first.listCount != nil, .lastIndexOf where first.listCount != nil:
            return try CELLists.position(function, first, second)
        case .sum: return try CELLists.call(function, first, zero: second)
        case .setsContains, .setsEquivalent, .setsIntersects: return try CELLists.sets(function, first, second)
        case .or_, .orValue: return try CELOptionals.call(function, first, second)
        case .getFullYear, .getMonth, .getDate, .getDayOfMonth, .getDayOfWeek, .getDayOfYear, .getHours, .getMinutes,
            .getSeconds, .getMilliseconds:
            return try CELClock.call(function, first, zone: try CELStrings.text(second))
        case .isGreaterThan, .isLessThan, .compareTo, .addQuantity, .subtractQuantity:
            return try quantity(function, first, second)
        case .containsIP, .containsCIDR: return try contains(function, first, second)
        case .validate:
            guard case .format(let format) = first else { throw .noSuchOverload }
            let complaints = format.complaints(about: try CELStrings.text(second))
            return .optional(complaints.isEmpty ? nil : .list(complaints.map { .string($0) }))
        default: return try CELStrings.call(function, first, [second])
        }
    }

    /// Calls with no argument or more than two.
    static func call(_ function: CELFunction, _ values: [CELValue]) throws(CELFailure) -> CELValue {
        if function == .optionalNone { return .optional(nil) }
        guard let first = values.first else { throw .noSuchOverload }
        return try CELStrings.call(function, first, Array(values.dropFirst()))
    }

    private static func size(_ value: CELValue) throws(CELFailure) -> Int64 {
        switch value {
        case .string(let text): return Int64(text.unicodeScalars.count)
        case .bytes(let bytes): return Int64(bytes.count)
        default:
            guard let count = value.listCount ?? value.mapCount else { throw .noSuchOverload }
            return Int64(count)
        }
    }

    private static func compare(
        _ function: CELFunction, _ first: CELValue, _ second: CELValue
    ) throws(CELFailure) -> Bool {
        guard let order = CELValue.order(first, second) else {
            switch (first, second) {
            // NaN is in no order with anything.
            case (.double, .double), (.double, .int), (.int, .double), (.double, .uint), (.uint, .double): return false
            default: throw .noSuchOverload
            }
        }
        return switch function {
        case .less: order < 0
        case .lessEquals: order <= 0
        case .greater: order > 0
        default: order >= 0
        }
    }

    // MARK: Indexes

    private static func place(_ value: CELValue) throws(CELFailure) -> Int {
        switch value {
        case .int(let number): return Int(number)
        case .uint(let number): return Int(exactly: number) ?? -1
        case .double(let number):
            guard let exact = Int(exactly: number) else { throw .failed("unsupported index type 'double' in list") }
            return exact
        default: throw .failed("unsupported index type '\(value.typeName)' in list")
        }
    }

    private static func index(_ value: CELValue, _ index: CELValue) throws(CELFailure) -> CELValue {
        if case .optional = value { return .optional(try optionalIndex(value, index)) }
        if value.listCount != nil {
            let place = try place(index)
            guard let element = try value.element(place) else { throw .failed("index out of bounds: \(place)") }
            return element
        }
        guard value.mapCount != nil else { throw .noSuchOverload }
        guard let member = try value.member(index) else { throw .failed("no such key: \(index.plainText ?? "")") }
        return member
    }

    private static func optionalIndex(_ value: CELValue, _ index: CELValue) throws(CELFailure) -> CELValue? {
        if case .optional(let inner) = value {
            guard let inner else { return nil }
            return try optionalIndex(inner, index)
        }
        if value.listCount != nil { return try value.element(try place(index)) }
        guard value.mapCount != nil else { throw .noSuchOverload }
        return try value.member(index)
    }

    // MARK: URLs, quantities and addresses

    private static func network(_ function: CELFunction, _ value: CELValue) throws(CELFailure) -> CELValue {
        switch (function, value) {
        case (.getScheme, .url(let url)): return .string(url.scheme)
        case (.getHost, .url(let url)): return .string(url.host)
        case (.getHostname, .url(let url)): return .string(url.hostname)
        case (.getPort, .url(let url)): return .string(url.port)
        case (.getEscapedPath, .url(let url)): return .string(url.escapedPath)
        case (.getQuery, .url(let url)):
            var map = CELMap()
            for (name, values) in url.parameters {
                try map.insert(.string(name), .list(values.map { .string($0) }))
            }
            return .map(map)
        case (.sign, .quantity(let quantity)): return .int(quantity.nano == 0 ? 0 : quantity.nano < 0 ? -1 : 1)
        case (.isInteger, .quantity(let quantity)): return .bool(quantity.integer != nil)
        case (.asInteger, .quantity(let quantity)):
            guard let integer = quantity.integer else { throw .failed("cannot convert value to integer") }
            return .int(integer)
        case (.asApproximateFloat, .quantity(let quantity)): return .double(Double(quantity.nano) / 1e9)
        case (.family, .address(let address)): return .int(address.family == .v4 ? 4 : 6)
        case (.isUnspecified, .address(let address)): return .bool(address.isUnspecified)
        case (.isLoopback, .address(let address)): return .bool(address.isLoopback)
        case (.isLinkLocalMulticast, .address(let address)): return .bool(address.isLinkLocalMulticast)
        case (.isLinkLocalUnicast, .address(let address)): return .bool(address.isLinkLocalUnicast)
        case (.isGlobalUnicast, .address(let address)):
            let isBroadcast = address.v4 == 0xffff_ffff
            return .bool(
                !address.isUnspecified && !address.isLoopback && !address.isMulticast && !address.isLinkLocalUnicast
                    && !isBroadcast)
        case (.ip, .range(let range)): return .address(range.address)
        case (.masked, .range(let range)): return .range(range.masked)
        case (.prefixLength, .range(let range)): return .int(Int64(range.prefixLength))
        default: throw .noSuchOverload
        }
    }

    private static func quantity(
        _ function: CELFunction, _ first: CELValue, _ second: CELValue
    ) throws(CELFailure) -> CELValue {
        guard case .quantity(let left) = first else { throw .noSuchOverload }
        let right: CELQuantity
        switch second {
        case .quantity(let quantity): right = quantity
        case .int(let number): right = CELQuantity(nano: Int128(number) * 1_000_000_000)
        default: throw .noSuchOverload
        }
        return switch function {
        case .isGreaterThan: .bool(left > right)
        case .isLessThan: .bool(left < right)
        case .compareTo: .int(left < right ? -1 : left == right ? 0 : 1)
        case .addQuantity: .quantity(try left.adding(right.nano))
        default: .quantity(try left.adding(-right.nano))
        }
    }

    /// Kubernetes refuses zones and IPv4 addresses in IPv6's form here.
    private static func isPlain(_ text: String) -> Bool {
        guard let address = IPAddress(text) else { return false }
        return address.mappedV4 == nil || address.family == .v4
    }

    private static func address(_ text: String) throws(CELFailure) -> IPAddress {
        guard isPlain(text), let address = IPAddress(text) else {
            throw .failed("IP Address \(goQuoted(text)) parse error during conversion from string")
        }
        return address
    }

    private static func range(_ text: String) throws(CELFailure) -> CIDR {
        guard isPlain(String(text.prefix { $0 != "/" })), let range = CIDR(text) else {
            throw .failed("network address parse error during conversion from string: \(text)")
        }
        return range
    }

    private static func contains(
        _ function: CELFunction, _ first: CELValue, _ second: CELValue
    ) throws(CELFailure) -> CELValue {
        guard case .range(let outer) = first else { throw .noSuchOverload }
        switch (function, second) {
        case (.containsIP, .string(let text)): return .bool(outer.contains(try address(text)))
        case (.containsIP, .address(let address)): return .bool(outer.contains(address))
        case (.containsCIDR, .string(let text)): return .bool(outer.contains(try range(text)))
        case (.containsCIDR, .range(let range)): return .bool(outer.contains(range))
        default: throw .noSuchOverload
        }
    }
}
