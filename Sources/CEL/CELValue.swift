import KubeModel
import NetworkTypes

/// A value while an expression is evaluated. Parts of the object stay JSON and are read in place.
enum CELValue: Sendable {
    case null
    case bool(Bool)
    case int(Int64)
    case uint(UInt64)
    case double(Double)
    case string(String)
    case bytes([UInt8])
    case timestamp(CELTime)
    /// In nanoseconds.
    case duration(Int64)
    case jsonList([JSONValue], CELDeclaration)
    /// A map or an object with declared fields.
    case jsonMap(JSONObject, CELDeclaration)
    case list([CELValue])
    case map(CELMap)
    case type(String)
    indirect case optional(CELValue?)
    case url(GoURL)
    case address(IPAddress)
    case range(CIDR)
    case quantity(CELQuantity)
    case format(CELFormat)
}

/// Why an evaluation gave no value.
enum CELFailure: Error, Equatable {
    /// What cel-go's error values say: `no such key: x`, `division by zero`.
    case failed(String)
    /// The expression cost more than one may.
    case costExceeded

    static let noSuchOverload = CELFailure.failed("no such overload")
    static let overflow = CELFailure.failed("integer overflow")
    static let unsignedOverflow = CELFailure.failed("unsigned integer overflow")

    var message: String {
        switch self {
        case .failed(let message): message
        case .costExceeded: "operation cancelled: actual cost limit exceeded"
        }
    }
}

/// A moment to the nanosecond.
struct CELTime: Sendable, Comparable {
    var seconds: Int64
    /// 0 to 999,999,999.
    var nanoseconds: Int64
    /// Seconds east of Greenwich, in which the time was written and is written again.
    var offset: Int64 = 0

    /// Years 1 to 9999, all that CEL can hold.
    static let validSeconds: ClosedRange<Int64> = -62_135_596_800...253_402_300_799

    init(seconds: Int64, nanoseconds: Int64) {
        self.seconds = seconds
        self.nanoseconds = nanoseconds
    }

    /// RFC 3339, or a date alone.
    init?(_ text: String) {
        guard let moment = RFC3339.parse(text) ?? (text.utf8.count == 10 ? RFC3339.parse(text + "T00:00:00Z") : nil)
        else { return nil }
        self.init(seconds: moment.seconds, nanoseconds: Int64(moment.nanoseconds))
        let zone = text.utf8.suffix(6)
        guard let sign = zone.first, sign == UInt8(ascii: "+") || sign == UInt8(ascii: "-"), text.utf8.count > 10 else {
            return
        }
        let digits = zone.dropFirst().filter { $0 != UInt8(ascii: ":") }.map { Int64($0) - 48 }
        guard digits.count == 4 else { return }
        let minutes = (digits[0] * 10 + digits[1]) * 60 + digits[2] * 10 + digits[3]
        offset = minutes * (sign == UInt8(ascii: "-") ? -60 : 60)
    }

    func advanced(by duration: Int64) throws(CELFailure) -> CELTime {
        let (more, rest) = duration.quotientAndRemainder(flooring: 1_000_000_000)
        let (carry, nanos) = (nanoseconds + rest).quotientAndRemainder(flooring: 1_000_000_000)
        let (sum, overflow) = seconds.addingReportingOverflow(more + carry)
        guard !overflow, CELTime.validSeconds.contains(sum) else { throw .failed("timestamp overflow") }
        var time = CELTime(seconds: sum, nanoseconds: nanos)
        time.offset = offset
        return time
    }

    func distance(from other: CELTime) throws(CELFailure) -> Int64 {
        let (product, overflow) = (seconds - other.seconds).multipliedReportingOverflow(by: 1_000_000_000)
        let (sum, second) = product.addingReportingOverflow(nanoseconds - other.nanoseconds)
        guard !overflow, !second else { throw .failed("duration overflow") }
        return sum
    }

    static func == (left: CELTime, right: CELTime) -> Bool {
        left.seconds == right.seconds && left.nanoseconds == right.nanoseconds
    }

    static func < (left: CELTime, right: CELTime) -> Bool {
        (left.seconds, left.nanoseconds) < (right.seconds, right.nanoseconds)
    }

    var description: String {
        var text = String(RFC3339.format(seconds: seconds + offset, microseconds: nil).dropLast())
        if nanoseconds != 0 {
            var digits = String(1_000_000_000 + nanoseconds).dropFirst()
            while digits.last == "0" { digits.removeLast() }
            text += ".\(digits)"
        }
        guard offset != 0 else { return text + "Z" }
        func two(_ value: Int64) -> String { (value < 10 ? "0" : "") + String(value) }
        let minutes = abs(offset) / 60
        return "\(text)\(offset < 0 ? "-" : "+")\(two(minutes / 60)):\(two(minutes % 60))"
    }
}

