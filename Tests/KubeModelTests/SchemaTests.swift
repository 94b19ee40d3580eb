import KubeModel
import TestSupport
import Testing

@Suite("Schemas of documents") struct SchemaTests {
    private static let document: JSONValue = [
        "components": [
            "schemas": [
                "io.example.v1.Widget": [
                    "type": "object",
                    "x-kubernetes-group-version-kind": [["group": "example.com", "version": "v1", "kind": "Widget"]],
                    "properties": [
                        "apiVersion": ["type": "string"], "kind": ["type": "string"],
                        "metadata": ["allOf": [["$ref": "#/components/schemas/io.example.v1.Meta"]], "default": [:]],
                        "spec": ["allOf": [["$ref": "#/components/schemas/io.example.v1.WidgetSpec"]], "default": [:]],
                    ],
                ],
                "io.example.v1.Meta": [
                    "type": "object",
                    "properties": [
                        "name": ["type": "string"],
                        "labels": ["type": "object", "additionalProperties": ["type": "string"]],
                        "creationTimestamp": ["$ref": "#/components/schemas/io.example.v1.Time"],
                        "fields": ["type": "object"],
                    ],
                ],
                "io.example.v1.Time": ["type": "string", "format": "date-time"],
                "io.example.v1.WidgetSpec": [
                    "type": "object", "required": ["size"],
                    "properties": [
                        "size": ["type": "integer", "format": "int32", "minimum": 1, "maximum": 10],
                        "color": ["type": "string", "default": "red", "enum": ["red", "green"]],
                        "ratio": ["type": "number", "exclusiveMinimum": true, "minimum": 0],
                        "path": ["type": "string", "pattern": "^/[\\w\\-.]*$", "maxLength": 5, "minLength": 1],
                        "data": ["type": "string", "format": "byte"],
                        "target": [
                            "x-kubernetes-int-or-string": true, "oneOf": [["type": "integer"], ["type": "string"]],
                        ],
                        "free": [
                            "x-kubernetes-preserve-unknown-fields": true, "type": "object",
                            "properties": ["known": ["type": "string"]],
                        ],
                        "maybe": ["type": "string", "nullable": true],
                        "ports": [
                            "type": "array", "x-kubernetes-list-type": "map",
                            "x-kubernetes-list-map-keys": ["port", "protocol"],
                            "x-kubernetes-patch-strategy": "merge", "x-kubernetes-patch-merge-key": "port",
                            "maxItems": 3,
                            "items": ["$ref": "#/components/schemas/io.example.v1.WidgetPort"],
                        ],
                        "names": ["type": "array", "items": ["type": "string"], "x-kubernetes-list-type": "set"],
                        "child": [
                            "allOf": [["$ref": "#/components/schemas/io.example.v1.WidgetSpec"]],
                            "description": "recursive",
                        ],
                        "choice": ["oneOf": [["required": ["a"]], ["required": ["b"]]], "type": "object"],
                        "closed": [
                            "type": "object", "properties": ["a": ["type": "string"]], "additionalProperties": false,
                        ],
                        "on": ["type": "boolean"],
                    ],
                ],
                "io.example.v1.WidgetPort": [
                    "type": "object",
                    "properties": [
                        "port": ["type": "integer", "format": "int32"],
                        "protocol": ["type": "string", "default": "TCP"],
                        "name": ["type": "string"],
                    ],
                ],
            ]
        ]
    ]

    private static func widget() throws -> Schema {
        let registry = try SchemaRegistry(documents: [OpenAPIDocument(name: "test", json: document)])
        return try #require(registry.schema(for: GroupVersionKind(group: "example.com", version: "v1", kind: "Widget")))
    }

