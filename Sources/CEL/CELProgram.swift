import KubeModel

/// A checked expression, ready to be evaluated: operations that name each other and everything else by position.
final class CELProgram: Sendable {
    /// Operands are positions of other operations.
    enum Operation: BitwiseCopyable, Sendable {
        case constant(Int32)
        case variable(Int32)
        /// A declared field of an object: names the JSON member and its declaration.
        case field(Int32, name: Int32, declaration: Int32)
        case hasField(Int32, name: Int32)
        /// A member by name of a map, an optional or what is known only when evaluated.
        case member(Int32, name: Int32)
        case hasMember(Int32, name: Int32)
        case optionalMember(Int32, name: Int32)
        case not(Int32)
        case and(Int32, Int32)
        case or(Int32, Int32)
        case conditional(Int32, Int32, Int32)
        case equals(Int32, Int32)
        case notEquals(Int32, Int32)
        case unary(CELFunction, Int32)
        case binary(CELFunction, Int32, Int32)
        /// Operands stand in `arguments`.
        case call(CELFunction, first: Int32, count: Int32)
        /// With a pattern that is part of the expression.
        case matches(Int32, pattern: Int32)
        /// Optional elements are bitwise negated in `arguments`.
        case list(first: Int32, count: Int32)
        /// Keys and values in turn; values of optional entries are bitwise negated.
        case map(first: Int32, count: Int32)
        /// Absent parts are -1.
        case fold(
            CELFold.Kind, range: Int32, slot: Int32, second: Int32, predicate: Int32, transform: Int32)
    }

    let operations: [Operation]
    let root: Int32
    let constants: [CELValue]
    let names: [String]
    let declarations: [CELDeclaration]
    let patterns: [TextPattern]
    let arguments: [Int32]
    let slotCount: Int

    init(
        operations: [Operation], root: Int32, constants: [CELValue], names: [String], declarations: [CELDeclaration],
        patterns: [TextPattern], arguments: [Int32], slotCount: Int
    ) {
        self.operations = operations
        self.root = root
        self.constants = constants
        self.names = names
        self.declarations = declarations
        self.patterns = patterns
        self.arguments = arguments
        self.slotCount = slotCount
    }
}

/// What checking found out about an expression.
struct CELCompilation: Sendable {
    let program: CELProgram
    let type: CELType
    /// The most that one evaluation can cost, on the largest values that the schema allows.
    let maximumCost: UInt64
    let usesOldSelf: Bool

    /// - Parameters:
    ///   - declaration: of `self`.
    ///   - oldSelf: the type of `oldSelf`.
    static func compile(
        _ source: String, self declaration: CELDeclaration, oldSelfIsOptional: Bool
    ) throws(CELProblem) -> CELCompilation {
        let expression = try CELParser.parse(source)
        var checker = CELChecker(declaration: declaration, oldSelfIsOptional: oldSelfIsOptional)
        return try checker.run(expression)
    }

    /// An expression over variables of any type.
    static func compile(_ source: String, variables: [String]) throws(CELProblem) -> CELCompilation {
        let expression = try CELParser.parse(source)
        var checker = CELChecker(variables: variables)
        return try checker.run(expression)
    }
}
