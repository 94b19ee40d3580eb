/// One reason why an object is refused, with the field it concerns. The wording is Go's `field.Error`
/// (k8s.io/apimachinery/pkg/util/validation/field).
public struct FieldError: Hashable, Sendable {
    public enum Kind: Hashable, Sendable {
        case required, invalid, duplicate, notSupported, forbidden, tooLong, tooMany, notFound, typeInvalid, `internal`

        /// How the kind starts a message.
        public var text: String {
            switch self {
            case .required: "Required value"
            case .invalid, .typeInvalid: "Invalid value"
            case .duplicate: "Duplicate value"
            case .notSupported: "Unsupported value"
            case .forbidden: "Forbidden"
            case .tooLong: "Too long"
            case .tooMany: "Too many"
            case .notFound: "Not found"
            case .internal: "Internal error"
            }
        }

        /// The `reason` of the cause in a `Status`.
        public var reason: String {
            switch self {
            case .required: "FieldValueRequired"
            case .invalid: "FieldValueInvalid"
            case .typeInvalid: "FieldValueTypeInvalid"
            case .duplicate: "FieldValueDuplicate"
            case .notSupported: "FieldValueNotSupported"
            case .forbidden: "FieldValueForbidden"
            case .tooLong: "FieldValueTooLong"
            case .tooMany: "FieldValueTooMany"
            case .notFound: "FieldValueNotFound"
            case .internal: "InternalError"
            }
        }
    }

    public var kind: Kind
    /// The path as text.
    public var field: String
    /// The refused value; nil leaves it out of the message.
    public var value: JSONValue?
    public var detail: String

    public init(_ kind: Kind, _ field: FieldPath, value: JSONValue? = nil, detail: String = "") {
        self.init(kind, field: field.description, value: value, detail: detail)
    }

    public init(_ kind: Kind, field: String, value: JSONValue? = nil, detail: String = "") {
        self.kind = kind
        self.field = field
        self.value = value
        self.detail = detail
    }

    public static func required(_ field: FieldPath, _ detail: String = "") -> FieldError {
        FieldError(.required, field, detail: detail)
    }

    public static func invalid(_ field: FieldPath, _ value: JSONValue?, _ detail: String) -> FieldError {
        FieldError(.invalid, field, value: value, detail: detail)
    }

    public static func duplicate(_ field: FieldPath, _ value: JSONValue) -> FieldError {
        FieldError(.duplicate, field, value: value)
    }

    /// `supported` is listed in the order given; Kubernetes sorts it.
    public static func notSupported(_ field: FieldPath, _ value: JSONValue, supported: [String]) -> FieldError {
        let list = supported.map(goQuoted).joined(separator: ", ")
        let detail = supported.isEmpty ? "" : "supported values: \(list)"
        return FieldError(.notSupported, field, value: value, detail: detail)
    }

    public static func forbidden(_ field: FieldPath, _ detail: String) -> FieldError {
        FieldError(.forbidden, field, detail: detail)
    }

    public static func tooLong(_ field: FieldPath, maximum: Int) -> FieldError {
        FieldError(.tooLong, field, detail: "may not be more than \(maximum) byte\(maximum == 1 ? "" : "s")")
    }

    public static func tooMany(_ field: FieldPath, actual: Int, maximum: Int) -> FieldError {
        FieldError(
            .tooMany, field, value: .integer(Int64(actual)),
            detail: "must have at most \(maximum) item\(maximum == 1 ? "" : "s")")
    }

    public static func notFound(_ field: FieldPath, _ value: JSONValue) -> FieldError {
        FieldError(.notFound, field, value: value)
    }

    public static func typeInvalid(_ field: FieldPath, _ value: JSONValue, _ detail: String) -> FieldError {
        FieldError(.typeInvalid, field, value: value, detail: detail)
    }

    public static func `internal`(_ field: FieldPath, _ detail: String) -> FieldError {
        FieldError(.internal, field, detail: detail)
    }

    /// The message without the field: `Invalid value: 70000: must be between 1 and 65535, inclusive`.
    public var body: String {
        var text = kind.text
        switch kind {
        case .required, .forbidden, .tooLong, .internal: break
        default:
            switch value {
            case nil: break
            case .string(let string): text += ": \(goQuoted(string))"
            case let value?: text += ": \(value)"
            }
        }
        return detail.isEmpty ? text : "\(text): \(detail)"
    }

    /// The whole message: `spec.ports[0].port: Invalid value: …`.
    public var message: String { "\(field): \(body)" }
}

extension FieldError: CustomStringConvertible {
    public var description: String { message }
}

/// A string as Go's `%q` writes it.
public func goQuoted(_ text: String) -> String {
    var result = "\""
    for scalar in text.unicodeScalars {
        switch scalar {
        case "\"": result += "\\\""
        case "\\": result += "\\\\"
        case "\u{7}": result += "\\a"
        case "\u{8}": result += "\\b"
        case "\u{c}": result += "\\f"
        case "\n": result += "\\n"
        case "\r": result += "\\r"
        case "\t": result += "\\t"
        case "\u{b}": result += "\\v"
        default:
            if scalar.value < 0x20 || scalar.value == 0x7f {
                let digits = String(scalar.value, radix: 16)
                result += "\\x\(digits.count == 1 ? "0" : "")\(digits)"
            } else {
                result.unicodeScalars.append(scalar)
            }
        }
    }
    return result + "\""
}

/// A document as Go's `%v` writes it: `map[a:1 b:[x y]]`, keys sorted.
public func goText(_ value: JSONValue) -> String {
    switch value {
    case .null: "<nil>"
    case .string(let text): text
    case .array(let elements): "[\(elements.map(goText).joined(separator: " "))]"
    case .object(let object):
        "map[\(object.sorted { $0.key < $1.key }.map { "\($0.key):\(goText($0.value))" }.joined(separator: " "))]"
    case .bool, .integer, .number: value.description
    }
}

/// What Go's JSON decoder calls a value that does not fit: `bool` and `number` where Kubernetes' schemas have longer words.
public func goTypeName(_ value: JSONValue) -> String {
    switch value {
    case .bool: "bool"
    case .integer, .number: "number"
    default: value.typeName
    }
}
