import KubeModel

/// A JSON path as printer columns have it: `.spec.ports[0].name`, `.status.conditions[?(@.type=="Ready")].status`,
/// `.metadata.annotations.example\.com/size`, `['key']`, `[*]`, `[-1]`, `..name`.
///
/// A subset of `k8s.io/client-go/util/jsonpath`: no slices, unions and ranges.
struct ObjectPath: Sendable, Hashable {
    private enum Step: Sendable, Hashable {
        case key(String)
        case index(Int)
        case every
        case descend
        case filter(ObjectPath, Comparison?)
    }

    fileprivate struct Comparison: Sendable, Hashable {
        var `operator`: String
        var value: JSONValue
    }

    private let steps: [Step]

    /// nil for what is no path of this form. A path may stand in braces.
    init?(_ text: String) {
        var rest = Substring(text)
        if rest.first == "{", rest.last == "}" { rest = rest.dropFirst().dropLast() }
        guard let steps = Self.parse(&rest, inFilter: false), rest.isEmpty else { return nil }
        self.steps = steps
    }

    private init(steps: [Step]) {
        self.steps = steps
    }

    /// The first value the path leads to.
    func first(in value: JSONValue) -> JSONValue? {
        values(in: value).first
    }

    /// Every value the path leads to.
    func values(in value: JSONValue) -> [JSONValue] {
        var found = [value]
        for step in steps {
            found = found.flatMap { Self.follow(step, $0) }
            if found.isEmpty { return [] }
        }
        return found
    }

    private static func follow(_ step: Step, _ value: JSONValue) -> [JSONValue] {
        switch step {
        case .key(let name): return value[name].map { [$0] } ?? []
        case .index(let index):
            guard let elements = value.array else { return [] }
            return elements[safe: index < 0 ? elements.count + index : index].map { [$0] } ?? []
        case .every: return value.array ?? value.object.map { Array($0.values) } ?? []
        case .descend:
            let members = value.array ?? value.object.map { Array($0.values) } ?? []
            return [value] + members.flatMap { follow(.descend, $0) }
        case .filter(let path, let comparison):
            return (value.array ?? []).filter { element in
                let found = path.values(in: element)
                guard let comparison else { return !found.isEmpty }
                return found.contains { comparison.holds(for: $0) }
            }
        }
    }

    // MARK: Reading

    private static func parse(_ text: inout Substring, inFilter: Bool) -> [Step]? {
        var steps: [Step] = []
        if text.first == "$" || text.first == "@" { text.removeFirst() }
        while let character = text.first {
            switch character {
            case ".":
                text.removeFirst()
                if text.first == "." {
                    text.removeFirst()
                    // Every further one would multiply what is looked at.
                    guard !steps.contains(.descend), !text.isEmpty else { return nil }
                    steps.append(.descend)
                }
                if text.first == "[" || (text.isEmpty && steps.isEmpty) { continue }
                guard let name = name(&text, inFilter: inFilter) else { return nil }
                steps.append(name == "*" ? .every : .key(name))
            case "[":
                text.removeFirst()
                guard let step = bracket(&text) else { return nil }
                steps.append(step)
            default:
                if inFilter { return steps }
                guard steps.isEmpty, let name = name(&text, inFilter: false) else { return nil }
                steps.append(.key(name))
            }
        }
        return steps
    }

    /// A backslash makes the next character part of the name.
    private static func name(_ text: inout Substring, inFilter: Bool) -> String? {
        var name = ""
        while let character = text.first, character != ".", character != "[" {
            if inFilter, "=!<>) ".contains(character) { break }
            text.removeFirst()
            if character == "\\", let escaped = text.popFirst() {
                name.append(escaped)
            } else {
                name.append(character)
            }
        }
        return name.isEmpty ? nil : name
    }

    private static func bracket(_ text: inout Substring) -> Step? {
        if text.hasPrefix("?(") {
            text = text.dropFirst(2)
            return filter(&text)
        }
        if let quote = text.first, quote == "'" || quote == "\"" {
            guard let key = quoted(&text), text.popFirst() == "]" else { return nil }
            return .key(key)
        }
        let inner = text.prefix { $0 != "]" }
        text = text.dropFirst(inner.count)
        guard text.popFirst() == "]" else { return nil }
        if inner == "*" { return .every }
        return Int(inner).map { .index($0) }
    }

    private static func filter(_ text: inout Substring) -> Step? {
        skipSpaces(&text)
        guard text.first == "@", let steps = parse(&text, inFilter: true) else { return nil }
        let path = ObjectPath(steps: steps)
        skipSpaces(&text)
        if text.hasPrefix(")]") {
            text = text.dropFirst(2)
            return .filter(path, nil)
        }
        guard let sign = ["==", "!=", "<=", ">=", "<", ">"].first(where: { text.hasPrefix($0) }) else { return nil }
        text = text.dropFirst(sign.count)
        skipSpaces(&text)
        guard let value = literal(&text) else { return nil }
        skipSpaces(&text)
        guard text.hasPrefix(")]") else { return nil }
        text = text.dropFirst(2)
        return .filter(path, Comparison(operator: sign, value: value))
    }

    private static func literal(_ text: inout Substring) -> JSONValue? {
        if text.first == "'" || text.first == "\"" { return quoted(&text).map { .string($0) } }
        let word = text.prefix { $0 != ")" && $0 != " " }
        text = text.dropFirst(word.count)
        switch word {
        case "true": return true
        case "false": return false
        default: return Int64(word).map { .integer($0) } ?? Double(word).map { .number($0) }
        }
    }

    private static func quoted(_ text: inout Substring) -> String? {
        guard let quote = text.popFirst() else { return nil }
        var result = ""
        while let character = text.popFirst() {
            if character == quote { return result }
            if character == "\\", let escaped = text.popFirst() {
                result.append(escaped)
            } else {
                result.append(character)
            }
        }
        return nil
    }

    private static func skipSpaces(_ text: inout Substring) {
        text = text.drop { $0 == " " }
    }
}

extension ObjectPath.Comparison {
    fileprivate func holds(for found: JSONValue) -> Bool {
        switch `operator` {
        case "==": return found == value
        case "!=": return found != value
        default: break
        }
        if let left = found.double, let right = value.double { return holds(left, right) }
        if let left = found.string, let right = value.string { return holds(left, right) }
        return false
    }

    private func holds<Value: Comparable>(_ left: Value, _ right: Value) -> Bool {
        switch `operator` {
        case "<": left < right
        case "<=": left <= right
        case ">": left > right
        default: left >= right
        }
    }
}

extension [JSONValue] {
    fileprivate subscript(safe index: Int) -> JSONValue? {
        indices.contains(index) ? self[index] : nil
    }
}
