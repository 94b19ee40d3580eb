import KubeModel

/// What the checker knows about one part of an expression.
struct CELChecked: Sendable {
    var operation: Int32
    var type: CELType
    /// Where in the schema the value comes from, if from there.
    var declaration: CELDeclaration?
    var size: CELSize?
    /// Of the elements or values inside.
    var entrySize: CELSize?
    var cost: UInt64

    var sizeOrUnknown: CELSize {
        if let size { return size }
        if let declaration { return CELSize(least: 0, most: declaration.maximumCount) }
        switch type {
        case .bool, .int, .uint, .double, .timestamp, .duration, .null, .type, .opaque: return .exactly(1)
        default: return .unknown
        }
    }

    var elementSize: CELSize {
        if let entrySize { return entrySize }
        if let element = declaration?.element { return CELSize(least: 0, most: element.maximumCount) }
        return .unknown
    }
}

extension CELType {
    var isText: Bool {
        if case .string = self { true } else { false }
    }
}

/// Finds the types of an expression's parts, refuses what cannot work, and lays the expression out as a program.
struct CELChecker {
    struct Local {
        let name: String
        let type: CELType
        let declaration: CELDeclaration?
        let size: CELSize?
        let slot: Int32
    }

    private let selfDeclaration: CELDeclaration
    private let oldSelfIsOptional: Bool
    private var substitution = CELSubstitution()
    private var locals: [Local] = []
    private var slotCount = 2
    private var usesOldSelf = false
    private var depth = 0

    private var operations: [CELProgram.Operation] = []
    private var constants: [CELValue] = []
    private var names: [String] = []
    private var declarations: [CELDeclaration] = []
    private var patterns: [TextPattern] = []
    private var arguments: [Int32] = []

    init(declaration: CELDeclaration, oldSelfIsOptional: Bool) {
        selfDeclaration = declaration
        self.oldSelfIsOptional = oldSelfIsOptional
    }

    /// For expressions over variables of any type, in place of `self`; their values stand in the slots from 2 on.
    init(variables: [String]) {
        self.init(declaration: .dynamic, oldSelfIsOptional: false)
        for name in variables { bind(name, .dyn, nil, nil) }
    }

    mutating func run(_ expression: CELExpression) throws(CELProblem) -> CELCompilation {
        let root = try check(expression)
        let program = CELProgram(
            operations: operations, root: root.operation, constants: constants, names: names,
            declarations: declarations, patterns: patterns, arguments: arguments, slotCount: slotCount)
        return CELCompilation(
            program: program, type: substitution.resolve(root.type, closing: true), maximumCost: root.cost,
            usesOldSelf: usesOldSelf)
    }

    private mutating func emit(_ operation: CELProgram.Operation) -> Int32 {
        operations.append(operation)
        return Int32(operations.count - 1)
    }

    private mutating func name(_ text: String) -> Int32 {
        if let known = names.firstIndex(of: text) { return Int32(known) }
        names.append(text)
        return Int32(names.count - 1)
    }

    private mutating func constant(_ value: CELValue, _ type: CELType, size: CELSize? = nil) -> CELChecked {
        constants.append(value)
        return CELChecked(
            operation: emit(.constant(Int32(constants.count - 1))), type: type, declaration: nil, size: size, cost: 0)
    }

    private mutating func check(_ expression: CELExpression) throws(CELProblem) -> CELChecked {
        depth += 1
        defer { depth -= 1 }
        guard depth <= 1000 else { throw CELProblem("expression nests too deeply", at: expression.offset) }
        switch expression.syntax {
        case .literal(let value): return literal(value)
        case .identifier(let name): return try identifier(name, expression.offset)
        case .select(let operand, let field):
            if let known = typeConstant(expression) { return known }
            return try select(operand, field, expression.offset)
        case .presence(let operand, let field): return try presence(operand, field, expression.offset)
        case .optionalSelect(let operand, let field): return try optionalSelect(operand, field, expression.offset)
        case .call(let name, let target, let arguments): return try call(name, target, arguments, expression.offset)
        case .list(let elements, let optional): return try list(elements, optional)
        case .map(let entries): return try map(entries)
        case .fold(let fold): return try self.fold(fold, expression.offset)
        }
    }

