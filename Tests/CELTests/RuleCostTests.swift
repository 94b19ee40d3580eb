import CEL
import KubeModel
import Testing

/// Estimates are those of kube-apiserver, whose own tests state them.
@Suite("What a rule may cost") struct RuleCostTests {
    static let estimates: [(JSONValue, String, UInt64)] = [
        (["type": "array", "items": ["type": "number"]], "self.all(x, true)", 4718591),
        (["type": "array", "items": ["type": "number"], "maxItems": 10], "self.all(x, true)", 32),
        (["type": "array", "items": ["type": "string"]], "self.all(x, true)", 3145727),
        (["type": "array", "items": ["type": "string"], "maxItems": 20], "self.all(x, true)", 62),
        (["type": "array", "items": ["type": "boolean"]], "self.all(x, true)", 1887437),
        (["type": "array", "items": ["type": "boolean"], "maxItems": 5], "self.all(x, true)", 17),
        (["type": "array", "items": ["type": "array", "items": ["type": "number"]]], "self.all(x, true)", 3145727),
        (
            ["type": "array", "items": ["type": "array", "items": ["type": "number"]], "maxItems": 100],
            "self.all(x, true)", 302
        ),
        (
            [
                "type": "array",
                "items": [
                    "type": "object", "required": ["required"],
                    "properties": ["required": ["type": "string"], "optional": ["type": "string"]],
                ],
            ], "self.all(x, true)", 555128
        ),
        (
            [
                "type": "array",
                "items": [
                    "type": "object", "required": ["required"],
                    "properties": ["required": ["type": "string"], "optional": ["type": "string"]],
                ], "maxItems": 50,
            ], "self.all(x, true)", 152
        ),
        (["type": "object", "additionalProperties": ["type": "number"]], "self.all(x, true)", 1348169),
        (["type": "object", "additionalProperties": ["type": "number"], "maxProperties": 10], "self.all(x, true)", 32),
        (["type": "object", "additionalProperties": ["type": "string"]], "self.all(x, true)", 1179647),
        (["type": "object", "additionalProperties": ["type": "string"], "maxProperties": 3], "self.all(x, true)", 11),
        (["type": "object", "additionalProperties": ["type": "boolean"]], "self.all(x, true)", 943718),
        (
            ["type": "object", "additionalProperties": ["type": "boolean"], "maxProperties": 100], "self.all(x, true)",
            302
        ),
        (["type": "string"], "self.contains('test')", 314574),
        (["type": "string", "maxLength": 10], "self.contains('test')", 5),
        (["type": "string"], "self.startsWith('test')", 2),
        (["type": "string", "maxLength": 15], "self.startsWith('test')", 2),
        (["type": "string"], "self.endsWith('test')", 2),
        (["type": "string", "maxLength": 30], "self.endsWith('test')", 2),
        (["type": "string"], "size(self + 'hello') > size('hello')", 314578),
        (["type": "string", "maxLength": 4], "size(self + 'hello') > size('hello')", 7),
        (["type": "array", "items": ["type": "number"]], "self[1] == 0.0", 2),
        (["type": "array", "items": ["type": "number"], "maxItems": 5000], "self[1] == 0.0", 2),
        (["type": "array", "items": ["type": "string"]], "self[1] == self[1]", 314577),
        (["type": "array", "items": ["type": "string"], "maxItems": 8], "self[1] == self[1]", 314577),
        (["type": "array", "items": ["type": "number"], "maxItems": 10], "self.all(x, self.all(y, true))", 352),
        (
            ["type": "array", "items": ["type": "number"], "maxItems": 10],
            "self.all(x, self.all(y, self.all(z, true)))", 3552
        ),
        (["type": "string"], "self.matches('x')", 314574),
        (["type": "string", "maxLength": 50], "self.matches('x')", 22),
        (["type": "string"], "''.matches('(((((((((())))))))))[0-9]')", 7),
        (["type": "string", "maxLength": 10], "''.matches('(((((((((())))))))))[0-9]')", 7),
        (["type": "string"], "self.matches('')", 1),
        (["type": "string", "maxLength": 100], "self.matches('')", 1),
        (["type": "object", "additionalProperties": ["type": "number"]], "self['x'] == 0.0", 2),
        (["type": "object", "additionalProperties": ["type": "number"], "maxProperties": 0], "self['x'] == 0.0", 2),
        (["type": "string"], "self == 'x'", 2),
        (["type": "string", "maxLength": 0], "self == 'x'", 1),
        (["type": "string", "format": "byte"], "self == b'x'", 2),
        (["type": "string", "format": "byte", "maxLength": 0], "self == b'x'", 1),
        (["type": "array", "items": ["type": "number"]], "self.all(x, x == 0.0)", 6291454),
        (["type": "array", "items": ["type": "number"], "maxItems": 6291456], "self.all(x, x == 0.0)", 25165826),
        (["type": "array", "items": ["x-kubernetes-int-or-string": true]], "self.all(x, true)", 4718591),
        (["type": "array", "items": ["x-kubernetes-int-or-string": true], "maxItems": 10], "self.all(x, true)", 32),
        (["type": "array", "items": ["x-kubernetes-int-or-string": true]], "self[0] == 5", 3),
        (["type": "array", "items": ["x-kubernetes-int-or-string": true], "maxItems": 10], "self[0] == 5", 3),
        (["type": "array", "items": ["type": "boolean"]], "self[0] == false", 2),
        (["type": "array", "items": ["type": "boolean"], "maxItems": 25], "self[0] == false", 2),
        (
            [
                "type": "array",
                "items": [
                    "type": "object", "required": ["required"],
                    "properties": ["required": ["type": "string"], "optional": ["type": "string"]],
                ],
            ], "self[0] == null", 2
        ),
        (
            [
                "type": "array",
                "items": [
                    "type": "object", "required": ["required"],
                    "properties": ["required": ["type": "string"], "optional": ["type": "string"]],
                ], "maxItems": 422,
            ], "self[0] == null", 2
        ),
        (["type": "array", "items": ["type": "array", "items": ["type": "number"]]], "self[0][0] == -1.0", 3),
        (
            ["type": "array", "items": ["type": "array", "items": ["type": "number"]], "maxItems": 51],
            "self[0][0] == -1.0", 3
        ),
        (
            ["type": "array", "items": ["type": "object", "additionalProperties": ["type": "number"]]],
            "self.all(x, x.y == 25.2)", 6291452
        ),
        (
            [
                "type": "array", "items": ["type": "object", "additionalProperties": ["type": "number"]],
                "maxItems": 12,
            ], "self.all(x, x.y == 25.2)", 74
        ),
        (
            ["type": "array", "items": ["type": "object", "additionalProperties": ["type": "number"]]],
            "self[0].x > 2.0", 4
        ),
        (
            [
                "type": "array", "items": ["type": "object", "additionalProperties": ["type": "number"]],
                "maxItems": 3000,
            ], "self[0].x > 2.0", 4
        ),
        (["type": "array", "items": ["type": "string", "format": "duration"]], "self.all(x, true)", 2359295),
        (
            ["type": "array", "items": ["type": "string", "format": "duration"], "maxItems": 5], "self.all(x, true)", 17
        ),
        (["type": "array", "items": ["type": "string", "format": "duration"]], "self[0].getHours() == 2", 4),
        (
            ["type": "array", "items": ["type": "string", "format": "duration"], "maxItems": 525],
            "self[0].getHours() == 2", 4
        ),
        (["type": "array", "items": ["type": "string", "format": "date"]], "self.all(x, true)", 725936),
        (["type": "array", "items": ["type": "string", "format": "date"], "maxItems": 15], "self.all(x, true)", 47),
        (["type": "array", "items": ["type": "string", "format": "date"]], "self[2].getDayOfMonth() == 13", 4),
        (
            ["type": "array", "items": ["type": "string", "format": "date"], "maxItems": 42],
            "self[2].getDayOfMonth() == 13", 4
        ),
        (["type": "array", "items": ["type": "string", "format": "date-time"]], "self.all(x, true)", 428963),
        (
            ["type": "array", "items": ["type": "string", "format": "date-time"], "maxItems": 25], "self.all(x, true)",
            77
        ),
        (["type": "array", "items": ["type": "string", "format": "date-time"]], "self[2].getMinutes() == 45", 4),
        (
            ["type": "array", "items": ["type": "string", "format": "date-time"], "maxItems": 99],
            "self[2].getMinutes() == 45", 4
        ),
        (
            ["type": "object", "additionalProperties": ["x-kubernetes-int-or-string": true]], "self.all(x, true)",
            1348169
        ),
        (
            ["type": "object", "additionalProperties": ["x-kubernetes-int-or-string": true], "maxProperties": 15],
            "self.all(x, true)", 47
        ),
        (
            [
                "type": "object",
                "additionalProperties": [
                    "type": "object", "required": ["required"],
                    "properties": ["required": ["type": "string"], "optional": ["type": "string"]],
                ],
            ], "self.all(x, true)", 428963
        ),
        (
            [
                "type": "object",
                "additionalProperties": [
                    "type": "object", "required": ["required"],
                    "properties": ["required": ["type": "string"], "optional": ["type": "string"]],
                ], "maxProperties": 20,
            ], "self.all(x, true)", 62
        ),
        (
            [
                "type": "object",
                "additionalProperties": ["type": "object", "additionalProperties": ["type": "number"]],
            ], "self.all(x, true)", 1179647
        ),
        (
            [
                "type": "object",
                "additionalProperties": ["type": "object", "additionalProperties": ["type": "number"]],
                "maxProperties": 10,
            ], "self.all(x, true)", 32
        ),
        (
            ["type": "object", "additionalProperties": ["type": "array", "items": ["type": "number"]]],
            "self.all(x, true)", 1179647
        ),
        (
            [
                "type": "object", "additionalProperties": ["type": "array", "items": ["type": "number"]],
                "maxProperties": 25,
            ], "self.all(x, true)", 77
        ),
        (
            ["type": "object", "additionalProperties": ["type": "string", "format": "duration"]], "self.all(x, true)",
            1048577
        ),
        (
            ["type": "object", "additionalProperties": ["type": "string", "format": "duration"], "maxProperties": 5],
            "self.all(x, true)", 17
        ),
        (
            ["type": "object", "additionalProperties": ["type": "string", "format": "date"]], "self.all(x, true)",
            524288
        ),
        (
            ["type": "object", "additionalProperties": ["type": "string", "format": "date"], "maxProperties": 10],
            "self.all(x, true)", 32
        ),
        (
            ["type": "object", "additionalProperties": ["type": "string", "format": "date-time"]], "self.all(x, true)",
            349526
        ),
        (
            [
                "type": "object", "additionalProperties": ["type": "string", "format": "date-time"],
                "maxProperties": 25,
            ], "self.all(x, true)", 77
        ),
        (["type": "string"], "self.find('[0-9]+') == ''", 629147),
        (["type": "string", "maxLength": 10], "self.find('[0-9]+') == ''", 11),
        (["type": "array", "items": ["type": "string"]], "self.join(' ') == 'aa bb'", 329853068905),
        (["type": "array", "items": ["type": "string"]], "self.isSorted() == true", 329854432052),
        (["type": "string"], "self.lowerAscii() == 'lower!'", 314575),
        (["type": "string", "maxLength": 10], "self.lowerAscii() == 'lower!'", 6),
        (["type": "object", "additionalProperties": ["type": "integer"]], "oldSelf.size() == self.size()", 5),
        (
            ["type": "object", "additionalProperties": ["type": "integer"], "maxProperties": 10],
            "oldSelf.size() == self.size()", 5
        ),
        (
            ["type": "object", "additionalProperties": ["type": "string", "format": "date-time"]],
            "self['a'] == self['b']", 8
        ),
        (
            ["type": "object", "additionalProperties": ["type": "string", "format": "date-time"], "maxProperties": 7],
            "self['a'] == self['b']", 8
        ),
        (
            ["type": "object", "additionalProperties": ["type": "string", "format": "duration"]],
            "self['c'] == self['d']", 8
        ),
        (
            ["type": "object", "additionalProperties": ["type": "string", "format": "duration"], "maxProperties": 42],
            "self['c'] == self['d']", 8
        ),
        (["type": "string", "enum": ["A", "B", "C", "LongValue"]], "self.contains('A')", 2),
        (["type": "string", "enum": ["A", "B", "C", "LongValue"], "maxLength": 1000], "self.contains('A')", 401),
    ]

