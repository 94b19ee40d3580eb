import Glibc

/// A schema's `pattern`, compiled by the C library.
///
/// Kubernetes' patterns are RE2; what they use of it is translated to POSIX extended syntax. Flags, look-around, word
/// boundaries and Unicode classes are refused when the schema is loaded.
final class TextPattern: @unchecked Sendable {
    // Sendable: `compiled` is written in `init` and freed in `deinit`; glibc's `regexec` locks what it changes inside.
    private let compiled: UnsafeMutablePointer<regex_t>
    let source: String

    struct Unsupported: Error {
        let message: String
    }

    init(_ source: String) throws(Unsupported) {
        self.source = source
        let pointer = UnsafeMutablePointer<regex_t>.allocate(capacity: 1)
        pointer.initialize(to: regex_t())
        let translated: String
        do {
            translated = try TextPattern.translate(source)
        } catch {
            pointer.deallocate()
            throw error
        }
        guard regcomp(pointer, translated, REG_EXTENDED) == 0 else {
            pointer.deallocate()
            throw Unsupported(message: "invalid pattern")
        }
        compiled = pointer
    }

    deinit {
        regfree(compiled)
        compiled.deallocate()
    }

    /// Whether the pattern matches anywhere in the text.
    func matches(_ text: String) -> Bool {
        var copy = text
        return copy.withUTF8 { bytes in
            guard let base = bytes.baseAddress else { return regexec(compiled, "", 0, nil, 0) == 0 }
            var range = regmatch_t(rm_so: 0, rm_eo: regoff_t(bytes.count))
            return base.withMemoryRebound(to: CChar.self, capacity: bytes.count) {
                // REG_STARTEND bounds the text by `range`, so that it may hold NUL bytes and needs no terminator.
                regexec(compiled, $0, 1, &range, REG_STARTEND) == 0
            }
        }
    }

    private static func translate(_ source: String) throws(Unsupported) -> String {
        var result = ""
        var rest = Array(source)[...]
        var afterQuantifier = false
        while let character = rest.popFirst() {
            var isQuantifier = false
            switch character {
            case "\\":
                guard let escaped = rest.popFirst() else { throw Unsupported(message: "pattern ends in a backslash") }
                if let members = classes[escaped] {
                    result += "[\(members)]"
                } else if let members = classes[Character(escaped.lowercased())] {
                    result += "[^\(members)]"
                } else {
                    result += try literal(escaped)
                }
            case "[":
                result += try bracket(&rest)
            case "(":
                if rest.first == "?" {
                    rest.removeFirst()
                    guard rest.popFirst() == ":" else { throw Unsupported(message: "unsupported group") }
                }
                result += "("
            case "?" where afterQuantifier:
                // Lazy or greedy makes no difference to whether there is a match.
                break
            case "*", "+", "?", "}":
                isQuantifier = true
                result.append(character)
            default:
                result.append(character)
            }
            afterQuantifier = isQuantifier
        }
        return result
    }

    private static let classes: [Character: String] = ["d": "0-9", "w": "0-9A-Za-z_", "s": " \t\n\u{c}\r"]

    private static func literal(_ escaped: Character) throws(Unsupported) -> String {
        switch escaped {
        case "n": return "\n"
        case "t": return "\t"
        case "r": return "\r"
        case "z": return "$"
        case "A": return "^"
        default:
            guard !escaped.isLetter, !escaped.isNumber else {
                throw Unsupported(message: "unsupported escape \\\(escaped)")
            }
            return "^$.[]|()*+?{}\\".contains(escaped) ? "\\\(escaped)" : String(escaped)
        }
    }

    /// Reads a bracket expression after its `[`. In POSIX a backslash is an ordinary member, `]` must come first and
    /// `-` last.
    private static func bracket(_ rest: inout ArraySlice<Character>) throws(Unsupported) -> String {
        var isNegated = false
        if rest.first == "^" {
            isNegated = true
            rest.removeFirst()
        }
        var members = ""
        var hasClosing = false
        var hasDash = false
        var isFirst = true
        while let character = rest.popFirst() {
            if character == "]", !isFirst {
                let ends = (hasClosing ? "]" : "", hasDash ? "-" : "")
                let body = ends.0 + members + ends.1
                // A caret must not come first, where it would negate.
                if !isNegated, body.first == "^", body.count > 1 { return "[\(body.dropFirst())^]" }
                return isNegated ? "[^\(body)]" : body == "^" ? "\\^" : "[\(body)]"
            }
            isFirst = false
            switch character {
            case "\\":
                guard let escaped = rest.popFirst() else { throw Unsupported(message: "pattern ends in a backslash") }
                if let known = classes[escaped] {
                    members += known
                } else if escaped == "]" {
                    hasClosing = true
                } else if escaped == "-" {
                    hasDash = true
                } else if escaped == "n" || escaped == "t" || escaped == "r" {
                    members += escaped == "n" ? "\n" : escaped == "t" ? "\t" : "\r"
                } else if escaped.isLetter || escaped.isNumber {
                    throw Unsupported(message: "unsupported escape \\\(escaped)")
                } else {
                    members.append(escaped)
                }
            case "]": hasClosing = true
            case "-" where members.isEmpty || rest.first == "]": hasDash = true
            case "[" where rest.first == ":": throw Unsupported(message: "unsupported class")
            default: members.append(character)
            }
        }
        throw Unsupported(message: "missing closing ]")
    }
}
