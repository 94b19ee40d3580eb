import CEL
import KubeModel

/// A definition's schema with one rule at its root, and an object to try it on.
enum RuleFixture {
    static let properties: JSONValue = [
        "i": ["type": "integer"], "j": ["type": "integer"], "n": ["type": "number"], "b": ["type": "boolean"],
        "s": ["type": "string", "maxLength": 1000], "t": ["type": "string", "maxLength": 1000],
        "absent": ["type": "string"], "empty": ["type": "string", "maxLength": 10],
        "when": ["type": "string", "format": "date-time"], "later": ["type": "string", "format": "date-time"],
        "span": ["type": "string", "format": "duration"], "data": ["type": "string", "format": "byte"],
        "port": ["x-kubernetes-int-or-string": true], "named": ["x-kubernetes-int-or-string": true],
        "list": ["type": "array", "maxItems": 10, "items": ["type": "integer"]],
        "words": ["type": "array", "maxItems": 10, "items": ["type": "string", "maxLength": 20]],
        "set": [
            "type": "array", "maxItems": 10, "x-kubernetes-list-type": "set",
            "items": ["type": "string", "maxLength": 20],
        ],
        "otherSet": [
            "type": "array", "maxItems": 10, "x-kubernetes-list-type": "set",
            "items": ["type": "string", "maxLength": 20],
        ],
        "map": [
            "type": "object", "maxProperties": 10, "additionalProperties": ["type": "string", "maxLength": 20],
        ],
        "object": ["type": "object", "properties": ["x": ["type": "integer"], "y": ["type": "integer"]]],
        "items": [
            "type": "array", "maxItems": 10, "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["name"],
            "items": [
                "type": "object", "required": ["name"],
                "properties": ["name": ["type": "string", "maxLength": 20], "value": ["type": "integer"]],
            ],
        ],
        "namespace": ["type": "string", "maxLength": 63], "with-dash": ["type": "integer"],
        "dot.slash/x": ["type": "integer"], "under__score": ["type": "integer"],
        "nullable": ["type": "object", "nullable": true, "properties": ["x": ["type": "integer"]]],
        "zoned": ["type": "string", "format": "date-time"], "day": ["type": "string", "format": "date"],
        "none": ["type": "array", "maxItems": 3, "items": ["type": "string", "format": "duration"]],
        "loose": ["type": "object", "x-kubernetes-preserve-unknown-fields": true],
    ]

    static let object: JSONValue = [
        "apiVersion": "example.com/v1", "kind": "Thing", "metadata": ["name": "it", "labels": ["a": "b"]],
        "i": 7, "j": -2, "n": 2.5, "b": true, "s": "Hello, World", "t": "grüße", "empty": "",
        "when": "2024-02-29T12:34:56.789Z", "later": "2024-03-01T12:34:56.789+00:00", "span": "1h30m",
        "data": "aGk=", "port": 80, "named": "http", "list": [3, 1, 2], "words": ["b", "a", "c"],
        "set": ["x", "y"], "otherSet": ["y", "x"], "map": ["k": "v", "a": "b"], "object": ["x": 1],
        "items": [["name": "one", "value": 1], ["name": "two", "value": 2]],
        "namespace": "default", "with-dash": 5, "dot.slash/x": 6, "under__score": 7, "nullable": .null,
        "loose": ["free": 1], "zoned": "2011-08-18T19:03:37.010000000+01:00", "day": "1997-07-16", "none": [],
    ]

    static func schema(rule: JSONValue) -> JSONValue {
        ["type": "object", "properties": properties, "x-kubernetes-validations": [rule]]
    }

    static func problems(_ rule: String) -> [FieldError] {
        CELRules.problems(inSchema: schema(rule: ["rule": .string(rule), "message": "m"]), at: FieldPath("schema"))
    }

    static func errors(_ rule: JSONValue, _ object: JSONValue = object, old: JSONValue? = nil) throws -> [String] {
        try Schema(json: schema(rule: rule), rules: .cel).ruleErrors(object, old: old).map(\.message)
    }
}
