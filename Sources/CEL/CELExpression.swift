import KubeModel

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
    /// How deep the tree below is.
    let height: Int

    init(_ syntax: CELSyntax, at offset: Int) {
        self.syntax = syntax
        self.offset = offset
        let below =
            switch syntax {
            case .literal, .identifier: 0
            case .select(let operand, _), .presence(let operand, _), .optionalSelect(let operand, _): operand.height
            case .call(_, let target, let arguments):
                max(target?.height ?? 0, arguments.map(\.height).max() ?? 0)
            case .list(let elements, _): elements.map(\.height).max() ?? 0
            case .map(let entries): entries.map { max($0.key.height, $0.value.height) }.max() ?? 0
            case .fold(let fold):
                max(fold.range.height, fold.predicate?.height ?? 0, fold.transform?.height ?? 0)
            }
        height = below + 1
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