    private mutating func literal(_ value: CELValue) -> CELChecked {
        switch value {
        case .null: constant(value, .null)
        case .bool: constant(value, .bool)
        case .int: constant(value, .int)
        case .uint: constant(value, .uint)
        case .double: constant(value, .double)
        case .string(let text): constant(value, .string, size: .exactly(text.unicodeScalars.count))
        case .bytes(let bytes): constant(value, .bytes, size: .exactly(bytes.count))
        default: constant(value, .dyn)
        }
    }

    // MARK: Names

    private static let typeNames = [
        "int", "uint", "double", "string", "bool", "bytes", "list", "map", "null_type", "type",
        "google.protobuf.Timestamp", "google.protobuf.Duration", "net.IP", "net.CIDR", "kubernetes.URL",
        "kubernetes.Quantity", "optional_type",
    ]

    private func isVariable(_ name: String) -> Bool {
        name == "self" || name == "oldSelf" || locals.contains { $0.name == name }
    }

    /// The dotted name that an expression spells, unless it starts with a variable.
    private func qualifiedName(_ expression: CELExpression) -> String? {
        switch expression.syntax {
        case .identifier(let name): return isVariable(name) ? nil : name
        case .select(let operand, let field): return qualifiedName(operand).map { "\($0).\(field)" }
        default: return nil
        }
    }

    private mutating func typeConstant(_ expression: CELExpression) -> CELChecked? {
        guard let name = qualifiedName(expression), CELChecker.typeNames.contains(name) else { return nil }
        return constant(.type(name), .type)
    }

    private mutating func identifier(_ name: String, _ offset: Int) throws(CELProblem) -> CELChecked {
        if let local = locals.last(where: { $0.name == name }) {
            return CELChecked(
                operation: emit(.variable(local.slot)), type: local.type, declaration: local.declaration,
                size: local.size, cost: 1)
        }
        switch name {
        case "self":
            return CELChecked(
                operation: emit(.variable(0)), type: selfDeclaration.type, declaration: selfDeclaration, cost: 1)
        case "oldSelf":
            usesOldSelf = true
            let operation = emit(.variable(1))
            if oldSelfIsOptional {
                return CELChecked(
                    operation: operation, type: .optional(selfDeclaration.type), declaration: selfDeclaration, cost: 1)
            }
            return CELChecked(
                operation: operation, type: selfDeclaration.type, declaration: selfDeclaration, cost: 1)
        default:
            guard CELChecker.typeNames.contains(name) else { throw undeclared(name, offset) }
            return constant(.type(name), .type)
        }
    }

    private func undeclared(_ name: String, _ offset: Int) -> CELProblem {
        CELProblem("undeclared reference to '\(name)' (in container '')", at: offset)
    }

    // MARK: Fields

    /// The type and declaration of a field, and whether the operand is an optional.
    private mutating func field(
        _ operand: CELChecked, _ field: String, _ offset: Int
    ) throws(CELProblem) -> (type: CELType, found: CELDeclaration.Field?, isOptional: Bool) {
        switch substitution.resolve(operand.type) {
        case .object(let declaration):
            guard let found = declaration.fields[field] else {
                throw CELProblem("undefined field '\(field)'", at: offset)
            }
            return (found.declaration.type, found, false)
        case .map(let key, let value):
            guard substitution.assign(.string, to: key) else {
                throw CELProblem("expected type '\(key)' but found 'string'", at: offset)
            }
            // As in Kubernetes, nothing is known of the size of a map's value that is selected like a field.
            return (value, nil, false)
        case .optional(let inner):
            var copy = operand
            copy.type = inner
            let result = try self.field(copy, field, offset)
            return (result.type, result.found, true)
        case .dyn, .parameter: return (.dyn, nil, false)
        case let other: throw CELProblem("type '\(other)' does not support field selection", at: offset)
        }
    }

