/// The syntax tree of a pattern.
indirect enum PatternSyntax {
    case set(PatternSet)
    case assertion(PatternAssertion)
    case sequence([PatternSyntax])
    case alternatives([PatternSyntax])
    /// At least so many times, and at most, if there is a limit.
    case repetition(PatternSyntax, Int, Int?, isGreedy: Bool)
}

/// Reads RE2's syntax (https://github.com/google/re2/wiki/Syntax).
struct PatternParser {
    private struct Flags {
        var ignoresCase = false
        var isMultiLine = false
        var dotMatchesLineBreak = false
        var isLazy = false
    }

    private static let depthLimit = 200
    private static let repetitionLimit = 1000

    private let text: [Unicode.Scalar]
    private var place = 0
    private var flags = Flags()
    private var depth = 0

    static func parse(_ source: String) throws(TextPattern.Unsupported) -> PatternSyntax {
        var parser = PatternParser(text: Array(source.unicodeScalars))
        let syntax = try parser.alternatives()
        guard parser.place == parser.text.count else { throw parser.error("unexpected ): `\(source)`") }
        return syntax
    }

    private init(text: [Unicode.Scalar]) {
        self.text = text
    }

    private var current: Unicode.Scalar? { place < text.count ? text[place] : nil }

    private func error(_ message: String) -> TextPattern.Unsupported {
        TextPattern.Unsupported(message: message)
    }

    private mutating func take(_ expected: String) -> Bool {
        let scalars = Array(expected.unicodeScalars)
        guard text[place...].starts(with: scalars) else { return false }
        place += scalars.count
        return true
    }

    private mutating func next() throws(TextPattern.Unsupported) -> Unicode.Scalar {
        guard let scalar = current else { throw error("unexpected end of pattern") }
        place += 1
        return scalar
    }

    private mutating func alternatives() throws(TextPattern.Unsupported) -> PatternSyntax {
        depth += 1
        guard depth <= PatternParser.depthLimit else { throw error("expression nests too deeply") }
        let saved = flags
        var choices = [try sequence()]
        while take("|") { choices.append(try sequence()) }
        // Flags set inside a group end with it.
        flags = saved
        depth -= 1
        return choices.count == 1 ? choices[0] : .alternatives(choices)
    }

    private mutating func sequence() throws(TextPattern.Unsupported) -> PatternSyntax {
        var parts: [PatternSyntax] = []
        while let scalar = current, scalar != "|", scalar != ")" {
            if take("\\Q") {
                while place < text.count, !take("\\E") { parts.append(literal(try next())) }
                continue
            }
            guard let atom = try atom() else { continue }
            parts.append(try quantified(atom))
        }
        return parts.count == 1 ? parts[0] : .sequence(parts)
    }

    private func literal(_ scalar: Unicode.Scalar) -> PatternSyntax {
        .set(PatternSet(scalar, ignoringCase: flags.ignoresCase))
    }

    /// nil for a group that only sets flags.
    private mutating func atom() throws(TextPattern.Unsupported) -> PatternSyntax? {
        let scalar = try next()
        switch scalar {
        case ".": return .set(flags.dotMatchesLineBreak ? .any : .anyButLineBreak)
        case "^": return .assertion(flags.isMultiLine ? .lineStart : .textStart)
        case "$": return .assertion(flags.isMultiLine ? .lineEnd : .textEnd)
        case "(": return try group()
        case "[": return .set(try bracket())
        case "\\": return try escape()
        case "*", "+", "?": throw error("missing argument to repetition operator: `\(scalar)`")
        default: return literal(scalar)
        }
    }

    private mutating func group() throws(TextPattern.Unsupported) -> PatternSyntax? {
        let saved = flags
        if take("?") {
            if take("P<") || take("<") {
                guard current != "=", current != "!" else { throw error("invalid or unsupported Perl syntax: `(?<`") }
                while try next() != ">" {}
            } else if try !flagGroup() {
                return nil
            }
        }
        let inner = try alternatives()
        guard take(")") else { throw error("missing closing ): `\(String(String.UnicodeScalarView(text)))`") }
        flags = saved
        return inner
    }

    /// Whether `(?i:` opens a group; `(?i)` changes what follows in the group around it.
    private mutating func flagGroup() throws(TextPattern.Unsupported) -> Bool {
        var value = true
        while true {
            switch try next() {
            case "i": flags.ignoresCase = value
            case "m": flags.isMultiLine = value
            case "s": flags.dotMatchesLineBreak = value
            case "U": flags.isLazy = value
            case "-" where value: value = false
            case ":": return true
            case ")": return false
            case let other: throw error("invalid or unsupported Perl syntax: `(?\(other)`")
            }
        }
    }

    // MARK: Repetition

    private mutating func quantified(_ atom: PatternSyntax) throws(TextPattern.Unsupported) -> PatternSyntax {
        var result = atom
        var count = 0
        while let scalar = current {
            let bounds: (least: Int, most: Int?)
            switch scalar {
            case "*": bounds = (0, nil)
            case "+": bounds = (1, nil)
            case "?": bounds = (0, 1)
            case "{":
                guard let counted = try counts() else { return result }
                bounds = counted
            default: return result
            }
            if scalar != "{" { place += 1 }
            count += 1
            guard count <= 1 else { throw error("invalid nested repetition operator") }
            let isLazy = take("?") != flags.isLazy
            result = .repetition(result, bounds.least, bounds.most, isGreedy: !isLazy)
        }
        return result
    }

