import KubeModel

/// Reads an expression by recursive descent over CEL's grammar.
struct CELParser {
    /// As deep as cel-go lets expressions nest.
    private static let depthLimit = 250
    /// In Unicode scalars, as in cel-go.
    private static let sizeLimit = 100_000

    private let tokens: [CELToken]
    private var place = 0
    private var depth = 0

    static func parse(_ source: String) throws(CELProblem) -> CELExpression {
        guard source.unicodeScalars.count <= sizeLimit else {
            throw CELProblem(
                "expression code point size exceeds limit: size: \(source.count), limit \(sizeLimit)", at: 0)
        }
        var parser = CELParser(tokens: try CELLexer.tokens(of: source))
        let expression = try parser.expression()
        if parser.current.kind != .end { throw parser.unexpected() }
        return expression
    }

    private init(tokens: [CELToken]) {
        self.tokens = tokens
    }

    private var current: CELToken { tokens[place] }

    private func unexpected() -> CELProblem {
        CELProblem("Syntax error: mismatched input '\(current.text)'", at: current.offset)
    }

    /// Consumes a symbol if it comes next.
    private mutating func take(_ symbol: String) -> Bool {
        guard current.isSymbol(symbol) else { return false }
        place += 1
        return true
    }

    private mutating func expect(_ symbol: String) throws(CELProblem) {
        guard take(symbol) else {
            throw CELProblem(
                "Syntax error: mismatched input '\(current.text)' expecting '\(symbol)'", at: current.offset)
        }
    }

    private mutating func descend() throws(CELProblem) {
        depth += 1
        if depth > CELParser.depthLimit {
            throw CELProblem("expression recursion limit exceeded: \(CELParser.depthLimit)", at: current.offset)
        }
    }

    /// Keeps trees, which are walked recursively, from growing deep by other means than nesting.
    private func limit(_ expression: CELExpression) throws(CELProblem) {
        if expression.height > CELParser.depthLimit {
            throw CELProblem("expression recursion limit exceeded: \(CELParser.depthLimit)", at: expression.offset)
        }
    }

    // MARK: Operators, loosest first

    private mutating func expression() throws(CELProblem) -> CELExpression {
        try descend()
        let condition = try chain("||") { parser throws(CELProblem) in
            try parser.chain("&&") { parser throws(CELProblem) in try parser.relation() }
        }
        let offset = current.offset
        try limit(condition)
        guard take("?") else {
            depth -= 1
            return condition
        }
        let first = try chain("||") { parser throws(CELProblem) in
            try parser.chain("&&") { parser throws(CELProblem) in try parser.relation() }
        }
        try expect(":")
        let second = try expression()
        depth -= 1
        return operation("_?_:_", [condition, first, second], offset)
    }

    private func operation(_ name: String, _ arguments: [CELExpression], _ offset: Int) -> CELExpression {
        CELExpression(.call(name, target: nil, arguments: arguments), at: offset)
    }

    /// Terms joined by one logical operator, as a balanced tree, so that long chains do not nest deeply.
    private mutating func chain(
        _ symbol: String, _ term: (inout CELParser) throws(CELProblem) -> CELExpression
    ) throws(CELProblem) -> CELExpression {
        var terms = [try term(&self)]
        var offsets: [Int] = []
        while current.isSymbol(symbol) {
            offsets.append(current.offset)
            place += 1
            terms.append(try term(&self))
        }
        return balanced("_\(symbol)_", terms[...], offsets[...])
    }

    private func balanced(
        _ name: String, _ terms: ArraySlice<CELExpression>, _ offsets: ArraySlice<Int>
    ) -> CELExpression {
        if terms.count == 1 { return terms[terms.startIndex] }
        let half = offsets.count / 2
        let middle = offsets.startIndex + half
        let split = terms.startIndex + half + 1
        return operation(
            name,
            [
                balanced(name, terms[..<split], offsets[..<middle]),
                balanced(name, terms[split...], offsets[(middle + 1)...]),
            ], offsets[middle])
    }

    private mutating func relation() throws(CELProblem) -> CELExpression {
        try leftAssociative(["<", "<=", ">=", ">", "==", "!=", "in"]) { parser throws(CELProblem) in
            try parser.leftAssociative(["+", "-"]) { parser throws(CELProblem) in
                try parser.leftAssociative(["*", "/", "%"]) { parser throws(CELProblem) in try parser.unary() }
            }
        }
    }

    private mutating func leftAssociative(
        _ symbols: [String], _ operand: (inout CELParser) throws(CELProblem) -> CELExpression
    ) throws(CELProblem) -> CELExpression {
        var left = try operand(&self)
        while case .symbol(let symbol) = current.kind, symbols.contains(symbol) {
            let offset = current.offset
            place += 1
            // The tree leans to the left: as deep as the chain is long.
            try limit(left)
            left = operation(symbol == "in" ? "@in" : "_\(symbol)_", [left, try operand(&self)], offset)
        }
        return left
    }