    private mutating func select(
        _ operand: CELExpression, _ name: String, _ offset: Int
    ) throws(CELProblem) -> CELChecked {
        let operand = try check(operand)
        let (type, found, isOptional) = try field(operand, name, offset)
        var cost = operand.cost
        let operation: Int32
        switch substitution.resolve(operand.type) {
        case .object:
            guard let found else { throw CELProblem("undefined field '\(name)'", at: offset) }
            declarations.append(found.declaration)
            operation = emit(
                .field(
                    operand.operation, name: self.name(found.name), declaration: Int32(declarations.count - 1)))
            cost = CELCost.add(cost, 1)
        case .map:
            operation = emit(.member(operand.operation, name: self.name(name)))
            cost = CELCost.add(cost, 1)
        default:
            operation = emit(
                isOptional
                    ? .optionalMember(operand.operation, name: self.name(name))
                    : .member(operand.operation, name: self.name(name)))
        }
        return CELChecked(
            operation: operation, type: isOptional ? optional(type) : type, declaration: found?.declaration, cost: cost)
    }

    private func optional(_ type: CELType) -> CELType {
        if case .optional = type { type } else { .optional(type) }
    }

    private mutating func presence(
        _ operand: CELExpression, _ name: String, _ offset: Int
    ) throws(CELProblem) -> CELChecked {
        let operand = try check(operand)
        let (_, found, _) = try field(operand, name, offset)
        if case .object = substitution.resolve(operand.type), let found {
            return CELChecked(
                operation: emit(.hasField(operand.operation, name: self.name(found.name))), type: .bool,
                cost: operand.cost)
        }
        return CELChecked(
            operation: emit(.hasMember(operand.operation, name: self.name(name))), type: .bool, cost: operand.cost)
    }

    private mutating func optionalSelect(
        _ operand: CELExpression, _ name: String, _ offset: Int
    ) throws(CELProblem) -> CELChecked {
        let operand = try check(operand)
        let (type, found, _) = try field(operand, name, offset)
        return CELChecked(
            operation: emit(.optionalMember(operand.operation, name: self.name(name))), type: optional(type),
            declaration: found?.declaration, cost: CELCost.add(operand.cost, 1))
    }

    // MARK: Calls

    private mutating func call(
        _ name: String, _ target: CELExpression?, _ arguments: [CELExpression], _ offset: Int
    ) throws(CELProblem) -> CELChecked {
        if let target, let prefix = qualifiedName(target), CELFunction.overloads["\(prefix).\(name)"] != nil {
            return try call("\(prefix).\(name)", nil, arguments, offset)
        }
        guard let overloads = CELFunction.overloads[name] else { throw undeclared(name, offset) }
        var operands: [CELChecked] = []
        if let target { operands.append(try check(target)) }
        for argument in arguments { operands.append(try check(argument)) }
        let isMember = target != nil
        let type = try resolve(name, overloads, operands, isMember: isMember, offset)
        if name.hasPrefix("format."), let format = CELFormat(rawValue: String(name.dropFirst(7))) {
            var result = constant(.format(format), type)
            result.cost = 1
            return result
        }
        guard let function = CELFunction(rawValue: name) else { throw undeclared(name, offset) }
        if function == .sum, case .list(let element) = substitution.resolve(operands[0].type) {
            // What an empty list sums up to.
            operands.append(constant(zero(substitution.resolve(element)), element))
        }
        return try finish(
            function, operands, type, isMember: isMember, arguments.last ?? target, first: arguments.first, offset)
    }

    private func zero(_ type: CELType) -> CELValue {
        switch type {
        case .uint: .uint(0)
        case .double: .double(0)
        case .duration: .duration(0)
        default: .int(0)
        }
    }

