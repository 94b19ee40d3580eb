extension Schema {
    /// Every violation, worded as kube-apiserver does for custom resources. Run it after pruning and defaulting;
    /// unknown fields are not reported.
    ///
    /// For built-in kinds Kubernetes checks only whether the value can be decoded: see `mismatches(in:)`.
    ///
    /// - Parameter old: the value that this one replaces. What did not change is not looked at: a rule that came later
    ///   does not stand in the way of other changes (KEP-4008, CRD validation ratcheting).
    public func validate(_ value: JSONValue, replacing old: JSONValue? = nil, at path: FieldPath = FieldPath())
        -> [FieldError]
    {
        var validator = SchemaValidator(graph: graph, path: path.steps)
        validator.validate(index, value, old)
        return validator.errors + validator.unmatched
    }
}

/// One walk of a value along its schema. Nodes are named by their place: a copy of one costs more than what is asked of it.
struct SchemaValidator {
    let graph: SchemaGraph
    private(set) var errors: [FieldError] = []
    private var path: [FieldPath.Step]
    /// Instructions of patterns times bytes of the texts that they were asked about: what RE2 takes at worst.
    private var matchingWork = 0
    /// Where a text was not matched any more, so that nobody takes it for one that does not match.
    private var tooMuchAt: [FieldPath.Step]?

    /// What one walk may take, about two seconds at worst; nearly always RE2 takes a thousandth of that.
    static let matchingLimit = 1 << 30

    init(graph: SchemaGraph, path: [FieldPath.Step]) {
        self.graph = graph
        self.path = path
    }

    /// The refusal of what was too much to be matched.
    var unmatched: [FieldError] {
        guard let tooMuchAt else { return [] }
        return [
            .invalid(
                FieldPath(steps: tooMuchAt), nil,
                "the object's texts up to here are too long for the patterns of its schema to be matched")
        ]
    }

    private var here: FieldPath { FieldPath(steps: path) }
    private var name: String { path.isEmpty ? "" : here.description }

    /// - Parameter old: what stood here before, where that can be told.
    mutating func validate(_ index: Int, _ value: JSONValue, _ old: JSONValue? = nil) {
        if let old, old == value { return }
        if value.isNull, graph.nodes[index].isNullable { return }
        guard checkType(index, value) else { return }
        if !graph.nodes[index].enumeration.isEmpty, !graph.nodes[index].enumeration.contains(value) {
            let supported = graph.nodes[index].enumeration.map { $0.string ?? $0.description }
            errors.append(.notSupported(here, value, supported: supported))
        }
        switch value {
        case .string(let text): check(index, text, value)
        case .integer(let number): check(index, Double(number), value)
        case .number(let number): check(index, number, value)
        case .array(let elements): check(index, elements, value, old?.array)
        case .object(let object): check(index, object, value, old?.object)
        default: break
        }
        combine(index, value, old)
    }

    private mutating func refuse(_ value: JSONValue?, _ detail: String) {
        errors.append(.invalid(here, value, "\(name) in body \(detail)"))
    }

    private mutating func checkType(_ index: Int, _ value: JSONValue) -> Bool {
        let expected: String
        if graph.nodes[index].isIntOrString {
            if value.string != nil { return true }
            if case .integer = value { return true }
            expected = "integer,string"
        } else {
            guard let type = graph.nodes[index].type else { return true }
            let fits =
                switch (type, value) {
                case (.object, .object), (.array, .array), (.string, .string), (.boolean, .bool), (.integer, .integer),
                    (.number, .number), (.number, .integer):
                    true
                case (.integer, .number(let number)): Int64(exactly: number) != nil
                default: false
                }
            if fits { return true }
            expected = type.rawValue
        }
        errors.append(
            .typeInvalid(
                here, .string(value.typeName),
                "\(name) in body must be of type \(expected): \(goQuoted(value.typeName))"))
        return false
    }