    @Test func describesFields() throws {
        let spec = try #require(try Self.widget().property("spec"))
        #expect(spec.required == ["size"])
        #expect(spec.property("ports")?.patchMergeKey == "port")
        #expect(spec.property("ports")?.patchStrategies == ["merge"])
        #expect(spec.property("ports")?.listMapKeys == ["port", "protocol"])
        #expect(spec.property("child")?.property("child")?.property("size")?.format == "int32")
        #expect(spec.property("target")?.isIntOrString == true)
        #expect(spec.property("nothing") == nil)
        let labels = try #require(try Self.widget().property("metadata")?.property("labels"))
        #expect(labels.property("any")?.type == "string")
    }

    @Test func appliesDefaults() throws {
        let schema = try Self.widget()
        var value: JSONValue = [
            "spec": ["size": 1, "ports": [["port": 1], ["port": 2, "protocol": "UDP"]], "child": ["size": 2]]
        ]
        schema.applyDefaults(&value)
        #expect(
            value == [
                "metadata": [:],
                "spec": [
                    "size": 1, "color": "red",
                    "ports": [["port": 1, "protocol": "TCP"], ["port": 2, "protocol": "UDP"]],
                    "child": ["size": 2, "color": "red"],
                ],
            ])
        var empty: JSONValue = ["spec": .null]
        schema.applyDefaults(&empty)
        #expect(empty == ["metadata": [:], "spec": ["color": "red"]])
    }

    @Test func prunesUnknownFieldsAndNulls() throws {
        var value: JSONValue = [
            "bogus": 1,
            "metadata": [
                "name": "a", "labels": ["x": "y", "z": .null], "fields": ["f:a": [:]], "creationTimestamp": .null,
            ],
            "spec": [
                "size": 1, "Size": 2, "ports": [["port": 1], ["port": 2, "x": .null]],
                "free": ["anything": [1], "known": "k"],
                "maybe": .null, "child": ["nope": true],
            ],
        ]
        let unknown = try Self.widget().prune(&value)
        #expect(unknown == ["bogus", "spec.Size", "spec.ports[1].x", "spec.child.nope"])
        #expect(
            value == [
                // In a map null is the type's zero value, and required scalars are always written, as Go does.
                "metadata": ["name": "a", "labels": ["x": "y", "z": ""], "fields": ["f:a": [:]]],
                "spec": [
                    "size": 1, "ports": [["port": 1], ["port": 2]], "free": ["anything": [1], "known": "k"],
                    "maybe": .null,
                    "child": ["size": 0],
                ],
            ])
    }

    @Test(
        arguments: [
            (["spec": ["size": 1]], []),
            (["spec": [:]], ["spec.size: Required value"]),
            (
                ["spec": ["size": "x"]],
                [#"spec.size: Invalid value: "string": spec.size in body must be of type integer: "string""#]
            ),
            (
                ["spec": ["size": 0]],
                ["spec.size: Invalid value: 0: spec.size in body should be greater than or equal to 1"]
            ),
            (
                ["spec": ["size": 11]],
                ["spec.size: Invalid value: 11: spec.size in body should be less than or equal to 10"]
            ),
            (
                ["spec": ["size": 1.5]],
                [#"spec.size: Invalid value: "number": spec.size in body must be of type integer: "number""#]
            ),
            (
                ["spec": ["size": 1, "ratio": 0]],
                ["spec.ratio: Invalid value: 0: spec.ratio in body should be greater than 0"]
            ),
            (
                ["spec": ["size": 1, "color": "blue"]],
                [#"spec.color: Unsupported value: "blue": supported values: "red", "green""#]
            ),
            (
                ["spec": ["size": 1, "path": "x y"]],
                [#"spec.path: Invalid value: "x y": spec.path in body should match '^/[\w\-.]*$'"#]
            ),
            (["spec": ["size": 1, "path": "/a-b.c"]], ["spec.path: Too long: may not be more than 5 bytes"]),
            (
                ["spec": ["size": 1, "data": "a"]],
                [#"spec.data: Invalid value: "a": spec.data in body must be of type byte: "a""#]
            ),
            (
                ["spec": ["size": 1, "target": true]],
                [
                    #"spec.target: Invalid value: "boolean": spec.target in body must be of type integer,string: "boolean""#
                ]
            ),
            (["spec": ["size": 1, "target": 1, "maybe": .null]], []),
            (
                [
                    "spec": [
                        "size": 1,
                        "ports": [["port": 1, "protocol": "TCP"], ["port": 1], ["port": 1, "protocol": "UDP"]],
                    ]
                ],
                [#"spec.ports[1]: Duplicate value: {"port":1,"protocol":"TCP"}"#]
            ),
            (["spec": ["size": 1, "names": ["a", "a"]]], [#"spec.names[1]: Duplicate value: "a""#]),
            (
                ["spec": ["size": 1, "ports": [[:], ["port": 1], ["port": 2], ["port": 3]]]],
                ["spec.ports: Too many: 4: must have at most 3 items"]
            ),
            (["spec": ["size": 1, "choice": ["a": 1]]], []),
            (
                ["spec": ["size": 1, "choice": ["a": 1, "b": 1]]],
                [
                    #"spec.choice: Invalid value: "spec.choice" must validate one and only one schema (oneOf). Found 2 valid alternatives"#
                ]
            ),
            (
                ["spec": ["size": 1, "closed": ["b": 1]]],
                ["spec.closed: Invalid value: spec.closed.b in body is a forbidden property"]
            ),
            (
                ["metadata": ["creationTimestamp": "now"], "spec": ["size": 1, "child": ["size": 99]]],
                [
                    #"metadata.creationTimestamp: Invalid value: "now": metadata.creationTimestamp in body must be of type date-time: "now""#,
                    "spec.child.size: Invalid value: 99: spec.child.size in body should be less than or equal to 10",
                ]
            ),
        ] as [(JSONValue, [String])])
    func validatesInKubernetesWords(value: JSONValue, messages: [String]) throws {
        #expect(try Self.widget().validate(value).map(\.message) == messages)
    }

    @Test(
        arguments: [
            (
                ["spec": ["size": "x"]],
                "json: cannot unmarshal string into Go struct field WidgetSpec.spec.size of type int32"
            ),
            (
                ["spec": ["size": 4_294_967_296]],
                "json: cannot unmarshal number 4294967296 into Go struct field WidgetSpec.spec.size of type int32"
            ),
            (
                ["spec": ["size": .number(2)]],
                "json: cannot unmarshal number 2.0 into Go struct field WidgetSpec.spec.size of type int32"
            ),
            (
                ["spec": ["ports": [["port": 1], ["name": 5]]]],
                "json: cannot unmarshal number into Go struct field WidgetPort.spec.ports.name of type string"
            ),
            (
                ["spec": ["ports": ["a": 1]]],
                "json: cannot unmarshal object into Go struct field WidgetSpec.spec.ports of type []v1.WidgetPort"
            ),
            (["spec": [1]], "json: cannot unmarshal array into Go struct field Widget.spec of type v1.WidgetSpec"),
            (
                ["spec": ["on": "true"]],
                "json: cannot unmarshal string into Go struct field WidgetSpec.spec.on of type bool"
            ),
            (
                ["metadata": ["labels": ["a": true]]],
                "json: cannot unmarshal bool into Go struct field Meta.metadata.labels.a of type string"
            ),
            (["spec": ["data": "a$"]], "illegal base64 data at input byte 1"),
            ([1], "json: cannot unmarshal array into Go value of type v1.Widget"),
            (["spec": ["size": .null, "unknown": 1, "target": "x"]], nil),
        ] as [(JSONValue, String?)])
    func findsWhatGoCannotDecode(value: JSONValue, message: String?) throws {
        #expect(try Self.widget().mismatches(in: value).first?.message == message)
    }

    @Test(
        arguments: [
            [:], ["components": ["schemas": 1]],
            ["components": ["schemas": ["A": ["properties": ["x": ["$ref": "#/components/schemas/Missing"]]]]]],
            ["components": ["schemas": ["A": ["$ref": "#/components/schemas/A"]]]],
            [
                "components": [
                    "schemas": [
                        "A": ["$ref": "#/components/schemas/B"], "B": ["allOf": [["$ref": "#/components/schemas/A"]]],
                    ]
                ]
            ],
            ["components": ["schemas": ["A": ["type": "tuple"]]]], ["components": ["schemas": ["A": ["pattern": "("]]]],
            ["components": ["schemas": ["A": ["pattern": "(?=x)"]]]],
            ["components": ["schemas": ["A": ["maxLength": -1]]]],
            ["components": ["schemas": ["A": 1]]], ["components": ["schemas": ["A": ["required": "x"]]]],
        ] as [JSONValue])
    func loaderRefusesBadDocuments(json: JSONValue) {
        #expect(throws: SchemaError.self) { try SchemaRegistry(documents: [OpenAPIDocument(name: "bad", json: json)]) }
    }

    @Test(
        arguments: [
            ("^[a-z]+$", "abc", true), ("^[a-z]+$", "aBc", false), (#"^\d{3}$"#, "123", true),
            (#"^\d{3}$"#, "12a", false),
            (#"^[\w.\-\]]+$"#, "a-b.c]", true), (#"^[\w.\-\]]+$"#, "a b", false), ("^(?:a|b)+?$", "abab", true),
            (#"\S"#, " ", false),
            (#"^a\.b$"#, "a.b", true), (#"^a\.b$"#, "axb", false), ("^[^/]*$", "a/b", false), ("x", "", false),
            ("", "", true),
            ("^[-a-z0-9]*$", "a-1", true), (#"^\/x$"#, "/x", true), ("[[:alpha:]]", "ab", true), (#"\bx"#, "yx", false),
            (#"\p{Greek}"#, "α", true), (#"\p{Greek}"#, "", false),
            ("a\\", "", nil),
        ] as [(String, String, Bool?)])
    func patternsMatchAsRE2(pattern: String, text: String, expected: Bool?) throws {
        let schema = try? Schema(json: ["type": "string", "pattern": .string(pattern)])  // nil where it is refused
        #expect(schema.map { $0.validate(.string(text)).isEmpty } == expected)
    }

    @Test func loaderSurvivesMutatedDocuments() throws {
        var random = SeededRandom(seed: 0x0a91)
        let seed = Self.document.encoded()
        let value: JSONValue = [
            "spec": ["size": 1, "ports": [["port": 1, "x": 2]], "child": ["child": [:]], "choice": ["a": 1]],
            "metadata": [:],
        ]
        for _ in 0..<1500 {
            guard let json = try? JSONParser.parse(random.mutated(seed)),  // not JSON any more
                let registry = try? SchemaRegistry(documents: [OpenAPIDocument(name: "fuzz", json: json)])  // refused
            else { continue }
            for kind in registry.kinds {
                guard let schema = registry.schema(for: kind) else { continue }
                var copy = value
                _ = schema.prune(&copy)
                schema.applyDefaults(&copy)
                _ = schema.validate(copy)
                _ = schema.mismatches(in: copy)
            }
        }
    }

    /// RE2's time is linear in the text, but by the size of the program, which a definition may make very large.
    @Test(arguments: ["pattern", "not", "anyOf", "allOf"])
    func `texts that take too long to be matched are refused, wherever the pattern stands`(place: String) throws {
        let source = JSONValue.string("^" + String(repeating: "a{1000}", count: 40))
        let pattern: JSONValue = ["pattern": source]
        let node: JSONValue =
            switch place {
            case "not": ["type": "string", "not": pattern]
            case "pattern": ["type": "string", "pattern": source]
            default: .object(["type": "string", place == "anyOf" ? "anyOf" : "allOf": .array([pattern])])
            }
        let schema = try Schema(json: ["type": "object", "properties": ["a": node]])
        let text = String(repeating: "a", count: 50_000)
        let refusal =
            "a: Invalid value: the object's texts up to here are too long for the patterns of its schema to be matched"
        #expect(schema.validate(["a": .string(text)]).map(\.description).last == refusal)
        #expect(schema.validate(["a": "b"]).isEmpty == (place == "not"))
    }
}