    /// The result's type, of the one overload that fits, or dyn if several with different results do.
    private mutating func resolve(
        _ name: String, _ overloads: [CELFunction.Overload], _ operands: [CELChecked], isMember: Bool, _ offset: Int
    ) throws(CELProblem) -> CELType {
        var result: CELType?
        for overload in overloads
        where overload.isMember == isMember && overload.arguments.count == operands.count {
            let saved = substitution
            let fresh = (0..<overload.parameters).map { _ in substitution.fresh() }
            func instance(_ type: CELType) -> CELType {
                switch type {
                case .parameter(let number): fresh[number]
                case .list(let inner): .list(instance(inner))
                case .optional(let inner): .optional(instance(inner))
                case .map(let key, let value): .map(instance(key), instance(value))
                default: type
                }
            }
            let fits = zip(operands, overload.arguments).allSatisfy { operand, expected in
                substitution.assign(operand.type, to: instance(expected))
            }
            guard fits else {
                substitution = saved
                continue
            }
            let own = substitution.resolve(instance(overload.result))
            if let known = result {
                if !known.isSame(as: own) { result = .dyn }
            } else {
                result = own
            }
        }
        if let result { return result }
        var types = operands.map { substitution.resolve($0.type, closing: true).description }
        let prefix = isMember ? "\(types.removeFirst())." : ""
        throw CELProblem(
            "found no matching overload for '\(name)' applied to '\(prefix)(\(types.joined(separator: ", ")))'",
            at: offset)
    }

    private mutating func finish(
        _ function: CELFunction, _ operands: [CELChecked], _ type: CELType, isMember: Bool, _ last: CELExpression?,
        first: CELExpression?, _ offset: Int
    ) throws(CELProblem) -> CELChecked {
        let costs = operands.reduce(UInt64(0)) { CELCost.add($0, $1.cost) }
        let places = operands.map(\.operation)
        var result = CELChecked(operation: 0, type: type, cost: costs)
        switch function {
        case .and: result.operation = emit(.and(places[0], places[1]))
        case .or: result.operation = emit(.or(places[0], places[1]))
        case .not:
            result.operation = emit(.not(places[0]))
            result.cost = CELCost.add(costs, 1)
        case .conditional:
            result.operation = emit(.conditional(places[0], places[1], places[2]))
            result.cost = CELCost.add(operands[0].cost, max(operands[1].cost, operands[2].cost))
            result.size = operands[1].sizeOrUnknown.union(operands[2].sizeOrUnknown)
            if let first = operands[1].declaration, first === operands[2].declaration { result.declaration = first }
        default:
            let (cost, size) = CELCost.estimate(function, operands, isMember: isMember)
            result.cost = CELCost.add(costs, cost)
            result.size = size
            switch function {
            case .index, .optionalIndex:
                result.declaration = operands[0].declaration?.element
                result.size = operands[0].entrySize
            case .dyn, .optionalOf, .optionalOfNonZero, .value, .orValue, .or_, .first, .flatFirst:
                result.declaration = operands[0].declaration
                result.size = operands.map(\.sizeOrUnknown).reduce(operands[0].sizeOrUnknown) { $0.union($1) }
            case .elements:
                result.size = CELSize(least: 0, most: 1)
                result.entrySize = operands[0].sizeOrUnknown
            case .add:
                if let first = operands[0].declaration, first === operands[1].declaration {
                    result.entrySize = operands[0].elementSize
                } else if operands[0].entrySize != nil || operands[1].entrySize != nil {
                    result.entrySize = operands[0].elementSize.union(operands[1].elementSize)
                }
            case .split, .findAll: result.entrySize = CELSize(least: 0, most: operands[0].sizeOrUnknown.most)
            default: break
            }
            result.operation = try lower(function, places, last, pattern: first, offset)
        }
        return result
    }