    /// `{2}`, `{2,}` or `{2,5}`; nil, and nothing read, where the brace is an ordinary character.
    private mutating func counts() throws(TextPattern.Unsupported) -> (least: Int, most: Int?)? {
        let start = place
        place += 1
        let first = digits()
        var second = first
        if take(",") { second = digits() }
        guard let least = Int(first), take("}") else {
            place = start
            // Taken as a literal by the caller of the atom.
            guard case .some = current else { return nil }
            return nil
        }
        let most = second.isEmpty ? nil : Int(second)
        guard least <= PatternParser.repetitionLimit, most ?? 0 <= PatternParser.repetitionLimit,
            most.map({ $0 >= least }) ?? true
        else { throw error("invalid repeat count: `{\(first),\(second)}`") }
        return (least, most)
    }

    private mutating func digits() -> String {
        let start = place
        while let scalar = current, ("0"..."9").contains(scalar) { place += 1 }
        return String(String.UnicodeScalarView(text[start..<place]))
    }

    // MARK: Escapes and classes

    private mutating func escape() throws(TextPattern.Unsupported) -> PatternSyntax {
        guard let scalar = current else { throw error("trailing backslash at end of expression") }
        switch scalar {
        case "A", "z", "b", "B":
            place += 1
            return .assertion(
                scalar == "A" ? .textStart : scalar == "z" ? .textEnd : scalar == "b" ? .wordBoundary : .noWordBoundary)
        default: break
        }
        if let set = try escapedClass() { return .set(set) }
        return literal(try escapedScalar())
    }

    /// `\d`, `\pL` and the like, after the backslash.
    private mutating func escapedClass() throws(TextPattern.Unsupported) -> PatternSet? {
        guard let scalar = current else { return nil }
        let set: PatternSet
        switch scalar {
        case "d": set = .digit
        case "D": set = PatternSet.digit.inverted
        case "w": set = .word
        case "W": set = PatternSet.word.inverted
        case "s": set = .space
        case "S": set = PatternSet.space.inverted
        case "p", "P":
            place += 1
            return try category(isNegated: scalar == "P")
        default: return nil
        }
        place += 1
        return set
    }

    private mutating func category(isNegated: Bool) throws(TextPattern.Unsupported) -> PatternSet {
        var name = String(Character(try next()))
        var isNegated = isNegated
        if name == "{" {
            name = ""
            if take("^") { isNegated.toggle() }
            while true {
                let scalar = try next()
                if scalar == "}" { break }
                name.unicodeScalars.append(scalar)
            }
        }
        if name == "Any" { return isNegated ? PatternSet() : .any }
        guard let set = PatternSet(category: name, isNegated: isNegated) else {
            throw error("unsupported character class range: `\\p{\(name)}`")
        }
        return set
    }

    private mutating func escapedScalar() throws(TextPattern.Unsupported) -> Unicode.Scalar {
        let scalar = try next()
        switch scalar {
        case "n": return "\n"
        case "t": return "\t"
        case "r": return "\r"
        case "f": return "\u{c}"
        case "v": return "\u{b}"
        case "a": return "\u{7}"
        case "x":
            var code = ""
            if take("{") {
                while let digit = current, digit != "}" {
                    code.unicodeScalars.append(digit)
                    place += 1
                }
                guard take("}") else { throw error("invalid escape sequence: `\\x`") }
            } else {
                code = String(String.UnicodeScalarView(text[place..<min(place + 2, text.count)]))
                place += code.unicodeScalars.count
            }
            guard let value = UInt32(code, radix: 16), let decoded = Unicode.Scalar(value) else {
                throw error("invalid escape sequence: `\\x`")
            }
            return decoded
        case "0"..."7":
            // A digit other than 0 alone would refer back to a group, which RE2 has not.
            var value = scalar.value - 48
            var count = 1
            while count < 3, let digit = current, ("0"..."7").contains(digit) {
                value = value * 8 + digit.value - 48
                place += 1
                count += 1
            }
            guard scalar == "0" || count > 1, let decoded = Unicode.Scalar(value) else {
                throw error("invalid escape sequence: `\\\(scalar)`")
            }
            return decoded
        case "a"..."z", "A"..."Z", "8", "9": throw error("invalid escape sequence: `\\\(scalar)`")
        default: return scalar
        }
    }

    private mutating func bracket() throws(TextPattern.Unsupported) -> PatternSet {
        let isNegated = take("^")
        var set = PatternSet()
        var isFirst = true
        while true {
            guard place < text.count else {
                throw error("missing closing ]: `\(String(String.UnicodeScalarView(text)))`")
            }
            if !isFirst, take("]") { break }
            isFirst = false
            if take("[:") {
                let isInverted = take("^")
                var name = ""
                while let scalar = current, scalar != ":" {
                    name.unicodeScalars.append(scalar)
                    place += 1
                }
                guard take(":]"), let known = PatternSet(posix: name) else {
                    throw error("invalid character class range: `[:\(name):]`")
                }
                set.formUnion(isInverted ? known.inverted : known)
                continue
            }
            if current == "\\" {
                place += 1
                if let known = try escapedClass() {
                    set.formUnion(known)
                    continue
                }
                place -= 1
            }
            let low = try member()
            var high = low
            if current == "-", place + 1 < text.count, text[place + 1] != "]" {
                place += 1
                high = try member()
            }
            guard low.value <= high.value else {
                throw error("invalid character class range: `\(low)-\(high)`")
            }
            set.insert(low.value...high.value)
        }
        if flags.ignoresCase { set.insertOtherCases() }
        return isNegated ? set.inverted : set
    }

    private mutating func member() throws(TextPattern.Unsupported) -> Unicode.Scalar {
        let scalar = try next()
        return scalar == "\\" ? try escapedScalar() : scalar
    }
}
