/// The syntax tree of an expression, its macros expanded.
indirect enum CELSyntax {
    case literal(CELValue)
    case identifier(String)
    case select(CELExpression, field: String)
    /// `has(a.b)`.
    case presence(CELExpression, field: String)
    /// `a.?b`.
    case optionalSelect(CELExpression, field: String)
    /// Operators too, by names such as `_+_`.
    case call(String, target: CELExpression?, arguments: [CELExpression])
    case list([CELExpression], optional: Set<Int>)
    case map([CELMapEntry])
    case fold(CELFold)
}

struct CELExpression {
    let syntax: CELSyntax
    /// Where messages point to.
    let offset: Int

    init(_ syntax: CELSyntax, at offset: Int) {
        self.syntax = syntax
        self.offset = offset
    }
}

struct CELMapEntry {
    let key: CELExpression
    let value: CELExpression
    /// `{?key: optional}`.
    let isOptional: Bool
}

/// What a macro over a list or map stands for.
struct CELFold {
    enum Kind: UInt8, BitwiseCopyable {
        case all, exists, existsOne, map, filter, transformMap
    }

    let kind: Kind
    let range: CELExpression
    /// The element or key; or the index or key, when there is a second.
    let variable: String
    /// The element or value, in macros of two variables.
    let second: String?
    let predicate: CELExpression?
    let transform: CELExpression?
}
