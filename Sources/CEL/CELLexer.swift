import KubeModel

/// Splits an expression into tokens, as the CEL language definition's section on syntax says.
struct CELLexer {
    private let text: [Unicode.Scalar]
    private var place = 0

    static func tokens(of source: String) throws(CELProblem) -> [CELToken] {
        var lexer = CELLexer(text: Array(source.unicodeScalars))
        var tokens: [CELToken] = []
        while true {
            let token = try lexer.next()
            tokens.append(token)
            if token.kind == .end { return tokens }
        }
    }

    private init(text: [Unicode.Scalar]) {
        self.text = text
    }

    private func peek(_ ahead: Int = 0) -> Unicode.Scalar? {
        place + ahead < text.count ? text[place + ahead] : nil
    }

    private func has(_ expected: String) -> Bool {
        var position = place
        for scalar in expected.unicodeScalars {
            guard position < text.count, text[position] == scalar else { return false }
            position += 1
        }
        return true
    }

    private mutating func skipSpace() {
        while let scalar = peek() {
            switch scalar {
            case " ", "\t", "\n", "\r", "\u{c}": place += 1
            case "/" where peek(1) == "/":
                while let inner = peek(), inner != "\n" { _ = inner; place += 1 }
            default: return
            }
        }
    }

    private mutating func next() throws(CELProblem) -> CELToken {
        skipSpace()
        let start = place
        guard let scalar = peek() else { return CELToken(kind: .end, offset: start) }
        if let kind = try literalWithPrefix() { return CELToken(kind: kind, offset: start) }
        if CELLexer.isLetter(scalar) { return CELToken(kind: word(), offset: start) }
        if CELLexer.isDigit(scalar) || (scalar == "." && peek(1).map(CELLexer.isDigit) == true) {
            return CELToken(kind: try number(), offset: start)
        }
        for symbol in ["==", "!=", "<=", ">=", "&&", "||"] where has(symbol) {
            place += 2
            return CELToken(kind: .symbol(symbol), offset: start)
        }
        guard "<>!+-*/%?:.,()[]{}".unicodeScalars.contains(scalar) else {
            throw CELProblem("Syntax error: token recognition error at: '\(scalar)'", at: start)
        }
        place += 1
        return CELToken(kind: .symbol(String(Character(scalar))), offset: start)
    }

    private mutating func word() -> CELToken.Kind {
        let start = place
        while let scalar = peek(), CELLexer.isLetter(scalar) || CELLexer.isDigit(scalar) { place += 1 }
        let name = String(String.UnicodeScalarView(text[start..<place]))
        switch name {
        case "in", "true", "false", "null": return .symbol(name)
        default: return .identifier(name)
        }
    }

    private static func isLetter(_ scalar: Unicode.Scalar) -> Bool {
        ("a"..."z").contains(scalar) || ("A"..."Z").contains(scalar) || scalar == "_"
    }

    private static func isDigit(_ scalar: Unicode.Scalar) -> Bool {
        ("0"..."9").contains(scalar)
    }

    // MARK: Numbers

    private mutating func number() throws(CELProblem) -> CELToken.Kind {
        let start = place
        if peek() == "0", peek(1) == "x" || peek(1) == "X" {
            place += 2
            let digits = take {
                $0.properties.numericType != nil || ("a"..."f").contains($0) || ("A"..."F").contains($0)
            }
            return try integer(digits, radix: 16, at: start)
        }
        var digits = take(CELLexer.isDigit)
        var isDouble = false
        if peek() == ".", peek(1).map(CELLexer.isDigit) == true {
            isDouble = true
            place += 1
            digits += "." + take(CELLexer.isDigit)
        }
        if peek() == "e" || peek() == "E" {
            let sign = peek(1) == "+" || peek(1) == "-" ? 1 : 0
            if peek(1 + sign).map(CELLexer.isDigit) == true {
                isDouble = true
                digits += "e" + (peek(1) == "-" ? "-" : "")
                place += 1 + sign
                digits += take(CELLexer.isDigit)
            }
        }
        guard isDouble else { return try integer(digits, radix: 10, at: start) }
        guard let value = Double(digits.first == "." ? "0" + digits : digits), value.isFinite else {
            throw CELProblem("invalid double literal", at: start)
        }
        return .double(value)
    }

