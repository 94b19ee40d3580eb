/// Why a label or field selector cannot be read, in Kubernetes' words.
public struct SelectorError: Error, Hashable, Sendable, CustomStringConvertible {
    public let message: String

    public init(_ message: String) {
        self.message = message
    }

    public var description: String { message }
}

/// A condition on labels that compiles to a list of requirements, all of which must hold.
///
/// The text form is that of `kubectl -l` and of the query parameter `labelSelector`:
/// `app=web,tier!=db,release in (a,b),!legacy,size>3`.
public struct Selector: Sendable, Hashable {
    public enum Operator: String, Sendable, Hashable {
        case equals = "="
        case doubleEquals = "=="
        case notEquals = "!="
        case isIn = "in"
        case notIn = "notin"
        case exists = "exists"
        case doesNotExist = "!"
        case greaterThan = "gt"
        case lessThan = "lt"
    }

    public struct Requirement: Sendable, Hashable {
        public let key: String
        public let `operator`: Operator
        public let values: [String]
        private let number: Int64?

        /// Checks the count and syntax of key and values.
        public init(_ key: String, _ operator: Operator, _ values: [String] = []) throws(SelectorError) {
            try self.init(key, `operator`, values, at: FieldPath())
        }

        init(_ key: String, _ operator: Operator, _ values: [String], at path: FieldPath) throws(SelectorError) {
            self.init(unchecked: key, `operator`, values)
            var errors: [FieldError] = []
            if let error = invalidKey(key, at: path.child("key")) { errors.append(error) }
            let valuesPath = path.child("values")
            func refuse(_ detail: String) { errors.append(.invalid(valuesPath, JSONValue(values), detail)) }
            switch `operator` {
            case .isIn, .notIn:
                if values.isEmpty { refuse("for 'in', 'notin' operators, values set can't be empty") }
            case .equals, .doubleEquals, .notEquals:
                if values.count != 1 { refuse("exact-match compatibility requires one single value") }
            case .exists, .doesNotExist:
                if !values.isEmpty { refuse("values set must be empty for exists and does not exist") }
            case .greaterThan, .lessThan:
                if values.count != 1 { refuse("for 'Gt', 'Lt' operators, exactly one value is required") }
                for (index, value) in values.enumerated() where Int64(value) == nil {
                    errors.append(
                        .invalid(
                            valuesPath.index(index), .string(value),
                            "for 'Gt', 'Lt' operators, the value must be an integer"))
                }
            }
            for (index, value) in values.enumerated() {
                let complaints = Validation.labelValue(value)
                if !complaints.isEmpty {
                    errors.append(
                        .invalid(
                            valuesPath.index(index).key(key), .string(value), complaints.joined(separator: "; ")))
                }
            }
            guard errors.isEmpty else { throw SelectorError(aggregated(errors.map(\.message))) }
        }

        fileprivate init(unchecked key: String, _ operator: Operator, _ values: [String]) {
            self.key = key
            self.operator = `operator`
            self.values = values
            number = values.count == 1 ? Int64(values[0]) : nil
        }

        /// A label that is absent satisfies `!=` and `notin`.
        public func matches(_ labels: [String: String]) -> Bool {
            let value = labels[key]
            return accepts(isPresent: value != nil, equals: { $0 == value }, text: { value ?? "" })
        }

        func accepts(isPresent: Bool, equals: (String) -> Bool, text: () -> String) -> Bool {
            switch `operator` {
            case .equals, .doubleEquals, .isIn: return isPresent && values.contains(where: equals)
            case .notEquals, .notIn: return !(isPresent && values.contains(where: equals))
            case .exists: return isPresent
            case .doesNotExist: return !isPresent
            case .greaterThan, .lessThan:
                guard isPresent, let actual = Int64(text()), let number else { return false }
                return `operator` == .greaterThan ? actual > number : actual < number
            }
        }
    }

    /// Sorted by key.
    public let requirements: [Requirement]

    public init(_ requirements: [Requirement] = []) {
        self.requirements = requirements.sorted { $0.key < $1.key }
    }

    /// Reads the text form; the empty text selects everything.
    public init(parsing text: String) throws(SelectorError) {
        var parser = SelectorParser(text)
        self.init(try parser.requirements())
    }

    /// Exactly these labels; none selects everything. The map is not checked.
    public init(labels: [String: String]) {
        self.init(labels.map { Requirement(unchecked: $0.key, .equals, [$0.value]) })
    }

    /// As Kubernetes compiles `metav1.LabelSelector`: the empty one selects everything. (An absent one selects
    /// nothing, which is the caller's to decide.)
    public init(_ selector: LabelSelector) throws(SelectorError) {
        var requirements: [Requirement] = []
        for (key, value) in selector.matchLabels ?? [:] { requirements.append(try Requirement(key, .equals, [value])) }
        for requirement in selector.matchExpressions ?? [] {
            let compiled: Operator
            switch requirement.operator {
            case "In": compiled = .isIn
            case "NotIn": compiled = .notIn
            case "Exists": compiled = .exists
            case "DoesNotExist": compiled = .doesNotExist
            default: throw SelectorError("\(goQuoted(requirement.operator)) is not a valid label selector operator")
            }
            requirements.append(try Requirement(requirement.key, compiled, requirement.values ?? []))
        }
        self.init(requirements)
    }

    public static let everything = Selector()

    public var isEverything: Bool { requirements.isEmpty }

    public func matches(_ labels: [String: String]) -> Bool {
        for requirement in requirements where !requirement.matches(labels) { return false }
        return true
    }

    /// The value that a label must have, when the selector allows exactly one.
    public func exactValue(of label: String) -> String? {
        guard let requirement = requirements.first(where: { $0.key == label }) else { return nil }
        switch requirement.operator {
        case .equals, .doubleEquals, .isIn: return requirement.values.count == 1 ? requirement.values[0] : nil
        default: return nil
        }
    }
}

extension Selector: CustomStringConvertible {
    /// The text form, which reads back as the same selector.
    public var description: String {
        requirements.map { requirement in
            let values = requirement.values.sorted().joined(separator: ",")
            switch requirement.operator {
            case .exists: return requirement.key
            case .doesNotExist: return "!\(requirement.key)"
            case .isIn, .notIn: return "\(requirement.key) \(requirement.operator.rawValue) (\(values))"
            case .greaterThan: return "\(requirement.key)>\(values)"
            case .lessThan: return "\(requirement.key)<\(values)"
            case .equals, .doubleEquals, .notEquals:
                return "\(requirement.key)\(requirement.operator.rawValue)\(values)"
            }
        }.joined(separator: ",")
    }
}

func invalidKey(_ key: String, at path: FieldPath) -> FieldError? {
    let complaints = Validation.qualifiedName(key)
    return complaints.isEmpty ? nil : .invalid(path, .string(key), complaints.joined(separator: "; "))
}

/// Several messages as Go's aggregate error writes them.
func aggregated(_ messages: [String]) -> String {
    messages.count == 1 ? messages[0] : "[\(messages.joined(separator: ", "))]"
}
