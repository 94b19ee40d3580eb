/// A condition on fields: `metadata.name=web,status.phase!=Running` (k8s.io/apimachinery/pkg/fields). Which fields a
/// kind offers is the server's to check.
public struct FieldSelector: Sendable, Hashable {
    public enum Operator: String, Sendable, Hashable {
        case equals = "="
        case notEquals = "!="
    }

    public struct Requirement: Sendable, Hashable {
        public let path: String
        public let `operator`: Operator
        public let value: String

        public init(_ path: String, _ operator: Operator, _ value: String) {
            self.path = path
            self.operator = `operator`
            self.value = value
        }
    }

    public let requirements: [Requirement]

    public init(_ requirements: [Requirement] = []) {
        self.requirements = requirements
    }

    public static let everything = FieldSelector()

    public var isEverything: Bool { requirements.isEmpty }

    /// Reads the text form. `\,`, `\=` and `\\` stand for themselves in values.
    public init(parsing text: String) throws(SelectorError) {
        var requirements: [Requirement] = []
        for term in FieldSelector.terms(Array(text.utf8)) where !term.isEmpty {
            guard let (path, `operator`, value) = FieldSelector.split(term) else {
                let part = String(decoding: term, as: UTF8.self)
                throw SelectorError("invalid selector: '\(text)'; can't understand '\(part)'")
            }
            requirements.append(Requirement(path, `operator`, try FieldSelector.unescaped(value)))
        }
        self.requirements = requirements
    }

    private static func terms(_ bytes: [UInt8]) -> [ArraySlice<UInt8>] {
        var result: [ArraySlice<UInt8>] = []
        var start = 0
        var escaped = false
        for (place, byte) in bytes.enumerated() {
            if escaped {
                escaped = false
            } else if byte == UInt8(ascii: "\\") {
                escaped = true
            } else if byte == UInt8(ascii: ",") {
                result.append(bytes[start..<place])
                start = place + 1
            }
        }
        result.append(bytes[start...])
        return result
    }

    private static func split(_ term: ArraySlice<UInt8>) -> (String, Operator, ArraySlice<UInt8>)? {
        let equal = UInt8(ascii: "=")
        for place in term.indices {
            let next = place + 1 < term.endIndex ? term[place + 1] : 0
            let isNegated = term[place] == UInt8(ascii: "!") && next == equal
            guard isNegated || term[place] == equal else { continue }
            let path = String(decoding: term[..<place], as: UTF8.self)
            return isNegated
                ? (path, .notEquals, term[(place + 2)...])
                : (path, .equals, term[(place + (next == equal ? 2 : 1))...])
        }
        return nil
    }

    private static func unescaped(_ value: ArraySlice<UInt8>) throws(SelectorError) -> String {
        var result: [UInt8] = []
        var escaped = false
        for byte in value {
            let isSpecial = byte == UInt8(ascii: "\\") || byte == UInt8(ascii: ",") || byte == UInt8(ascii: "=")
            if escaped {
                guard isSpecial else {
                    let text = String(decoding: [byte], as: UTF8.self)
                    throw SelectorError("invalid field selector: invalid escape sequence: \\\(text)")
                }
                result.append(byte)
                escaped = false
            } else if byte == UInt8(ascii: "\\") {
                escaped = true
            } else if isSpecial {
                let text = String(decoding: [byte], as: UTF8.self)
                throw SelectorError("invalid field selector: unescaped character in value: \(text)")
            } else {
                result.append(byte)
            }
        }
        if escaped { throw SelectorError("invalid field selector: invalid escape sequence: \\") }
        return String(decoding: result, as: UTF8.self)
    }

    /// `fields` holds the kind's selectable fields; one that is missing counts as empty.
    public func matches(_ fields: [String: String]) -> Bool {
        for requirement in requirements {
            let isEqual = sameBytes(fields[requirement.path] ?? "", requirement.value)
            if isEqual != (requirement.operator == .equals) { return false }
        }
        return true
    }

    /// The value that a field must have, when there is one.
    public func exactValue(of path: String) -> String? {
        requirements.first { $0.path == path && $0.operator == .equals }?.value
    }
}

extension FieldSelector: CustomStringConvertible {
    /// The text form, which reads back as the same selector.
    public var description: String {
        requirements.map { requirement in
            var value = ""
            // Not characters: a combining mark would hide what it stands on.
            for scalar in requirement.value.unicodeScalars {
                if scalar == "\\" || scalar == "," || scalar == "=" { value += "\\" }
                value.unicodeScalars.append(scalar)
            }
            return "\(requirement.path)\(requirement.operator.rawValue)\(value)"
        }.joined(separator: ",")
    }
}