    private mutating func lower(
        _ function: CELFunction, _ places: [Int32], _ last: CELExpression?, pattern: CELExpression?, _ offset: Int
    ) throws(CELProblem) -> Int32 {
        switch function {
        case .equals: return emit(.equals(places[0], places[1]))
        case .notEquals: return emit(.notEquals(places[0], places[1]))
        case .matches:
            if case .literal(.string(let source))? = last?.syntax {
                do {
                    patterns.append(try TextPattern(source))
                } catch {
                    throw CELProblem("invalid matches argument: \(error.message)", at: last?.offset ?? offset)
                }
                return emit(.matches(places[0], pattern: Int32(patterns.count - 1)))
            }
        case .find, .findAll:
            if case .literal(.string(let source))? = pattern?.syntax {
                do {
                    _ = try TextPattern(source)
                } catch {
                    throw CELProblem("error parsing regexp: \(error.message)", at: pattern?.offset ?? offset)
                }
            }
        case .duration:
            if case .literal(.string(let text))? = last?.syntax, GoDuration.parse(text) == nil {
                throw CELProblem("invalid duration argument", at: last?.offset ?? offset)
            }
        case .timestamp:
            if case .literal(.string(let text))? = last?.syntax, CELTime(text) == nil {
                throw CELProblem("invalid timestamp argument", at: last?.offset ?? offset)
            }
        default: break
        }
        switch places.count {
        case 1: return emit(.unary(function, places[0]))
        case 2: return emit(.binary(function, places[0], places[1]))
        default:
            let first = Int32(arguments.count)
            arguments += places
            return emit(.call(function, first: first, count: Int32(places.count)))
        }
    }

    // MARK: Literals of lists and maps

    /// Joins an element's type to that of the elements before it; all must be the same.
    private mutating func join(_ known: inout CELType?, _ type: CELType, _ offset: Int) throws(CELProblem) {
        guard let expected = known else {
            known = type
            return
        }
        if substitution.assign(type, to: expected) { return }
        if substitution.assign(expected, to: type) {
            known = type
            return
        }
        throw CELProblem(
            "expected type '\(substitution.resolve(expected, closing: true))' but found "
                + "'\(substitution.resolve(type, closing: true))'", at: offset)
    }

    private func unwrapped(_ type: CELType, _ offset: Int) throws(CELProblem) -> CELType {
        switch substitution.resolve(type) {
        case .optional(let inner): return inner
        case .dyn: return .dyn
        case let other: throw CELProblem("expected type 'optional_type(dyn)' but found '\(other)'", at: offset)
        }
    }

    private mutating func list(_ elements: [CELExpression], _ optional: Set<Int>) throws(CELProblem) -> CELChecked {
        var type: CELType?
        var cost = CELCost.listCreation
        var places: [Int32] = []
        var entry: CELSize?
        for (place, element) in elements.enumerated() {
            let checked = try check(element)
            cost = CELCost.add(cost, checked.cost)
            let isOptional = optional.contains(place)
            try join(&type, isOptional ? try unwrapped(checked.type, element.offset) : checked.type, element.offset)
            places.append(isOptional ? ~checked.operation : checked.operation)
            entry = entry?.union(checked.sizeOrUnknown) ?? checked.sizeOrUnknown
        }
        let first = Int32(arguments.count)
        arguments += places
        return CELChecked(
            operation: emit(.list(first: first, count: Int32(places.count))), type: .list(type ?? substitution.fresh()),
            size: .exactly(elements.count), entrySize: entry ?? .exactly(0), cost: cost)
    }

    private mutating func map(_ entries: [CELMapEntry]) throws(CELProblem) -> CELChecked {
        var keys: CELType?
        var values: CELType?
        var cost = CELCost.mapCreation
        var places: [Int32] = []
        var entry: CELSize?
        for item in entries {
            let key = try check(item.key)
            let value = try check(item.value)
            cost = CELCost.add(cost, CELCost.add(key.cost, value.cost))
            try join(&keys, key.type, item.key.offset)
            let type = item.isOptional ? try unwrapped(value.type, item.value.offset) : value.type
            try join(&values, type, item.value.offset)
            places += [key.operation, item.isOptional ? ~value.operation : value.operation]
            entry = entry?.union(value.sizeOrUnknown) ?? value.sizeOrUnknown
        }
        let first = Int32(arguments.count)
        arguments += places
        return CELChecked(
            operation: emit(.map(first: first, count: Int32(entries.count))),
            type: .map(keys ?? substitution.fresh(), values ?? substitution.fresh()), size: .exactly(entries.count),
            entrySize: entry ?? .exactly(0), cost: cost)
    }

