import KubeModel

/// Calls that are rewritten before types are checked.
enum CELMacros {
    static func global(
        _ name: String, _ arguments: [CELExpression], _ offset: Int
    ) throws(CELProblem) -> CELExpression {
        guard name == "has", arguments.count == 1 else {
            return CELExpression(.call(name, target: nil, arguments: arguments), at: offset)
        }
        guard case .select(let operand, let field) = arguments[0].syntax else {
            throw CELProblem("invalid argument to has() macro", at: arguments[0].offset)
        }
        return CELExpression(.presence(operand, field: field), at: offset)
    }

    static func member(
        _ name: String, _ target: CELExpression, _ arguments: [CELExpression], _ offset: Int
    ) throws(CELProblem) -> CELExpression {
        let call = CELExpression(.call(name, target: target, arguments: arguments), at: offset)
        func fold(
            _ kind: CELFold.Kind, second: Int? = nil, predicate: Int?, transform: Int? = nil
        ) throws(CELProblem) -> CELExpression {
            let first = try variable(arguments[0])
            var other: String?
            if let second {
                other = try variable(arguments[second])
                if other == first {
                    throw CELProblem("duplicate variable name: \(first)", at: arguments[second].offset)
                }
            }
            return CELExpression(
                .fold(
                    CELFold(
                        kind: kind, range: target, variable: first, second: other,
                        predicate: predicate.map { arguments[$0] }, transform: transform.map { arguments[$0] })),
                at: offset)
        }
        switch (name, arguments.count) {
        case ("all", 2): return try fold(.all, predicate: 1)
        case ("exists", 2): return try fold(.exists, predicate: 1)
        case ("exists_one", 2), ("existsOne", 2): return try fold(.existsOne, predicate: 1)
        case ("filter", 2): return try fold(.filter, predicate: 1)
        case ("map", 2): return try fold(.map, predicate: nil, transform: 1)
        case ("map", 3): return try fold(.map, predicate: 1, transform: 2)
        case ("all", 3): return try fold(.all, second: 1, predicate: 2)
        case ("exists", 3): return try fold(.exists, second: 1, predicate: 2)
        case ("existsOne", 3), ("exists_one", 3): return try fold(.existsOne, second: 1, predicate: 2)
        case ("transformList", 3): return try fold(.map, second: 1, predicate: nil, transform: 2)
        case ("transformList", 4): return try fold(.map, second: 1, predicate: 2, transform: 3)
        case ("transformMap", 3): return try fold(.transformMap, second: 1, predicate: nil, transform: 2)
        case ("transformMap", 4): return try fold(.transformMap, second: 1, predicate: 2, transform: 3)
        case ("optMap", 2), ("optFlatMap", 2):
            // `o.optMap(x, f)`: f of the value, where there is one. A fold over a list of at most one element.
            let body = arguments[1]
            let range = CELExpression(.call("@elements", target: nil, arguments: [target]), at: offset)
            let mapped = CELExpression(
                .fold(
                    CELFold(
                        kind: .map, range: range, variable: try variable(arguments[0]), second: nil, predicate: nil,
                        transform: body)), at: offset)
            let first = name == "optMap" ? "@first" : "@flatFirst"
            return CELExpression(.call(first, target: nil, arguments: [mapped]), at: offset)
        default: return call
        }
    }

    private static func variable(_ expression: CELExpression) throws(CELProblem) -> String {
        guard case .identifier(let name) = expression.syntax else {
            throw CELProblem("argument must be a simple name", at: expression.offset)
        }
        return name
    }
}
