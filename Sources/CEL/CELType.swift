import KubeModel

/// A type as the checker knows it.
indirect enum CELType: Sendable {
    /// Checked when evaluated only.
    case dyn
    case null, bool, int, uint, double, string, bytes, timestamp, duration
    case list(CELType)
    case map(CELType, CELType)
    /// An object with declared fields. Two objects have the same type when they come from the same place of the schema.
    case object(CELDeclaration)
    case type
    case optional(CELType)
    /// Kubernetes' own: `kubernetes.URL`, `net.IP`, `net.CIDR`, `kubernetes.Quantity`.
    case opaque(String)
    /// Not known yet: the element of `[]`, or a function's type parameter.
    case parameter(Int)

    var isDyn: Bool {
        if case .dyn = self { true } else { false }
    }

    /// Whether cel-go would print and treat both as one type; parameters are compared by number.
    func isSame(as other: CELType) -> Bool {
        switch (self, other) {
        case (.dyn, .dyn), (.null, .null), (.bool, .bool), (.int, .int), (.uint, .uint), (.double, .double),
            (.string, .string), (.bytes, .bytes), (.timestamp, .timestamp), (.duration, .duration), (.type, .type):
            true
        case (.list(let left), .list(let right)), (.optional(let left), .optional(let right)):
            left.isSame(as: right)
        case (.map(let key, let value), .map(let otherKey, let otherValue)):
            key.isSame(as: otherKey) && value.isSame(as: otherValue)
        case (.object(let left), .object(let right)): left === right
        case (.opaque(let left), .opaque(let right)): left == right
        case (.parameter(let left), .parameter(let right)): left == right
        default: false
        }
    }

    func contains(parameter: Int) -> Bool {
        switch self {
        case .parameter(let own): own == parameter
        case .list(let inner), .optional(let inner): inner.contains(parameter: parameter)
        case .map(let key, let value): key.contains(parameter: parameter) || value.contains(parameter: parameter)
        default: false
        }
    }
}

extension CELType: CustomStringConvertible {
    /// As messages name it.
    var description: String {
        switch self {
        case .dyn: "dyn"
        case .null: "null"
        case .bool: "bool"
        case .int: "int"
        case .uint: "uint"
        case .double: "double"
        case .string: "string"
        case .bytes: "bytes"
        case .timestamp: "timestamp"
        case .duration: "duration"
        case .list(let element): "list(\(element))"
        case .map(let key, let value): "map(\(key), \(value))"
        case .object: "object"
        case .type: "type"
        case .optional(let inner): "optional_type(\(inner))"
        case .opaque(let name): name
        case .parameter: "dyn"
        }
    }
}

/// What type parameters were found to stand for, while one expression is checked.
struct CELSubstitution {
    private(set) var bound: [Int: CELType] = [:]
    private var next = 0

    mutating func fresh() -> CELType {
        next += 1
        return .parameter(next)
    }

    /// The type with everything known put in; what stays open becomes `dyn` if `closing`.
    func resolve(_ type: CELType, closing: Bool = false) -> CELType {
        switch type {
        case .parameter(let number):
            if let known = bound[number] { return resolve(known, closing: closing) }
            return closing ? .dyn : type
        case .list(let element): return .list(resolve(element, closing: closing))
        case .map(let key, let value):
            return .map(resolve(key, closing: closing), resolve(value, closing: closing))
        case .optional(let inner): return .optional(resolve(inner, closing: closing))
        default: return type
        }
    }

    /// Whether a value of one type fits where the other is expected, binding parameters on the way.
    mutating func assign(_ from: CELType, to: CELType) -> Bool {
        switch (from, to) {
        case (.parameter(let left), .parameter(let right)) where left == right: return true
        case (_, .parameter(let number)):
            if let known = bound[number] {
                guard assign(from, to: known) else { return false }
                // The wider of the two stays.
                if case .dyn = from { bound[number] = .dyn }
                return true
            }
            let resolved = resolve(from)
            if resolved.contains(parameter: number) {
                if case .parameter(let own) = resolved { return own == number }
                return false
            }
            bound[number] = resolved
            return true
        case (.parameter(let number), _):
            if let known = bound[number] { return assign(known, to: to) }
            let resolved = resolve(to)
            guard !resolved.contains(parameter: number) else { return false }
            bound[number] = resolved
            return true
        case (.dyn, _), (_, .dyn): return true
        case (.null, .object), (.null, .timestamp), (.null, .duration), (.null, .opaque), (.null, .optional):
            return true
        case (.object, .null), (.timestamp, .null), (.duration, .null), (.opaque, .null), (.optional, .null):
            return true
        case (.list(let left), .list(let right)), (.optional(let left), .optional(let right)):
            return assign(left, to: right)
        case (.map(let key, let value), .map(let otherKey, let otherValue)):
            return assign(key, to: otherKey) && assign(value, to: otherValue)
        default: return from.isSame(as: to)
        }
    }
}