    private mutating func integer(_ digits: String, radix: Int, at start: Int) throws(CELProblem) -> CELToken.Kind {
        let isUnsigned = peek() == "u" || peek() == "U"
        if isUnsigned { place += 1 }
        guard let value = UInt64(digits, radix: radix), isUnsigned || value <= 1 << 63 else {
            throw CELProblem("invalid \(isUnsigned ? "uint" : "int") literal", at: start)
        }
        return isUnsigned ? .uint(value) : .int(value)
    }

    private mutating func take(_ accepts: (Unicode.Scalar) -> Bool) -> String {
        let start = place
        while let scalar = peek(), accepts(scalar) { place += 1 }
        return String(String.UnicodeScalarView(text[start..<place]))
    }

    // MARK: Strings and bytes

    /// A string or bytes literal, whose prefix of `r` and `b` in any case and order looks like a word.
    private mutating func literalWithPrefix() throws(CELProblem) -> CELToken.Kind? {
        var isRaw = false
        var isBytes = false
        var length = 0
        prefix: while length < 2, let scalar = peek(length) {
            switch scalar {
            case "r" where !isRaw, "R" where !isRaw: isRaw = true
            case "b" where !isBytes, "B" where !isBytes: isBytes = true
            default: break prefix
            }
            length += 1
        }
        guard let quote = peek(length), quote == "\"" || quote == "'" else { return nil }
        let start = place
        place += length
        let mark = String(Character(quote))
        let closing = has(mark + mark + mark) ? mark + mark + mark : mark
        place += closing.unicodeScalars.count
        var bytes: [UInt8] = []
        while !has(closing) {
            guard let scalar = peek() else { throw CELProblem("Syntax error: unterminated string", at: start) }
            if closing == mark, scalar == "\n" || scalar == "\r" {
                throw CELProblem("Syntax error: line break in string", at: start)
            }
            place += 1
            if scalar == "\\", !isRaw {
                try escape(into: &bytes, isBytes: isBytes, at: start)
            } else if scalar == "\\", let escaped = peek(), isRaw {
                // A raw literal's backslash still keeps a quote from closing it.
                place += 1
                bytes.append(UInt8(ascii: "\\"))
                bytes.append(contentsOf: String(Character(escaped)).utf8)
            } else {
                bytes.append(contentsOf: String(Character(scalar)).utf8)
            }
        }
        place += closing.unicodeScalars.count
        return isBytes ? .bytes(bytes) : .string(String(decoding: bytes, as: UTF8.self))
    }

    private mutating func escape(into bytes: inout [UInt8], isBytes: Bool, at start: Int) throws(CELProblem) {
        guard let scalar = peek() else { throw CELProblem("Syntax error: unterminated string", at: start) }
        place += 1
        let simple: [Unicode.Scalar: UInt8] = [
            "a": 7, "b": 8, "f": 12, "n": 10, "r": 13, "t": 9, "v": 11, "\\": 92, "\"": 34, "'": 39, "`": 96, "?": 63,
        ]
        if let byte = simple[scalar] {
            bytes.append(byte)
            return
        }
        let (length, radix): (Int, Int)
        switch scalar {
        case "x", "X": (length, radix) = (2, 16)
        case "u" where !isBytes: (length, radix) = (4, 16)
        case "U" where !isBytes: (length, radix) = (8, 16)
        case "0"..."3":
            place -= 1
            (length, radix) = (3, 8)
        default: throw CELProblem("Syntax error: invalid escape \\\(scalar)", at: start)
        }
        guard place + length <= text.count,
            let code = UInt32(String(String.UnicodeScalarView(text[place..<(place + length)])), radix: radix)
        else { throw CELProblem("Syntax error: invalid escape \\\(scalar)", at: start) }
        place += length
        if isBytes {
            bytes.append(UInt8(truncatingIfNeeded: code))
        } else if let decoded = Unicode.Scalar(code) {
            bytes.append(contentsOf: String(Character(decoded)).utf8)
        } else {
            throw CELProblem("Syntax error: invalid code point", at: start)
        }
    }
}
