import CEL
import KubeModel

/// Validation rules and patterns that authors of custom resources write.
extension FuzzTarget {
    /// A rule and an object, a line each. The rule is checked as in a CustomResourceDefinition; if it passes, it is run.
    static func cel(_ input: [UInt8]) {
        guard let halves = halves(input) else { return }
        let rule = String(decoding: halves.first, as: UTF8.self)
        var schema = fields
        schema["x-kubernetes-validations"] = [["rule": .string(rule), "message": "no"]]
        let problems = CELRules.problems(inSchema: schema, at: FieldPath("schema"))
        guard let compiled = try? Schema(json: schema, rules: .cel) else {
            check(!problems.isEmpty, "a rule without problems does not compile: \(rule)")
            return
        }
        // No definition with a rule that has problems is stored.
        guard problems.isEmpty, var document = parsed(halves.second) else { return }
        _ = compiled.prune(&document)
        guard compiled.mismatches(in: document).isEmpty else { return }
        _ = compiled.ruleErrors(document, old: nil)
        _ = compiled.ruleErrors(document, old: document)
    }

    /// A pattern and a text, a line each. The schema names patterns it does not take; what it takes ends soon.
    static func pattern(_ input: [UInt8]) {
        guard let halves = halves(input) else { return }
        let text = String(decoding: halves.first, as: UTF8.self)
        guard let schema = try? Schema(json: ["type": "string", "pattern": .string(text)]) else { return }
        _ = schema.validate(.string(String(decoding: halves.second, as: UTF8.self)))
    }

    private static let fields: JSONValue = [
        "type": "object",
        "properties": [
            "a": ["type": "integer"], "b": ["type": "string", "maxLength": 64], "c": ["type": "boolean"],
            "d": ["type": "number"],
            "list": [
                "type": "array", "maxItems": 16,
                "items": ["type": "object", "properties": ["name": ["type": "string", "maxLength": 16]]],
            ],
            "map": [
                "type": "object", "maxProperties": 16, "additionalProperties": ["type": "string", "maxLength": 16],
            ],
            "any": ["x-kubernetes-int-or-string": true],
            "time": ["type": "string", "format": "date-time"],
        ],
    ]
}
