import KubeModel

/// How large a value can be.
struct CELSize: Sendable {
    var least: UInt64
    var most: UInt64

    static let unknown = CELSize(least: 0, most: .max)

    static func exactly(_ count: Int) -> CELSize {
        CELSize(least: UInt64(count), most: UInt64(count))
    }

    func union(_ other: CELSize) -> CELSize {
        CELSize(least: min(least, other.least), most: max(most, other.most))
    }

    func adding(_ other: CELSize) -> CELSize {
        CELSize(least: CELCost.add(least, other.least), most: CELCost.add(most, other.most))
    }
}

/// The cost model of cel-go (`checker/cost.go`, `interpreter/runtimecost.go`) with Kubernetes' library functions
/// (k8s.io/apiserver/pkg/cel/library/cost.go): the limits of rules are stated in its units.
enum CELCost {
    static let listCreation: UInt64 = 10
    static let mapCreation: UInt64 = 30

    /// Limits of one evaluation, and of all in one request.
    static let evaluationLimit: UInt64 = 1_000_000
    static let requestLimit: UInt64 = 10_000_000
    /// Limits of the estimates for one rule, and for all of a schema.
    static let ruleLimit: UInt64 = 10_000_000
    static let schemaLimit: UInt64 = 100_000_000

    static func add(_ left: UInt64, _ right: UInt64) -> UInt64 {
        let (sum, overflow) = left.addingReportingOverflow(right)
        return overflow ? .max : sum
    }

    static func multiply(_ left: UInt64, _ right: UInt64) -> UInt64 {
        let (product, overflow) = left.multipliedReportingOverflow(by: right)
        return overflow ? .max : product
    }

    /// A pass over so many characters, rounded up.
    static func traversal(_ count: UInt64, factor: Double = 0.1) -> UInt64 {
        let cost = (Double(count) * factor).rounded(.up)
        return cost >= 0x1p64 ? .max : UInt64(cost)
    }

    /// The most that a call costs besides its arguments, and how large its result can be if that is known.
    static func estimate(
        _ function: CELFunction, _ arguments: [CELChecked], isMember: Bool
    ) -> (cost: UInt64, size: CELSize?) {
        let first = arguments.first?.sizeOrUnknown ?? .unknown
        let second = arguments.count > 1 ? arguments[1].sizeOrUnknown : .unknown
        switch function {
        case .startsWith, .endsWith: return (traversal(second.most), nil)
        case .bytes:
            if arguments.first?.type.isText == true {
                return (traversal(first.most), CELSize(least: first.least, most: multiply(first.most, 4)))
            }
        case .string:
            if case .bytes? = arguments.first?.type {
                return (traversal(first.most), CELSize(least: first.least / 4, most: first.most))
            }
        case .quote:
            return (traversal(first.most), CELSize(least: first.least + 2, most: add(multiply(first.most, 2), 2)))
        case .format: return (traversal(first.most), first.adding(second))
        case .contained:
            if case .map? = arguments.last?.type { return (1, nil) }
            return (second.most, nil)
        case .matches, .find, .findAll:
            let text = traversal(add(first.most, 1))
            let pattern = traversal(second.most, factor: 0.25)
            let size = function == .matches ? nil : CELSize(least: 0, most: first.most)
            return (multiply(text, pattern), size)
        case .contains: return (multiply(traversal(first.most), traversal(second.most)), nil)
        case .add:
            let size = first.adding(second)
            switch arguments.first?.type {
            case .list: return (1, size)
            case .string, .bytes: return (traversal(size.most), size)
            case .dyn: return (traversal(size.most), size)
            default: return (1, nil)
            }
        case .equals, .notEquals: return (traversal(min(first.most, second.most)), nil)
        case .less, .lessEquals, .greater, .greaterEquals:
            switch (arguments.first?.type, arguments.last?.type) {
            case (.string, _), (.bytes, _), (_, .string), (_, .bytes), (.dyn, .dyn):
                return (traversal(min(first.most, second.most)), nil)
            default: return (1, nil)
            }
        case .index, .optionalIndex: return (1, nil)
        case .isSorted, .sum, .min, .max, .indexOf, .lastIndexOf:
            guard case .list(let element)? = arguments.first?.type else { return (traversal(first.most), nil) }
            var each: UInt64 = 1
            switch element {
            case .string, .bytes: each = add(1, traversal((arguments.first?.elementSize ?? .unknown).most))
            default: break
            }
            return (multiply(first.most, each), nil)
        case .url: return (traversal(first.most), nil)
        case .lowerAscii, .upperAscii, .substring, .trim: return (traversal(first.most), first)
        case .replace: return (traversal(first.most, factor: 0.2), replaced(first, arguments))
        case .split: return (traversal(first.most, factor: 0.2), CELSize(least: 0, most: first.most))
        case .join:
            let element = arguments.first?.elementSize ?? .unknown
            var most = multiply(first.most, element.most)
            if arguments.count > 1, first.most > 0 { most = add(most, multiply(second.most, first.most - 1)) }
            return (traversal(most), CELSize(least: 0, most: most))
        case .containsIP: return (4 + (arguments.last?.type.isText == true ? traversal(second.most) : 0), nil)
        case .containsCIDR: return (7 + (arguments.last?.type.isText == true ? traversal(second.most) : 0), nil)
        case .setsContains, .setsEquivalent, .setsIntersects:
            // Every pair of elements may be compared, in both directions for equivalence.
            let pairs = multiply(first.most, second.most)
            return (add(1, function == .setsEquivalent ? multiply(pairs, 2) : pairs), nil)
        case .validate: return (traversal(min(second.most, 1024), factor: 1), nil)
        default: break
        }
        return (1, nil)
    }