    private mutating func check(_ index: Int, _ text: String, _ value: JSONValue) {
        if let limit = graph.nodes[index].maxLength, text.unicodeScalars.count > limit {
            errors.append(.tooLong(here, maximum: limit))
        }
        if let limit = graph.nodes[index].minLength, text.unicodeScalars.count < limit {
            refuse(value, "should be at least \(limit) chars long")
        }
        if let pattern = graph.nodes[index].pattern, !matches(pattern, text) {
            refuse(value, "should match '\(pattern.source)'")
        }
        if let format = graph.nodes[index].format, !graph.nodes[index].isIntOrString,
            !StringFormat.matches(format, text)
        {
            refuse(value, "must be of type \(format): \(goQuoted(text))")
        }
    }

    private mutating func matches(_ pattern: TextPattern, _ text: String) -> Bool {
        // Neither is more than some millions.
        matchingWork += pattern.size * text.utf8.count
        if matchingWork <= Self.matchingLimit { return pattern.matches(text) }
        matchingWork = Self.matchingLimit + 1
        if tooMuchAt == nil { tooMuchAt = path }
        return true
    }

    private mutating func check(_ index: Int, _ number: Double, _ value: JSONValue) {
        if let limit = graph.nodes[index].minimum,
            graph.nodes[index].exclusiveMinimum ? number <= limit : number < limit
        {
            let words = graph.nodes[index].exclusiveMinimum ? "greater than" : "greater than or equal to"
            refuse(value, "should be \(words) \(JSONValue.number(limit))")
        }
        if let limit = graph.nodes[index].maximum,
            graph.nodes[index].exclusiveMaximum ? number >= limit : number > limit
        {
            let words = graph.nodes[index].exclusiveMaximum ? "less than" : "less than or equal to"
            refuse(value, "should be \(words) \(JSONValue.number(limit))")
        }
        if let divisor = graph.nodes[index].multipleOf, divisor > 0 {
            let quotient = number / divisor
            if quotient != quotient.rounded() { refuse(value, "should be a multiple of \(JSONValue.number(divisor))") }
        }
        if graph.nodes[index].format == "int32", !(-2_147_483_648...2_147_483_647).contains(number) {
            refuse(value, "must be of type int32: \(goQuoted(value.description))")
        }
    }

    private mutating func check(
        _ index: Int, _ elements: [JSONValue], _ value: JSONValue, _ old: [JSONValue]?
    ) {
        if let limit = graph.nodes[index].maxItems, elements.count > limit {
            errors.append(.tooMany(here, actual: elements.count, maximum: limit))
        }
        if let limit = graph.nodes[index].minItems, elements.count < limit {
            refuse(.integer(Int64(elements.count)), "should have at least \(limit) items")
        }
        if graph.nodes[index].uniqueItems, Set(elements).count != elements.count {
            refuse(nil, "shouldn't contain duplicates")
        }
        if graph.nodes[index].listType == "set" || graph.nodes[index].listType == "map" { checkKeys(index, elements) }
        guard let items = graph.nodes[index].items else { return }
        // Elements are told apart by their keys; those of other lists can't be followed from one state to the next.
        var known: [JSONValue: JSONValue] = [:]
        if let old, graph.nodes[index].listType == "map" {
            for element in old { known[key(index, element)] = element }
        }
        for (place, element) in elements.enumerated() {
            path.append(.index(place))
            validate(items, element, known.isEmpty ? nil : known[key(index, element)])
            path.removeLast()
        }
    }

    /// What tells an element of a list of type map from the others.
    private func key(_ index: Int, _ element: JSONValue) -> JSONValue {
        var object = JSONObject()
        for name in graph.nodes[index].listMapKeys {
            let fallback = graph.nodes[index].items.flatMap { graph.nodes.property(name, of: $0) }.flatMap {
                graph.nodes[$0].defaultValue
            }
            if let value = element[name] ?? fallback { object[name] = value }
        }
        return .object(object)
    }

