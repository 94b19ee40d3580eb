import CEL
import KubeModel
import Testing

@Suite("Rules of a schema") struct RuleTests {
    // MARK: What an object is told

    @Test func namesTheRuleOrItsMessage() throws {
        #expect(
            try RuleFixture.errors(["rule": "self.i < 5"])
                == ["<nil>: Invalid value: \"object\": failed rule: self.i < 5"])
        #expect(
            try RuleFixture.errors(["rule": "self.i < 5", "message": " i is too large "])
                == ["<nil>: Invalid value: \"object\": i is too large"])
    }

    @Test func makesMessagesByExpression() throws {
        let rule: JSONValue = [
            "rule": "self.i < 5", "message": "plain", "messageExpression": "'i is ' + string(self.i) + ', not below 5'",
        ]
        #expect(try RuleFixture.errors(rule) == ["<nil>: Invalid value: \"object\": i is 7, not below 5"])
        let failing: JSONValue = ["rule": "self.i < 5", "message": "plain", "messageExpression": "self.absent"]
        #expect(try RuleFixture.errors(failing) == ["<nil>: Invalid value: \"object\": plain"])
    }

    @Test(arguments: [
        ("FieldValueInvalid", "i: Invalid value: \"object\": m"), ("FieldValueRequired", "i: Required value: m"),
        ("FieldValueForbidden", "i: Forbidden: m"), ("FieldValueDuplicate", "i: Duplicate value: \"object\""),
    ])
    func givesReasonAndField(_ reason: String, _ message: String) throws {
        let rule: JSONValue = ["rule": "false", "message": "m", "reason": .string(reason), "fieldPath": ".i"]
        #expect(try RuleFixture.errors(rule) == [message])
    }

    private static let nested: JSONValue = [
        "type": "object",
        "properties": [
            "spec": [
                "type": "object",
                "properties": [
                    "size": [
                        "type": "integer", "x-kubernetes-validations": [["rule": "self > 0", "message": "positive"]],
                    ],
                    "ports": [
                        "type": "array", "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["name"],
                        "maxItems": 10,
                        "items": [
                            "type": "object",
                            "properties": ["name": ["type": "string"], "port": ["type": "integer"]],
                            "x-kubernetes-validations": [
                                ["rule": "self.port == oldSelf.port", "message": "port is immutable"],
                                ["rule": "self.port < 100", "message": "port too large"],
                            ],
                        ],
                    ],
                    "labels": [
                        "type": "object",
                        "additionalProperties": [
                            "type": "string",
                            "x-kubernetes-validations": [["rule": "self != ''", "message": "not empty"]],
                        ],
                    ],
                    "once": [
                        "type": "string",
                        "x-kubernetes-validations": [
                            [
                                "rule": "oldSelf.hasValue() || self == 'first'", "message": "must start as first",
                                "optionalOldSelf": true,
                            ]
                        ],
                    ],
                ],
            ]
        ],
    ]

    @Test func checksValuesWhereTheyAre() throws {
        let schema = try Schema(json: Self.nested, rules: .cel)
        #expect(schema.hasRules)
        let object: JSONValue = [
            "spec": [
                "size": 0, "ports": [["name": "a", "port": 1], ["name": "b", "port": 200]],
                "labels": ["x": "", "y": "z"],
            ]
        ]
        #expect(
            schema.ruleErrors(object, old: nil).map(\.message) == [
                "spec.size: Invalid value: \"integer\": positive",
                "spec.ports[1]: Invalid value: \"object\": port too large",
                "spec.labels[x]: Invalid value: \"string\": not empty",
            ])
        #expect(schema.ruleErrors(["spec": ["size": .null]], old: nil) == [])
        #expect(schema.ruleErrors([:], old: nil) == [])
    }

    @Test func pairsListElementsByTheirKeys() throws {
        let schema = try Schema(json: Self.nested, rules: .cel)
        let old: JSONValue = ["spec": ["ports": [["name": "a", "port": 1], ["name": "b", "port": 2]]]]
        let moved: JSONValue = ["spec": ["ports": [["name": "b", "port": 2], ["name": "a", "port": 3]]]]
        #expect(
            schema.ruleErrors(moved, old: old).map(\.message)
                == ["spec.ports[1]: Invalid value: \"object\": port is immutable"])
        let added: JSONValue = ["spec": ["ports": [["name": "c", "port": 9]]]]
        #expect(schema.ruleErrors(added, old: old) == [])
    }

    @Test func unchangedValuesMayStayInvalid() throws {
        let schema = try Schema(json: Self.nested, rules: .cel)
        let old: JSONValue = ["spec": ["size": -1, "labels": ["x": ""]]]
        let changed: JSONValue = ["spec": ["size": -1, "labels": ["x": "", "y": ""]]]
        #expect(
            schema.ruleErrors(changed, old: old).map(\.message)
                == ["spec.labels[y]: Invalid value: \"string\": not empty"])
    }

    @Test func optionalOldValuesCoverCreation() throws {
        let schema = try Schema(json: Self.nested, rules: .cel)
        #expect(schema.ruleErrors(["spec": ["once": "first"]], old: nil) == [])
        #expect(
            schema.ruleErrors(["spec": ["once": "second"]], old: nil).map(\.message)
                == ["spec.once: Invalid value: \"string\": must start as first"])
        #expect(schema.ruleErrors(["spec": ["once": "second"]], old: ["spec": ["once": "first"]]) == [])
    }

    @Test func skipsRulesWhenTheShapeIsInDoubt() {
        let shape = [FieldError.required(FieldPath("spec"))]
        #expect(
            FieldError.skippedRules(after: shape)?.message
                == "<nil>: Invalid value: \"null\": some validation rules were not checked because the object was "
                + "invalid; correct the existing errors to complete validation")
        #expect(FieldError.skippedRules(after: [.invalid(FieldPath("x"), 1, "")]) == nil)
    }

    // MARK: What a definition is told

    @Test func acceptsGoodRules() {
        #expect(CELRules.problems(inSchema: Self.nested, at: FieldPath("s")) == [])
    }

    static let badForms: [(JSONValue, String)] = [
        (["rule": " "], "s.x-kubernetes-validations[0].rule: Required value: rule is not specified"),
        (
            ["rule": "true", "message": " "],
            "s.x-kubernetes-validations[0].message: Invalid value: \" \": message must be non-empty if specified"
        ),
        (
            ["rule": "true", "message": "a\nb"],
            "s.x-kubernetes-validations[0].message: Invalid value: \"a\\nb\": message must not contain line breaks"
        ),
        (
            ["rule": "true\n&& true"],
            "s.x-kubernetes-validations[0].message: Required value: message must be specified if rule contains line "
                + "breaks"
        ),
        (
            ["rule": "true", "reason": "Bad"],
            "s.x-kubernetes-validations[0].reason: Unsupported value: \"Bad\": supported values: "
                + "\"FieldValueDuplicate\", \"FieldValueForbidden\", \"FieldValueInvalid\", \"FieldValueRequired\""
        ),
        (
            ["rule": "true", "fieldPath": ".nope"],
            "s.x-kubernetes-validations[0].fieldPath: Invalid value: \".nope\": fieldPath must be a valid path: does "
                + "not refer to a valid field"
        ),
        (
            ["rule": "true", "fieldPath": "i"],
            "s.x-kubernetes-validations[0].fieldPath: Invalid value: \"i\": fieldPath must be a valid path: expected [ "
                + "or . but got: i"
        ),
    ]

    @Test(arguments: badForms) func refusesBadForms(_ rule: JSONValue, _ message: String) {
        let schema = RuleFixture.schema(rule: rule)
        #expect(CELRules.problems(inSchema: schema, at: FieldPath("s")).map(\.message) == [message])
    }

    @Test func messageExpressionsAreStrings() {
        let schema = RuleFixture.schema(rule: ["rule": "true", "messageExpression": "self.i"])
        let found = CELRules.problems(inSchema: schema, at: FieldPath("s"))
        #expect(found.map(\.field) == ["s.x-kubernetes-validations[0].messageExpression"])
        #expect(found.map(\.detail) == ["messageExpression must evaluate to a string"])
    }

    @Test func oldValuesNeedAPlaceThatCanBePaired() {
        let schema: JSONValue = [
            "type": "object",
            "properties": [
                "list": [
                    "type": "array", "maxItems": 3,
                    "items": ["type": "integer", "x-kubernetes-validations": [["rule": "self >= oldSelf"]]],
                ]
            ],
        ]
        #expect(
            CELRules.problems(inSchema: schema, at: FieldPath("s")).map(\.message) == [
                "s.properties[list].items.x-kubernetes-validations[0].rule: Invalid value: \"self >= oldSelf\": oldSelf "
                    + "cannot be used on the uncorrelatable portion of the schema within s.properties[list]"
            ])
    }

    // MARK: Cost

    private static let hint =
        "(try simplifying the rule, or adding maxItems, maxProperties, and maxLength where arrays, maps, and strings "
        + "are declared)"

    /// Measured against kube-apiserver 1.36: a list of 20 with strings of 4096, of which one holds the other, is
    /// refused by a factor of 5.4, and accepted when the second is limited to 512.
    @Test(arguments: [(4096, "5.4x"), (512, nil), (256, nil)] as [(Int64, String?)])
    func limitsTheEstimateOfARule(_ length: Int64, _ factor: String?) {
        let schema: JSONValue = [
            "type": "object",
            "properties": [
                "cases": [
                    "type": "array", "maxItems": 20,
                    "items": [
                        "type": "object",
                        "properties": [
                            "message": ["type": "string", "maxLength": 4096],
                            "part": ["type": "string", "maxLength": .integer(length)],
                        ],
                        "x-kubernetes-validations": [["rule": "!self.message.contains(self.part)"]],
                    ],
                ]
            ],
        ]
        let expected = factor.map {
            "s.properties[cases].items.x-kubernetes-validations[0].rule: Forbidden: estimated rule cost exceeds budget "
                + "by factor of \($0) \(Self.hint)"
        }
        #expect(CELRules.problems(inSchema: schema, at: FieldPath("s")).map(\.message) == (expected.map { [$0] } ?? []))
    }

    @Test func refusesNestedLoopsOverUnboundedLists() {
        let schema: JSONValue = [
            "type": "object",
            "properties": [
                "list": [
                    "type": "array", "items": ["type": "string"],
                    "x-kubernetes-validations": [["rule": "self.all(x, self.exists_one(y, x == y))"]],
                ]
            ],
        ]
        let found = CELRules.problems(inSchema: schema, at: FieldPath("s")).map(\.message)
        #expect(
            found.first
                == "s.properties[list].x-kubernetes-validations[0].rule: Forbidden: estimated rule cost exceeds budget "
                + "by factor of more than 100x \(Self.hint)")
        #expect(
            found.last
                == "s: Forbidden: x-kubernetes-validations estimated rule & messageExpression cost total for entire "
                + "OpenAPIv3 schema exceeds budget by factor of more than 100x \(Self.hint)")
    }

    @Test func endsAnExpensiveEvaluation() throws {
        let numbers = JSONValue.array((0..<2000).map { .integer($0) })
        let schema = try Schema(
            json: [
                "type": "object",
                "properties": ["list": ["type": "array", "items": ["type": "integer"]]],
                "x-kubernetes-validations": [
                    ["rule": "self.list.all(x, self.list.exists(y, x + y == -1) == false)", "message": "m"],
                    ["rule": "false", "message": "not reached"],
                ],
            ], rules: .cel)
        #expect(
            schema.ruleErrors(["list": numbers], old: nil).map(\.message) == [
                "<nil>: Invalid value: \"object\": 'operation cancelled: actual cost limit exceeded': no further "
                    + "validation rules will be run due to call cost exceeds limit for rule: m"
            ])
    }

    @Test func endsWhenTheRequestHasSpentItsBudget() throws {
        let schema = try Schema(
            json: [
                "type": "array",
                "items": [
                    "type": "array", "items": ["type": "integer"],
                    "x-kubernetes-validations": [["rule": "self.all(x, x >= 0) && self.all(x, x < 100000)"]],
                ],
            ], rules: .cel)
        let row = JSONValue.array((0..<50_000).map { .integer($0) })
        let errors = schema.ruleErrors(.array(Array(repeating: row, count: 30)), old: nil).map(\.message)
        #expect(errors.count == 1)
        #expect(errors.first?.hasSuffix("no further validation rules will be run") == true)
    }
}