    // MARK: Macros over lists and maps

    private mutating func bind(_ name: String, _ type: CELType, _ declaration: CELDeclaration?, _ size: CELSize?) {
        locals.append(
            Local(name: name, type: type, declaration: declaration, size: size, slot: Int32(slotCount)))
        slotCount += 1
    }

    private mutating func fold(_ fold: CELFold, _ offset: Int) throws(CELProblem) -> CELChecked {
        let range = try check(fold.range)
        let element = range.declaration?.element
        var key = CELType.dyn
        var value = CELType.dyn
        var isList = false
        switch substitution.resolve(range.type) {
        case .list(let inner): (key, value, isList) = (.int, inner, true)
        case .map(let keys, let values): (key, value) = (keys, values)
        case .dyn, .parameter: break
        case let other:
            throw CELProblem(
                "expression of type '\(other)' cannot be range of a comprehension (must be list, map, or dynamic)",
                at: fold.range.offset)
        }
        let bound = locals.count
        // A variable of a range that is no field (a conditional, a sum) has the path `@items` alone, of which Kubernetes'
        // estimator drops the first part: what it answers with is the size of the rule's own value.
        let pathless = range.declaration == nil ? CELSize(least: 0, most: selfDeclaration.maximumCount) : nil
        if let second = fold.second {
            bind(fold.variable, key, nil, isList ? .exactly(1) : pathless)
            bind(second, value, element, range.entrySize ?? pathless)
        } else if isList {
            bind(fold.variable, value, element, range.entrySize ?? pathless)
        } else {
            // A map's keys have no size in Kubernetes' reckoning.
            bind(fold.variable, key, nil, pathless ?? CELSize(least: 0, most: 0))
        }
        let slot = locals[bound].slot
        let second = fold.second == nil ? -1 : locals[bound + 1].slot
        var predicate: CELChecked?
        if let expression = fold.predicate {
            let checked = try check(expression)
            guard substitution.assign(checked.type, to: .bool) else {
                throw CELProblem(
                    "expected type 'bool' but found '\(substitution.resolve(checked.type, closing: true))'",
                    at: expression.offset)
            }
            predicate = checked
        }
        var transform: CELChecked?
        if let expression = fold.transform { transform = try check(expression) }
        locals.removeSubrange(bound...)
        let operation = emit(
            .fold(
                fold.kind, range: range.operation, slot: slot, second: second, predicate: predicate?.operation ?? -1,
                transform: transform?.operation ?? -1))
        var result = CELChecked(operation: operation, type: .bool, cost: range.cost)
        let step: UInt64
        let constantCost: UInt64
        let predicateCost = predicate?.cost ?? 0
        switch fold.kind {
        case .all: (constantCost, step) = (1, CELCost.add(predicateCost, 3))
        case .exists: (constantCost, step) = (1, CELCost.add(predicateCost, 4))
        case .existsOne: (constantCost, step) = (2, CELCost.add(predicateCost, 2))
        case .filter:
            (constantCost, step) = (11, CELCost.add(predicateCost, 13))
            result.type = .list(isList ? value : key)
            result.size = range.sizeOrUnknown
            result.entrySize = isList ? range.elementSize : nil
        case .map:
            (constantCost, step) = (11, CELCost.add(predicateCost, CELCost.add(transform?.cost ?? 0, 12)))
            result.type = .list(transform?.type ?? .dyn)
            result.size = range.sizeOrUnknown
            result.entrySize = transform?.sizeOrUnknown
        case .transformMap:
            (constantCost, step) = (31, CELCost.add(predicateCost, CELCost.add(transform?.cost ?? 0, 2)))
            result.type = .map(key, transform?.type ?? .dyn)
            result.size = range.sizeOrUnknown
            result.entrySize = transform?.sizeOrUnknown
        }
        let loop = CELCost.multiply(range.sizeOrUnknown.most, step)
        result.cost = CELCost.add(result.cost, CELCost.add(constantCost, loop))
        return result
    }
}
