import KubeModel

/// The functions of lists, sets among them.
enum CELLists {
    /// - Parameter zero: the sum of nothing.
    static func call(
        _ function: CELFunction, _ list: CELValue, zero: CELValue? = nil
    ) throws(CELFailure) -> CELValue {
        guard let elements = try list.elements() else { throw .noSuchOverload }
        switch function {
        case .isSorted:
            for (left, right) in zip(elements, elements.dropFirst()) {
                guard let order = CELValue.order(left, right) else { throw .noSuchOverload }
                if order > 0 { return .bool(false) }
            }
            return .bool(true)
        case .sum:
            guard var total = elements.first else { return zero ?? .int(0) }
            for element in elements.dropFirst() { total = try CELNumbers.add(total, element) }
            return total
        default:
            guard var best = elements.first else { throw .failed("\(function.rawValue) called on empty list") }
            for element in elements.dropFirst() {
                guard let order = CELValue.order(element, best) else { throw .noSuchOverload }
                if function == .min ? order < 0 : order > 0 { best = element }
            }
            return best
        }
    }

    static func join(_ list: CELValue, _ separator: String) throws(CELFailure) -> CELValue {
        guard let elements = try list.elements() else { throw .noSuchOverload }
        var texts: [String] = []
        texts.reserveCapacity(elements.count)
        var size = 0
        for element in elements {
            let text = try CELStrings.text(element)
            size += text.utf8.count + separator.utf8.count
            guard size <= CELStrings.sizeLimit else { throw .failed("string is too large") }
            texts.append(text)
        }
        return .string(texts.joined(separator: separator))
    }

    /// `value in list` and `key in map`.
    static func contains(_ container: CELValue, _ value: CELValue) throws(CELFailure) -> Bool {
        switch container {
        case .jsonMap, .map: return try container.member(value) != nil
        case .jsonList(let elements, let declaration):
            if case .string(let text) = value, declaration.element?.comparesAsJSON != false {
                return elements.contains { if case .string(let own) = $0 { sameBytes(own, text) } else { false } }
            }
        default: break
        }
        guard let count = container.listCount else { throw .noSuchOverload }
        for place in 0..<count {
            if let element = try container.element(place), try CELValue.areEqual(element, value) { return true }
        }
        return false
    }

    static func position(
        _ function: CELFunction, _ list: CELValue, _ value: CELValue
    ) throws(CELFailure) -> CELValue {
        var last = -1
        for (place, element) in (try list.elements() ?? []).enumerated() where try CELValue.areEqual(element, value) {
            last = place
            if function == .indexOf { break }
        }
        return .int(Int64(last))
    }

    static func sets(_ function: CELFunction, _ first: CELValue, _ second: CELValue) throws(CELFailure) -> CELValue {
        guard let left = try first.elements(), let right = try second.elements() else { throw .noSuchOverload }
        switch function {
        case .setsContains: return .bool(try holds(left, right))
        case .setsEquivalent:
            guard try holds(left, right) else { return .bool(false) }
            return .bool(try holds(right, left))
        default:
            for value in right where try has(left, value) { return .bool(true) }
            return .bool(false)
        }
    }

    private static func holds(_ left: [CELValue], _ right: [CELValue]) throws(CELFailure) -> Bool {
        for value in right where try !has(left, value) { return false }
        return true
    }

    private static func has(_ list: [CELValue], _ value: CELValue) throws(CELFailure) -> Bool {
        for element in list where try CELValue.areEqual(element, value) { return true }
        return false
    }
}
