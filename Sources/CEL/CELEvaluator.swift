import KubeModel

/// One evaluation of a program, which counts what it costs.
struct CELEvaluator {
    private let program: CELProgram
    private var slots: [CELValue]
    private(set) var cost: UInt64 = 0
    private let deadline: CELDeadline
    private var steps: UInt8 = 0

    /// - Parameter variables: the values of those that the expression was compiled with.
    init(
        _ program: CELProgram, self value: CELValue, oldSelf: CELValue, variables: [CELValue] = [],
        deadline: CELDeadline
    ) {
        self.program = program
        self.deadline = deadline
        slots = Array(repeating: .null, count: program.slotCount)
        slots[0] = value
        slots[1] = oldSelf
        for (place, value) in variables.enumerated() { slots[2 + place] = value }
    }

    mutating func run() throws(CELFailure) -> CELValue {
        try evaluate(program.root)
    }

    private mutating func charge(_ amount: UInt64) throws(CELFailure) {
        cost = CELCost.add(cost, amount)
        if cost > CELCost.evaluationLimit { throw .costExceeded }
        steps &+= 1
        if steps == 0, deadline.hasPassed { throw .costExceeded }
    }

    private mutating func evaluate(_ place: Int32) throws(CELFailure) -> CELValue {
        switch program.operations[Int(place)] {
        case .constant(let index): return program.constants[Int(index)]
        case .variable(let slot):
            try charge(1)
            return slots[Int(slot)]
        case .field(let operand, let name, let declaration):
            let value = try evaluate(operand)
            try charge(1)
            // A field that is null counts as absent.
            guard case .jsonMap(let object, _) = value, let member = object[program.names[Int(name)]], !member.isNull
            else { throw .failed("no such key: \(program.names[Int(name)])") }
            return try CELValue(member, program.declarations[Int(declaration)])
        case .hasField(let operand, let name):
            guard case .jsonMap(let object, _) = try evaluate(operand) else { throw .noSuchOverload }
            return .bool(object[program.names[Int(name)]].map { !$0.isNull } ?? false)
        case .member(let operand, let name):
            let value = try evaluate(operand)
            try charge(1)
            return try member(value, program.names[Int(name)])
        case .hasMember(let operand, let name):
            var value = try evaluate(operand)
            if case .optional(let inner) = value {
                guard let inner else { return .bool(false) }
                value = inner
            }
            guard value.mapCount != nil else { throw .noSuchOverload }
            return .bool(try value.member(.string(program.names[Int(name)])) != nil)
        case .optionalMember(let operand, let name):
            let value = try evaluate(operand)
            try charge(1)
            return try optionalMember(value, .string(program.names[Int(name)]))
        case .not(let operand):
            guard case .bool(let flag) = try evaluate(operand) else { throw .noSuchOverload }
            try charge(1)
            return .bool(!flag)
        case .and(let left, let right): return try logical(left, right, decisive: false)
        case .or(let left, let right): return try logical(left, right, decisive: true)
        case .conditional(let condition, let first, let second):
            guard case .bool(let flag) = try evaluate(condition) else { throw .noSuchOverload }
            return try evaluate(flag ? first : second)
        case .equals(let left, let right): return .bool(try equal(left, right))
        case .notEquals(let left, let right): return .bool(try !equal(left, right))
        case .unary(let function, let operand):
            let value = try evaluate(operand)
            try charge(CELCost.actual(function, value, nil, nil))
            return try CELLibrary.call(function, value)
        case .binary(let function, let left, let right):
            let first = try evaluate(left)
            let second = try evaluate(right)
            try charge(CELCost.actual(function, first, second, nil))
            return try CELLibrary.call(function, first, second)
        case .call(let function, let first, let count):
            var values: [CELValue] = []
            for index in first..<(first + count) { values.append(try evaluate(program.arguments[Int(index)])) }
            if let target = values.first {
                try charge(
                    CELCost.actual(
                        function, target, values.count > 1 ? values[1] : nil, values.count > 2 ? values[2] : nil))
            }
            return try CELLibrary.call(function, values)
        case .matches(let operand, let pattern):
            guard case .string(let text) = try evaluate(operand) else { throw .noSuchOverload }
            let compiled = program.patterns[Int(pattern)]
            try charge(compiled.cost(of: text))
            return .bool(compiled.matches(text))
        case .list(let first, let count): return try list(first, count)
        case .map(let first, let count): return try map(first, count)
        case .fold(let kind, let range, let slot, let second, let predicate, let transform):
            return try fold(kind, try evaluate(range), slot, second, predicate, transform)
        }
    }

    /// `&&` and `||`: one decisive side settles the result, even where the other fails.
    private mutating func logical(_ left: Int32, _ right: Int32, decisive: Bool) throws(CELFailure) -> CELValue {
        var failure: CELFailure?
        do throws(CELFailure) {
            if case .bool(let flag) = try evaluate(left) {
                if flag == decisive { return .bool(flag) }
            } else {
                failure = .noSuchOverload
            }
        } catch {
            if error == .costExceeded { throw error }
            failure = error
        }
        let second: CELValue
        do throws(CELFailure) {
            second = try evaluate(right)
        } catch {
            // Of two failures the first is told.
            throw error == .costExceeded ? error : failure ?? error
        }
        guard case .bool(let flag) = second else { throw failure ?? .noSuchOverload }
        if flag == decisive { return .bool(flag) }
        if let failure { throw failure }
        return .bool(flag)
    }

