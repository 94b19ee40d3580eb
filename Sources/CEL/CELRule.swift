import KubeModel

/// A rule of `x-kubernetes-validations` as written.
struct CELRuleSource: Sendable {
    let json: JSONValue

    var rule: String { json["rule"].string ?? "" }
    var message: String { json["message"].string ?? "" }
    var messageExpression: String { json["messageExpression"].string ?? "" }
    var reason: String? { json["reason"].string }
    var fieldPath: String { json["fieldPath"].string ?? "" }
    var optionalOldSelf: Bool? { json["optionalOldSelf"].bool }

    /// How messages name the rule.
    var name: String {
        message.isEmpty ? rule.trimmed : message.trimmed
    }
}

extension String {
    /// Without white space at the ends.
    var trimmed: String {
        let scalars = unicodeScalars
        guard let first = scalars.firstIndex(where: { !$0.properties.isWhitespace }),
            let last = scalars.lastIndex(where: { !$0.properties.isWhitespace })
        else { return "" }
        return String(scalars[first...last])
    }
}

/// A rule ready to be evaluated.
struct CELRule: Sendable {
    /// nil when the rule did not compile; see `failure`.
    let program: CELProgram?
    /// Why an object with the rule cannot be accepted. Definitions with such rules are refused, so that this concerns
    /// none but those stored by another version.
    let failure: String?
    let messageProgram: CELProgram?
    let source: CELRuleSource
    let usesOldSelf: Bool
    let oldSelfIsOptional: Bool
    /// Below the rule's own place.
    let fieldSteps: [FieldPath.Step]

    init(_ source: CELRuleSource, _ declaration: CELDeclaration?, nodes: [SchemaGraph.Node], node: Int) {
        self.source = source
        let isOptional = source.optionalOldSelf ?? false
        oldSelfIsOptional = isOptional
        fieldSteps = source.fieldPath.isEmpty ? [] : (CELFieldPath.steps(source.fieldPath, nodes, node).path ?? [])
        guard let declaration else {
            program = nil
            failure = "rules cannot be written for a schema without a type"
            messageProgram = nil
            usesOldSelf = false
            return
        }
        do throws(CELProblem) {
            let compiled = try CELCompilation.compile(source.rule, self: declaration, oldSelfIsOptional: isOptional)
            program = compiled.program
            usesOldSelf = compiled.usesOldSelf
            failure = nil
        } catch {
            program = nil
            usesOldSelf = false
            failure = "compilation failed: \(error.rendered(in: source.rule))"
        }
        messageProgram =
            source.messageExpression.trimmed.isEmpty
            ? nil
            // One that does not compile leaves the rule's own message.
            : (try? CELCompilation.compile(
                source.messageExpression, self: declaration, oldSelfIsOptional: isOptional))?.program
    }
}

/// A rule's `fieldPath`: `.spec.name` or `.data['some.key']`.
enum CELFieldPath {
    /// The steps, or what is wrong with the path.
    static func steps(
        _ text: String, _ nodes: [SchemaGraph.Node], _ start: Int
    ) -> (path: [FieldPath.Step]?, problem: String) {
        var rest = Substring(text)
        var steps: [FieldPath.Step] = []
        var node = nodes[start]
        while let mark = rest.popFirst() {
            let name: String
            switch mark {
            case ".":
                guard !rest.isEmpty else { return (nil, "unexpected end of JSON path") }
                let part = rest.prefix { !".[]".contains($0) }
                rest = rest[part.endIndex...]
                name = String(part)
            case "[":
                guard rest.popFirst() == "'" else {
                    return (nil, "expected single quoted string but got \(rest.prefix(1))")
                }
                var key = ""
                var isClosed = false
                while let character = rest.popFirst() {
                    if character == "'" {
                        isClosed = true
                        break
                    }
                    if character == "\\", let escaped = rest.popFirst() {
                        guard let value = ["n": "\n", "t": "\t", "r": "\r", "'": "'", "\\": "\\"][escaped] else {
                            return (nil, "invalid string literal: invalid escape char \\\(escaped)")
                        }
                        key += value
                    } else {
                        key.append(character)
                    }
                }
                guard isClosed else { return (nil, "unexpected end of JSON path") }
                guard rest.popFirst() == "]" else { return (nil, "expected ] but got \(rest.prefix(1))") }
                name = key
            default: return (nil, "expected [ or . but got: \(mark)\(rest.prefix { !".[]".contains($0) })")
            }
            if let child = node.property(name) {
                steps.append(.child(name))
                node = nodes[child]
            } else if node.properties.isEmpty, case .schema(let child) = node.additional {
                steps.append(.key(name))
                node = nodes[child]
            } else {
                return (nil, "does not refer to a valid field")
            }
        }
        return (steps, "")
    }
}