    private mutating func unary() throws(CELProblem) -> CELExpression {
        let offset = current.offset
        var count = 0
        if current.isSymbol("!") {
            while take("!") { count += 1 }
            let operand = try member()
            return count.isMultiple(of: 2) ? operand : operation("!_", [operand], offset)
        }
        guard current.isSymbol("-") else { return try member() }
        if case .int(let value) = tokens[place + 1].kind {
            place += 2
            let literal = CELExpression(.literal(.int(Int64(truncatingIfNeeded: 0 &- value))), at: offset)
            return try suffixes(of: literal)
        }
        if case .double(let value) = tokens[place + 1].kind {
            place += 2
            return try suffixes(of: CELExpression(.literal(.double(-value)), at: offset))
        }
        while take("-") { count += 1 }
        let operand = try member()
        return count.isMultiple(of: 2) ? operand : operation("-_", [operand], offset)
    }

    // MARK: Members and primaries

    private mutating func member() throws(CELProblem) -> CELExpression {
        try suffixes(of: try primary())
    }

    private mutating func suffixes(of primary: CELExpression) throws(CELProblem) -> CELExpression {
        var result = primary
        while true {
            let offset = current.offset
            try limit(result)
            if take(".") {
                let isOptional = take("?")
                guard case .identifier(let name) = current.kind else {
                    throw CELProblem(
                        "Syntax error: mismatched input '\(current.text)' expecting IDENTIFIER", at: current.offset)
                }
                place += 1
                let open = current.offset
                if isOptional {
                    result = CELExpression(.optionalSelect(result, field: name), at: offset)
                } else if take("(") {
                    let arguments = try list(until: ")")
                    result = try CELMacros.member(name, result, arguments, open)
                } else {
                    result = CELExpression(.select(result, field: name), at: offset)
                }
            } else if take("[") {
                let isOptional = take("?")
                let index = try expression()
                try expect("]")
                result = operation(isOptional ? "_[?_]" : "_[_]", [result, index], offset)
            } else {
                return result
            }
        }
    }

    private mutating func list(until close: String) throws(CELProblem) -> [CELExpression] {
        var elements: [CELExpression] = []
        while !take(close) {
            elements.append(try expression())
            if !take(",") {
                try expect(close)
                break
            }
        }
        return elements
    }

    private mutating func primary() throws(CELProblem) -> CELExpression {
        let token = current
        let offset = token.offset
        switch token.kind {
        case .int(let value):
            place += 1
            guard value <= UInt64(Int64.max) else { throw CELProblem("invalid int literal", at: offset) }
            return CELExpression(.literal(.int(Int64(value))), at: offset)
        case .uint(let value): return literal(.uint(value))
        case .double(let value): return literal(.double(value))
        case .string(let text): return literal(.string(text))
        case .bytes(let bytes): return literal(.bytes(bytes))
        case .identifier: return try named()
        case .symbol("true"): return literal(.bool(true))
        case .symbol("false"): return literal(.bool(false))
        case .symbol("null"): return literal(.null)
        case .symbol("."):
            place += 1
            guard case .identifier = current.kind else { throw unexpected() }
            return try named()
        case .symbol("("):
            place += 1
            let inner = try expression()
            try expect(")")
            return inner
        case .symbol("["): return try listLiteral()
        case .symbol("{"): return try mapLiteral()
        default: throw unexpected()
        }
    }

    private mutating func literal(_ value: CELValue) -> CELExpression {
        let offset = current.offset
        place += 1
        return CELExpression(.literal(value), at: offset)
    }

    private mutating func named() throws(CELProblem) -> CELExpression {
        guard case .identifier(let name) = current.kind else { throw unexpected() }
        let offset = current.offset
        if CELParser.reserved.contains(name) { throw CELProblem("reserved identifier: \(name)", at: offset) }
        place += 1
        let open = current.offset
        guard take("(") else { return CELExpression(.identifier(name), at: offset) }
        return try CELMacros.global(name, try list(until: ")"), open)
    }

    private mutating func listLiteral() throws(CELProblem) -> CELExpression {
        let offset = current.offset
        try expect("[")
        var elements: [CELExpression] = []
        var optional: Set<Int> = []
        while !take("]") {
            if take("?") { optional.insert(elements.count) }
            elements.append(try expression())
            if !take(",") {
                try expect("]")
                break
            }
        }
        return CELExpression(.list(elements, optional: optional), at: offset)
    }

    private mutating func mapLiteral() throws(CELProblem) -> CELExpression {
        let offset = current.offset
        try expect("{")
        var entries: [CELMapEntry] = []
        while !take("}") {
            let isOptional = take("?")
            let key = try expression()
            try expect(":")
            entries.append(CELMapEntry(key: key, value: try expression(), isOptional: isOptional))
            if !take(",") {
                try expect("}")
                break
            }
        }
        return CELExpression(.map(entries), at: offset)
    }

    /// Words that may not name a variable or function.
    static let reserved: Set<String> = [
        "as", "break", "const", "continue", "else", "false", "for", "function", "if", "import", "in", "let", "loop",
        "package", "namespace", "null", "return", "true", "var", "void", "while",
    ]
}