    private static func replaced(_ text: CELSize, _ arguments: [CELChecked]) -> CELSize {
        guard arguments.count >= 3 else { return .unknown }
        let pattern = arguments[1].sizeOrUnknown
        let replacement = arguments[2].sizeOrUnknown
        if pattern.least == 0 {
            return CELSize(least: 0, most: add(multiply(add(text.most, 1), replacement.most), text.most))
        }
        if replacement.most <= pattern.least { return CELSize(least: 0, most: text.most) }
        let count = (Double(text.most) / Double(pattern.least)).rounded(.up)
        return CELSize(least: 0, most: multiply(count >= 0x1p64 ? .max : UInt64(count), replacement.most))
    }

    /// What a call has cost besides its arguments.
    static func actual(_ function: CELFunction, _ first: CELValue, _ second: CELValue?, _ third: CELValue?) -> UInt64 {
        switch function {
        case .startsWith, .endsWith, .lowerAscii, .upperAscii, .substring, .trim, .url, .isURL, .quantity, .isQuantity,
            .cidr, .isIP, .isCIDR, .quote, .format:
            return traversal(first.costSize)
        case .ip:
            if case .range = first { return 1 }
            return traversal(first.costSize)
        case .isCanonical, .replace, .split: return traversal(first.costSize, factor: 0.2)
        case .bytes, .string:
            switch first {
            case .string where function == .bytes, .bytes where function == .string: return traversal(first.costSize)
            default: return 1
            }
        case .contained: return second?.mapCount == nil ? second?.costSize ?? 1 : 1
        case .less, .lessEquals, .greater, .greaterEquals, .equals, .notEquals:
            return traversal(min(first.costSize, second?.costSize ?? 1))
        case .add:
            switch first {
            case .string, .bytes: return traversal(add(first.costSize, second?.costSize ?? 0))
            default:
                // Lists are copied, which cel-go need not do.
                return first.listCount == nil ? 1 : max(1, traversal(add(first.costSize, second?.costSize ?? 0)))
            }
        case .matches, .find, .findAll:
            return multiply(
                traversal(add(first.costSize, 1)), traversal(second?.costSize ?? 1, factor: 0.25))
        case .contains: return multiply(traversal(first.costSize), traversal(second?.costSize ?? 0))
        case .isSorted, .sum, .min, .max, .indexOf, .lastIndexOf:
            guard let count = first.listCount else { return traversal(first.costSize) }
            var cost = UInt64(count)
            switch first {
            case .list(let values): for value in values { cost = add(cost, text(value)) }
            case .jsonList(let values, _):
                for case .string(let text) in values { cost = add(cost, traversal(UInt64(text.utf8.count))) }
            default: break
            }
            return cost
        case .containsIP, .containsCIDR:
            let base = traversal(first.costSize * 2) + (function == .containsCIDR ? traversal(first.costSize) + 1 : 0)
            if case .string(let text)? = second { return base + traversal(UInt64(text.utf8.count)) }
            return base
        case .setsContains, .setsEquivalent, .setsIntersects:
            let pairs = multiply(first.costSize, second?.costSize ?? 0)
            return add(1, function == .setsEquivalent ? multiply(pairs, 2) : pairs)
        case .validate: return second?.costSize ?? 1
        default: return 1
        }
    }

    private static func text(_ value: CELValue) -> UInt64 {
        switch value {
        case .string, .bytes: traversal(value.costSize)
        default: 0
        }
    }
}

extension TextPattern {
    /// What matching a text costs: by the pattern's length, or its size where repetitions make it large.
    func cost(of text: String) -> UInt64 {
        CELCost.multiply(
            CELCost.traversal(UInt64(text.utf8.count) + 1),
            max(CELCost.traversal(UInt64(source.utf8.count), factor: 0.25), UInt64(size / 16)))
    }
}
