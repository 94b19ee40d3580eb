/// Recursive-descent parser of label selectors, with Kubernetes' messages (k8s.io/apimachinery/pkg/labels).
struct SelectorParser {
    private enum Token: Equatable {
        case end, openParenthesis, closeParenthesis, comma, not, doubleEquals, equals, notEquals, greater, less
        case isIn, notIn, identifier, invalid
    }

    private var tokens: [(token: Token, text: String)] = []
    private var position = 0

    init(_ text: String) {
        scan(Array(text.utf8))
    }

    private mutating func scan(_ bytes: [UInt8]) {
        var place = 0
        while place < bytes.count {
            let byte = bytes[place]
            if SelectorParser.isSpace(byte) {
                place += 1
            } else if SelectorParser.isSymbol(byte) {
                let next: UInt8 = place + 1 < bytes.count ? bytes[place + 1] : 0
                let isPair = next == UInt8(ascii: "=") && (byte == next || byte == UInt8(ascii: "!"))
                let text = String(decoding: bytes[place..<(place + (isPair ? 2 : 1))], as: UTF8.self)
                tokens.append((SelectorParser.symbols[text] ?? .invalid, text))
                place += text.utf8.count
            } else {
                let start = place
                while place < bytes.count, !SelectorParser.isSpace(bytes[place]), !SelectorParser.isSymbol(bytes[place])
                {
                    place += 1
                }
                let text = String(decoding: bytes[start..<place], as: UTF8.self)
                tokens.append((text == "in" ? .isIn : text == "notin" ? .notIn : .identifier, text))
            }
        }
        tokens.append((.end, ""))
    }

    private static let symbols: [String: Token] = [
        ")": .closeParenthesis, "(": .openParenthesis, ",": .comma, "!": .not, "==": .doubleEquals, "=": .equals,
        "!=": .notEquals, ">": .greater, "<": .less,
    ]

    private static func isSpace(_ byte: UInt8) -> Bool {
        byte == UInt8(ascii: " ") || byte == UInt8(ascii: "\t") || byte == UInt8(ascii: "\r")
            || byte == UInt8(ascii: "\n")
    }

    private static func isSymbol(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "="), UInt8(ascii: "!"), UInt8(ascii: "("), UInt8(ascii: ")"), UInt8(ascii: ","),
            UInt8(ascii: ">"), UInt8(ascii: "<"):
            true
        default: false
        }
    }

    /// `in` and `notin` may also be keys and values.
    private func peek() -> (token: Token, text: String) {
        let (token, text) = tokens[min(position, tokens.count - 1)]
        return (token == .isIn || token == .notIn ? .identifier : token, text)
    }

    private mutating func next() -> (token: Token, text: String) {
        defer { position += 1 }
        return peek()
    }

    mutating func requirements() throws(SelectorError) -> [Selector.Requirement] {
        var result: [Selector.Requirement] = []
        while true {
            let (token, text) = peek()
            switch token {
            case .end: return result
            case .identifier, .not: break
            default: throw SelectorError("found '\(text)', expected: !, identifier, or 'end of string'")
            }
            do {
                result.append(try requirement())
            } catch {
                throw SelectorError("unable to parse requirement: \(error.message)")
            }
            let (separator, found) = next()
            switch separator {
            case .end: return result
            case .comma:
                let (following, text) = peek()
                guard following == .identifier || following == .not else {
                    throw SelectorError("found '\(text)', expected: identifier after ','")
                }
            default: throw SelectorError("found '\(found)', expected: ',' or 'end of string'")
            }
        }
    }

    private mutating func requirement() throws(SelectorError) -> Selector.Requirement {
        var (token, key) = next()
        let negated = token == .not
        if negated { (token, key) = next() }
        guard token == .identifier else { throw SelectorError("found '\(key)', expected: identifier") }
        if let error = invalidKey(key, at: FieldPath()) { throw SelectorError(error.message) }
        let following = peek().token
        if negated || following == .end || following == .comma {
            return try Selector.Requirement(key, negated ? .doesNotExist : .exists)
        }
        let (symbol, text) = tokens[min(position, tokens.count - 1)]
        position += 1
        let `operator`: Selector.Operator
        switch symbol {
        case .isIn: `operator` = .isIn
        case .notIn: `operator` = .notIn
        case .equals: `operator` = .equals
        case .doubleEquals: `operator` = .doubleEquals
        case .notEquals: `operator` = .notEquals
        case .greater: `operator` = .greaterThan
        case .less: `operator` = .lessThan
        default: throw SelectorError("found '\(text)', expected: in, notin, =, ==, !=, gt, lt")
        }
        let values = `operator` == .isIn || `operator` == .notIn ? try valueSet() : [try exactValue()]
        return try Selector.Requirement(key, `operator`, values)
    }

    /// The empty text is a valid value, also between commas.
    private mutating func valueSet() throws(SelectorError) -> [String] {
        let (opening, text) = next()
        guard opening == .openParenthesis else { throw SelectorError("found '\(text)' expected: '('") }
        var values: Set<String> = []
        var expectsValue = true
        while true {
            let (token, text) = next()
            switch token {
            case .identifier:
                guard expectsValue else { throw SelectorError("found '\(text)', expected: ',' or ')'") }
                values.insert(text)
                expectsValue = false
            case .comma:
                if expectsValue { values.insert("") }
                expectsValue = true
            case .closeParenthesis:
                if expectsValue { values.insert("") }
                return values.sorted()
            default:
                throw SelectorError(
                    "found '\(text)', expected: \(expectsValue ? "',', or identifier" : "',' or ')'")")
            }
        }
    }

    private mutating func exactValue() throws(SelectorError) -> String {
        let (token, _) = peek()
        if token == .end || token == .comma { return "" }
        let (found, text) = next()
        guard found == .identifier else { throw SelectorError("found '\(text)', expected: identifier") }
        return text
    }
}