    @Test(arguments: [
        "(has(self.ranges) ? self.ranges : []).exists(k, k.contains('/'))",
        "(has(self.ranges) ? self.ranges : self.others).exists(k, k.contains('/'))",
        "(has(self.ranges) ? self.ranges : []).all(k, k.matches('^x'))",
        "(self.ranges + self.others).exists(k, k.contains('/'))",
        "(has(self.labels) ? self.labels : {}).all(k, k.contains('/'))",
    ])
    func `a range that is no field makes cheap variables, as in Kubernetes`(rule: String) {
        let texts: JSONValue = ["type": "array", "maxItems": 256, "items": ["type": "string", "maxLength": 64]]
        let schema: JSONValue = [
            "type": "object",
            "properties": [
                "ranges": texts, "others": texts,
                "labels": [
                    "type": "object", "maxProperties": 64,
                    "additionalProperties": ["type": "string", "maxLength": 64],
                ],
            ],
        ]
        let cost = CELRules.estimatedCost(of: rule, in: schema) ?? .max
        #expect((1...10_000_000).contains(cost), "\(cost)")
    }

    @Test(arguments: estimates) func estimatesAsKubernetes(_ schema: JSONValue, _ rule: String, _ cost: UInt64) {
        #expect(CELRules.estimatedCost(of: rule, in: schema) == cost)
    }
}