    /// False when a few elements differ in plain sight: most lists are so short that comparing is cheaper than hashing.
    private func mayHaveDuplicates(_ index: Int, _ elements: [JSONValue]) -> Bool {
        guard elements.count <= 8 else { return true }
        let names = graph.nodes[index].listType == "map" ? graph.nodes[index].listMapKeys : []
        for (place, element) in elements.enumerated() {
            for other in elements[..<place] {
                if names.isEmpty ? element == other : names.allSatisfy({ element[$0] == other[$0] }) { return true }
                // One that relies on a default may be the same as one that says it.
                if names.contains(where: { (element[$0] == nil) != (other[$0] == nil) }) { return true }
            }
        }
        return false
    }

    private mutating func checkKeys(_ index: Int, _ elements: [JSONValue]) {
        guard mayHaveDuplicates(index, elements) else { return }
        var seen: Set<JSONValue> = []
        for (place, element) in elements.enumerated() {
            let key = graph.nodes[index].listType == "map" ? key(index, element) : element
            if !seen.insert(key).inserted { errors.append(.duplicate(here.index(place), key)) }
        }
    }

    private mutating func check(
        _ index: Int, _ object: JSONObject, _ value: JSONValue, _ old: JSONObject?
    ) {
        if let limit = graph.nodes[index].maxProperties, object.count > limit {
            errors.append(.tooMany(here, actual: object.count, maximum: limit))
        }
        if let limit = graph.nodes[index].minProperties, object.count < limit {
            refuse(.integer(Int64(object.count)), "should have at least \(limit) properties")
        }
        for name in graph.nodes[index].required where !object.contains(name) {
            errors.append(.required(here.child(name)))
        }
        if graph.nodes[index].isEmbeddedResource {
            for name in ["apiVersion", "kind"] where (object[name].string ?? "").isEmpty {
                errors.append(.required(here.child(name), "must not be empty"))
            }
        }
        for (name, member) in object {
            let place: Int
            if let known = graph.nodes.property(name, of: index) {
                place = known
            } else if case .schema(let inner) = graph.nodes[index].additional {
                place = inner
            } else {
                if case .forbidden = graph.nodes[index].additional {
                    errors.append(
                        .invalid(
                            here, nil, "\(FieldPath(steps: path + [.child(name)])) in body is a forbidden property"))
                }
                continue
            }
            path.append(.child(name))
            validate(place, member, old?[name])
            path.removeLast()
        }
    }

    private mutating func combine(_ index: Int, _ value: JSONValue, _ old: JSONValue?) {
        for part in graph.nodes[index].allOf { validate(part, value, old) }
        let anyOf = graph.nodes[index].anyOf
        if !anyOf.isEmpty, count(anyOf, accepting: value, atMost: 1) == 0 {
            errors.append(
                .invalid(here, nil, "\(goQuoted(name)) must validate at least one schema (anyOf)"))
        }
        let oneOf = graph.nodes[index].oneOf
        if !oneOf.isEmpty {
            let count = count(oneOf, accepting: value)
            if count != 1 {
                let found = count == 0 ? "Found none valid" : "Found \(count) valid alternatives"
                errors.append(
                    .invalid(here, nil, "\(goQuoted(name)) must validate one and only one schema (oneOf). \(found)"))
            }
        }
        if let not = graph.nodes[index].not, accepts(not, value) {
            errors.append(.invalid(here, nil, "\(goQuoted(name)) must not validate the schema (not)"))
        }
    }

    private mutating func count(_ schemas: [Int], accepting value: JSONValue, atMost limit: Int = .max) -> Int {
        var count = 0
        for schema in schemas where count < limit && accepts(schema, value) { count += 1 }
        return count
    }

    private mutating func accepts(_ index: Int, _ value: JSONValue) -> Bool {
        var inner = SchemaValidator(graph: graph, path: path)
        inner.matchingWork = matchingWork
        inner.validate(index, value)
        matchingWork = inner.matchingWork
        if tooMuchAt == nil { tooMuchAt = inner.tooMuchAt }
        return inner.errors.isEmpty
    }
}
