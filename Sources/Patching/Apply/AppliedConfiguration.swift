package import KubeModel

/// What is wrong with a configuration that is to be applied.
package enum AppliedConfiguration {
    /// The first finding, or all of them as a list, in the words of Kubernetes' structured merge; nil when the
    /// configuration is fine. Fields that the schema does not have, values of another type and list elements that can't
    /// be told apart are refused, since nobody could own them.
    package static func problems(_ document: JSONValue, schema: Schema?) -> String? {
        var check = Check()
        check.visit(document, FieldType(schema, hasZeroFields: false))
        switch check.findings.count {
        case 0: return nil
        case 1: return check.findings[0]
        default: return "errors:\n" + check.findings.map { "  \($0)" }.joined(separator: "\n")
        }
    }

    private struct Check {
        var findings: [String] = []
        private var path: [FieldElement] = []

        private mutating func report(_ message: String) {
            let text = path.map(\.pathText).joined()
            findings.append(text.isEmpty ? message : "\(text): \(message)")
        }

        mutating func visit(_ value: JSONValue, _ type: FieldType) {
            if value.isNull { return }
            switch type.scalarType {
            case .object:
                guard case .object(let object) = value else { return report("expected map, got \(goSyntax(value))") }
                visitMembers(object, type)
            case .array:
                guard case .array(let list) = value else { return report("expected list, got \(goSyntax(value))") }
                visitElements(list, type.relation(for: value), type.element)
            case .string:
                guard case .string = value else { return report("expected string, got \(goSyntax(value))") }
            case .boolean:
                guard case .bool = value else { return report("expected boolean, got \(goSyntax(value))") }
            case .integer, .number:
                guard value.double != nil else {
                    return report("expected numeric (int or float), got \(goSyntax(value))")
                }
            case nil:
                switch value {
                case .object(let object): visitMembers(object, type)
                case .array(let list): visitElements(list, type.relation(for: value), type.element)
                default: break
                }
            }
        }

        private mutating func visitMembers(_ object: JSONObject, _ type: FieldType) {
            for (name, member) in object {
                path.append(.field(name))
                if let memberType = type.member(name) {
                    visit(member, memberType)
                } else {
                    report("field not declared in schema")
                }
                path.removeLast()
            }
        }

        private mutating func visitElements(
            _ list: [JSONValue], _ relation: FieldType.Relation, _ type: FieldType
        ) {
            if relation == .whole || relation == .members {
                for (place, element) in list.enumerated() {
                    path.append(.index(place))
                    visit(element, type)
                    path.removeLast()
                }
                return
            }
            let elements = ListElements(list, relation, type) { error in
                report("element \(error.index): \(error.message)")
            }
            for (place, name) in elements.names.enumerated() {
                if elements.hasDuplicates, elements.position(of: name) != place {
                    report("duplicate entries for key \(name.pathText)")
                }
                path.append(name)
                visit(elements.values[place], type)
                path.removeLast()
            }
        }
    }

    /// A value as Go's `%#v` writes the wrapper in which the structured merge has it.
    private static func goSyntax(_ value: JSONValue) -> String {
        "&value.valueUnstructured{Value:\(goValue(value))}"
    }

    private static func goValue(_ value: JSONValue) -> String {
        switch value {
        case .null: "interface {}(nil)"
        case .string(let text): goQuoted(text)
        case .array(let list): "[]interface {}{\(list.map(goValue).joined(separator: ", "))}"
        case .object(let object):
            "map[string]interface {}{"
                + object.sortedByKey().map { "\(goQuoted($0.key)):\(goValue($0.value))" }.joined(separator: ", ") + "}"
        default: value.description
        }
    }
}
