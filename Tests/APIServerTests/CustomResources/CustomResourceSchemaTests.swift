import CEL
import KubeModel
import Testing

@testable import APIResources
@testable import APIServer

/// Pruning, defaults and validation of custom resources by their schema.
@Suite("Schemas of custom resources") struct CustomResourceSchemaTests {
    private func schema(_ spec: JSONValue, extra: JSONObject = [:]) throws -> Schema {
        var schema: JSONObject = ["type": "object", "properties": ["spec": spec]]
        for (key, value) in extra { schema[key] = value }
        return try Schema(customObject: .object(schema), components: CustomResourceComponents.metadata, rules: .cel)
    }

    private func object(_ spec: JSONValue) -> JSONValue {
        ["apiVersion": "example.com/v1", "kind": "Thing", "metadata": ["name": "a"], "spec": spec]
    }

    @Test(
        arguments: [
            // What is not specified goes, at every level; an object without properties is empty.
            (["type": "object"], ["a": 1], [:], ["spec.a"]),
            (
                ["type": "object", "properties": ["a": ["type": "object"]]], ["a": ["b": 1], "c": [:]], ["a": [:]],
                ["spec.a.b", "spec.c"]
            ),
            (
                [
                    "type": "object",
                    "properties": [
                        "l": ["type": "array", "items": ["type": "object", "properties": ["a": ["type": "string"]]]]
                    ],
                ], ["l": [["a": "x", "b": 1], ["a": "y"]]], ["l": [["a": "x"], ["a": "y"]]], ["spec.l[0].b"]
            ),
            // Maps keep their keys.
            (
                [
                    "type": "object",
                    "additionalProperties": ["type": "object", "properties": ["a": ["type": "integer"]]],
                ],
                ["x": ["a": 1, "b": 2]], ["x": ["a": 1]], ["spec.x.b"]
            ),
            // Unknown fields are kept where the schema says so, but not below what it specifies.
            (
                [
                    "type": "object", "x-kubernetes-preserve-unknown-fields": true,
                    "properties": ["a": ["type": "object", "properties": ["b": ["type": "integer"]]]],
                ], ["a": ["b": 1, "c": 2], "d": ["e": 3]], ["a": ["b": 1], "d": ["e": 3]], ["spec.a.c"]
            ),
            // Embedded resources have their type and metadata.
            (
                [
                    "type": "object", "x-kubernetes-embedded-resource": true,
                    "properties": ["data": ["type": "object", "x-kubernetes-preserve-unknown-fields": true]],
                ],
                ["apiVersion": "v1", "kind": "ConfigMap", "metadata": ["name": "x"], "data": ["k": "v"], "z": 1],
                ["apiVersion": "v1", "kind": "ConfigMap", "metadata": ["name": "x"], "data": ["k": "v"]], ["spec.z"]
            ),
            // Nulls go unless they are allowed.
            (
                [
                    "type": "object",
                    "properties": ["a": ["type": "string"], "b": ["type": "string", "nullable": true]],
                ], ["a": .null, "b": .null], ["b": .null], []
            ),
        ] as [(JSONValue, JSONValue, JSONValue, [String])])
    func unknownFieldsArePruned(_ spec: JSONValue, _ given: JSONValue, _ kept: JSONValue, _ unknown: [String]) throws {
        var object = object(given)
        let found = try schema(spec).pruneCustomObject(&object)
        #expect(object["spec"] == kept)
        #expect(found == unknown)
    }

    @Test func unknownMetadataIsPruned() throws {
        var object = object([:])
        object["metadata"]["bogus"] = 1
        object["metadata"]["labels"] = ["a": "b"]
        #expect(try schema(["type": "object"]).pruneCustomObject(&object) == ["metadata.bogus"])
        #expect(object["metadata"] == ["name": "a", "labels": ["a": "b"]])
    }

    @Test(
        arguments: [
            (
                ["type": "integer"], "x",
                "spec: Invalid value: \"string\": spec in body must be of type integer: \"string\""
            ),
            (
                ["type": "integer", "minimum": 2], 1,
                "spec: Invalid value: 1: spec in body should be greater than or equal to 2"
            ),
            (
                ["type": "string", "enum": ["a", "b"]], "c",
                "spec: Unsupported value: \"c\": supported values: \"a\", \"b\""
            ),
            (
                ["type": "string", "format": "ipv4"], "x",
                "spec: Invalid value: \"x\": spec in body must be of type ipv4: \"x\""
            ),
            (["type": "object", "required": ["a"]], [:], "spec.a: Required value"),
            (
                ["type": "object", "minProperties": 1], [:],
                "spec: Invalid value: 0: spec in body should have at least 1 properties"
            ),
            (
                ["type": "array", "items": ["type": "string"], "x-kubernetes-list-type": "set"], ["a", "a"],
                "spec[1]: Duplicate value: \"a\""
            ),
            (
                ["type": "array", "items": ["type": "string"], "maxItems": 1], ["a", "b"],
                "spec: Too many: 2: must have at most 1 item"
            ),
            (
                ["x-kubernetes-int-or-string": true], true,
                "spec: Invalid value: \"boolean\": spec in body must be of type integer,string: \"boolean\""
            ),
            (
                [
                    "type": "object", "x-kubernetes-embedded-resource": true,
                    "x-kubernetes-preserve-unknown-fields": true,
                ],
                ["kind": "A", "metadata": [:]], "spec.apiVersion: Required value: must not be empty"
            ),
        ] as [(JSONValue, JSONValue, String)])
    func aViolationIsWordedAsInKubernetes(_ spec: JSONValue, _ value: JSONValue, _ message: String) throws {
        let found = try schema(spec).validate(object(value)).map(\.message)
        #expect(found.contains { $0.hasPrefix(message) }, "\(found)")
    }

    @Test func theNameHasTheSchemasRulesToo() throws {
        let schema = try Schema(
            customObject: [
                "type": "object",
                "properties": [
                    "metadata": ["type": "object", "properties": ["name": ["type": "string", "maxLength": 3]]]
                ],
            ], components: CustomResourceComponents.metadata, rules: .cel)
        var object = object([:])
        object["metadata"]["name"] = "long"
        #expect(schema.validate(object).map(\.field) == ["metadata.name"])
    }

    @Test func whatDidNotChangeIsNotRefused() throws {
        let spec: JSONValue = [
            "type": "object",
            "properties": [
                "a": ["type": "string", "maxLength": 1], "b": ["type": "integer", "maximum": 1],
                "l": [
                    "type": "array", "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["k"],
                    "items": [
                        "type": "object", "required": ["k"],
                        "properties": ["k": ["type": "string"], "v": ["type": "integer", "maximum": 1]],
                    ],
                ],
            ],
        ]
        let schema = try schema(spec)
        let old = object(["a": "long", "b": 5, "l": [["k": "x", "v": 9], ["k": "y", "v": 1]]])
        var new = old
        new["spec"]["b"] = 1
        new["spec"]["l"] = [["k": "y", "v": 0], ["k": "x", "v": 9]]
        #expect(schema.validate(new, replacing: old).isEmpty)
        new["spec"]["b"] = 6
        new["spec"]["l"] = [["k": "y", "v": 2], ["k": "x", "v": 9]]
        #expect(schema.validate(new, replacing: old).map(\.field) == ["spec.b", "spec.l[0].v"])
        #expect(schema.validate(new).count == 4)
    }
}