/// A map that an expression made: its entries in order, found by key.
struct CELMap: Sendable {
    private(set) var entries: [(key: CELValue, value: CELValue)] = []
    private var places: [Key: Int] = [:]

    /// Keys are strings, integers and truth values; 1 and 1u are the same.
    private enum Key: Hashable {
        case string(ByteKey)
        case bool(Bool)
        case int(Int64)
        case uint(UInt64)

        init?(_ value: CELValue) {
            switch value {
            case .string(let text): self = .string(ByteKey(text))
            case .bool(let flag): self = .bool(flag)
            case .int(let number): self = .int(number)
            case .uint(let number): self = Int64(exactly: number).map { .int($0) } ?? .uint(number)
            case .double(let number):
                guard let exact = Int64(exactly: number) else { return nil }
                self = .int(exact)
            default: return nil
            }
        }
    }

    subscript(key: CELValue) -> CELValue? {
        guard let key = Key(key), let place = places[key] else { return nil }
        return entries[place].value
    }

    /// Throws for a key of a wrong type, and for one that is there already.
    mutating func insert(_ key: CELValue, _ value: CELValue) throws(CELFailure) {
        guard let found = Key(key) else { throw .failed("unsupported key type: \(key.typeName)") }
        guard places[found] == nil else { throw .failed("insert failed: key \(key.plainText ?? "") already exists") }
        places[found] = entries.count
        entries.append((key, value))
    }
}

extension CELValue {
    /// JSON as its declaration says it is to be seen.
    @inline(__always)
    init(_ json: JSONValue, _ declaration: CELDeclaration) throws(CELFailure) {
        switch json {
        case .null: self = .null
        case .bool(let flag): self = .bool(flag)
        case .integer(let number):
            if declaration.kind == .double { self = .double(Double(number)) } else { self = .int(number) }
        case .number(let number):
            if declaration.kind == .int, let exact = Int64(exactly: number) {
                self = .int(exact)
            } else {
                self = .double(number)
            }
        case .string(let text):
            switch declaration.kind {
            case .timestamp, .duration, .bytes: self = try CELValue.formatted(text, declaration.kind)
            default: self = .string(text)
            }
        case .array(let elements): self = .jsonList(elements, declaration)
        case .object(let object): self = .jsonMap(object, declaration)
        }
    }

    private static func formatted(_ text: String, _ kind: CELDeclaration.Kind) throws(CELFailure) -> CELValue {
        switch kind {
        case .timestamp:
            guard let time = CELTime(text) else { throw .failed("invalid date-time \(goQuoted(text))") }
            return .timestamp(time)
        case .duration:
            guard let duration = GoDuration.parse(text) else { throw .failed("invalid duration \(goQuoted(text))") }
            return .duration(duration)
        default:
            guard let bytes = Base64.decode(text) else { throw .failed("invalid byte \(goQuoted(text))") }
            return .bytes(bytes)
        }
    }

    /// The name of the value's type, as `type(x)` gives it.
    var typeName: String {
        switch self {
        case .null: "null_type"
        case .bool: "bool"
        case .int: "int"
        case .uint: "uint"
        case .double: "double"
        case .string: "string"
        case .bytes: "bytes"
        case .timestamp: "google.protobuf.Timestamp"
        case .duration: "google.protobuf.Duration"
        case .jsonList, .list: "list"
        case .jsonMap(_, let declaration): declaration.kind == .object ? "object" : "map"
        case .map: "map"
        case .type: "type"
        case .optional: "optional_type"
        case .url: "kubernetes.URL"
        case .address: "net.IP"
        case .range: "net.CIDR"
        case .quantity: "kubernetes.Quantity"
        case .format: "kubernetes.NamedFormat"
        }
    }

    /// The text of a scalar, for messages and `string()`.
    var plainText: String? {
        switch self {
        case .bool(let flag): "\(flag)"
        case .int(let number): "\(number)"
        case .uint(let number): "\(number)"
        case .double(let number): CELNumbers.text(of: number)
        case .string(let text): text
        case .timestamp(let time): time.description
        case .duration(let nanoseconds): GoDuration.text(of: nanoseconds)
        case .type(let name): name
        case .address(let address): address.description
        case .range(let range): range.description
        case .url(let url): url.text
        default: nil
        }
    }

    /// What `size()` gives, of strings in bytes; 1 for what has no size. Cost is counted by it.
    var costSize: UInt64 {
        switch self {
        case .string(let text): UInt64(text.utf8.count)
        case .bytes(let bytes): UInt64(bytes.count)
        case .jsonList(let elements, _): UInt64(elements.count)
        case .list(let elements): UInt64(elements.count)
        case .jsonMap(let object, let declaration): declaration.kind == .object ? 1 : UInt64(object.count)
        case .map(let map): UInt64(map.entries.count)
        case .address(let address): address.family == .v4 ? 4 : 16
        case .range(let range): range.family == .v4 ? 4 : 16
        default: 1
        }
    }
}