    private mutating func equal(_ left: Int32, _ right: Int32) throws(CELFailure) -> Bool {
        let first = try evaluate(left)
        let second = try evaluate(right)
        try charge(CELCost.traversal(min(first.costSize, second.costSize)))
        return try CELValue.areEqual(first, second)
    }

    private func member(_ value: CELValue, _ name: String) throws(CELFailure) -> CELValue {
        if case .optional = value { return try optionalMember(value, .string(name)) }
        guard value.mapCount != nil else { throw .noSuchOverload }
        guard let member = try value.member(.string(name)) else { throw .failed("no such key: \(name)") }
        return member
    }

    private func optionalMember(_ value: CELValue, _ key: CELValue) throws(CELFailure) -> CELValue {
        if case .optional(let inner) = value {
            guard let inner else { return .optional(nil) }
            return try optionalMember(inner, key)
        }
        guard value.mapCount != nil else { throw .noSuchOverload }
        let member = try value.member(key)
        // An optional of an optional is never made by selecting.
        if case .optional? = member { return member ?? .optional(nil) }
        return .optional(member)
    }

    private mutating func list(_ first: Int32, _ count: Int32) throws(CELFailure) -> CELValue {
        try charge(CELCost.listCreation)
        var values: [CELValue] = []
        values.reserveCapacity(Int(count))
        for index in first..<(first + count) {
            let place = program.arguments[Int(index)]
            if place >= 0 {
                values.append(try evaluate(place))
            } else if case .optional(let value) = try evaluate(~place) {
                if let value { values.append(value) }
            } else {
                throw .noSuchOverload
            }
        }
        return .list(values)
    }

    private mutating func map(_ first: Int32, _ count: Int32) throws(CELFailure) -> CELValue {
        try charge(CELCost.mapCreation)
        var map = CELMap()
        for entry in 0..<count {
            let key = try evaluate(program.arguments[Int(first + entry * 2)])
            let place = program.arguments[Int(first + entry * 2 + 1)]
            if place >= 0 {
                try map.insert(key, try evaluate(place))
            } else if case .optional(let value) = try evaluate(~place) {
                if let value { try map.insert(key, value) }
            } else {
                throw .noSuchOverload
            }
        }
        return .map(map)
    }

    // MARK: Macros over lists and maps

    /// What a macro has gathered so far.
    private struct Gathering {
        var values: [CELValue] = []
        var map = CELMap()
        var count = 0
        var failure: CELFailure?
        var isSettled = false
    }

    private mutating func fold(
        _ kind: CELFold.Kind, _ range: CELValue, _ slot: Int32, _ second: Int32, _ predicate: Int32, _ transform: Int32
    ) throws(CELFailure) -> CELValue {
        var gathering = Gathering()
        try charge(kind == .map || kind == .filter ? CELCost.listCreation : kind == .transformMap ? 30 : 0)
        if let count = range.listCount {
            for place in 0..<count where !gathering.isSettled {
                guard let element = try range.element(place) else { break }
                slots[Int(slot)] = second >= 0 ? .int(Int64(place)) : element
                if second >= 0 { slots[Int(second)] = element }
                try step(kind, slot, predicate, transform, &gathering)
            }
        } else if range.mapCount != nil {
            for (key, value) in try range.members() where !gathering.isSettled {
                slots[Int(slot)] = key
                if second >= 0 { slots[Int(second)] = value }
                try step(kind, slot, predicate, transform, &gathering)
            }
        } else {
            throw .noSuchOverload
        }
        try charge(1)
        switch kind {
        case .all, .exists:
            if gathering.isSettled { return .bool(kind == .exists) }
            if let failure = gathering.failure { throw failure }
            return .bool(kind == .all)
        case .existsOne: return .bool(gathering.count == 1)
        case .map, .filter: return .list(gathering.values)
        case .transformMap: return .map(gathering.map)
        }
    }

    private mutating func step(
        _ kind: CELFold.Kind, _ slot: Int32, _ predicate: Int32, _ transform: Int32, _ gathering: inout Gathering
    ) throws(CELFailure) {
        switch kind {
        case .all, .exists:
            try charge(kind == .all ? 3 : 4)
            do throws(CELFailure) {
                guard case .bool(let flag) = try evaluate(predicate) else { throw .noSuchOverload }
                gathering.isSettled = flag == (kind == .exists)
            } catch {
                if error == .costExceeded { throw error }
                gathering.failure = error
            }
            return
        default: break
        }
        if predicate >= 0 {
            let key = slots[Int(slot)]
            guard case .bool(let flag) = try evaluate(predicate) else { throw .noSuchOverload }
            guard flag else {
                try charge(1)
                return
            }
            slots[Int(slot)] = key
        }
        switch kind {
        case .existsOne:
            try charge(2)
            gathering.count += 1
        case .filter:
            try charge(13)
            gathering.values.append(slots[Int(slot)])
        case .transformMap:
            try charge(2)
            let key = slots[Int(slot)]
            try gathering.map.insert(key, try evaluate(transform))
        default:
            try charge(12)
            gathering.values.append(try evaluate(transform))
        }
    }
}
