import KubeModel

/// A lexical element of an expression.
struct CELToken: Equatable {
    enum Kind: Equatable {
        case identifier(String)
        case int(UInt64)
        case uint(UInt64)
        case double(Double)
        case string(String)
        case bytes([UInt8])
        /// An operator, a bracket, or one of the words `in`, `true`, `false` and `null`.
        case symbol(String)
        case end
    }

    let kind: Kind
    /// In Unicode scalars from the start of the text.
    let offset: Int

    func isSymbol(_ text: String) -> Bool {
        if case .symbol(let own) = kind { own == text } else { false }
    }

    /// For messages.
    var text: String {
        switch kind {
        case .identifier(let name): name
        case .int(let value), .uint(let value): "\(value)"
        case .double(let value): "\(value)"
        case .string(let text): goQuoted(text)
        case .bytes: "bytes"
        case .symbol(let text): text
        case .end: "<EOF>"
        }
    }
}

/// Something wrong with an expression, found before it is evaluated.
struct CELProblem: Error, Equatable {
    let message: String
    let offset: Int

    init(_ message: String, at offset: Int) {
        self.message = message
        self.offset = offset
    }

    /// With the line and a mark below the place, as cel-go prints it.
    func rendered(in source: String) -> String {
        var line = 1
        var start = 0
        let scalars = Array(source.unicodeScalars)
        for (place, scalar) in scalars.prefix(max(0, offset)).enumerated() where scalar == "\n" {
            line += 1
            start = place + 1
        }
        let column = max(0, offset - start)
        let rest = scalars[min(start, scalars.count)...].prefix { $0 != "\n" }
        let text = String(String.UnicodeScalarView(rest))
        let dots = String(repeating: ".", count: column)
        return "ERROR: <input>:\(line):\(column + 1): \(message)\n | \(text)\n | \(dots)^"
    }
}
