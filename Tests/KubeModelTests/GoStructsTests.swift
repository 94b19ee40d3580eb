import Testing

@testable import KubeModel

/// Which members vanish where they say nothing.
@Suite struct `Zero values of Go structs` {
    private static func registry() throws -> SchemaRegistry {
        let text: JSONValue = ["type": "string"]
        let inner: JSONValue = ["$ref": "#/components/schemas/a.b.Inner"]
        let root: JSONValue = [
            "type": "object", "required": ["always", "list"],
            "x-kubernetes-group-version-kind": [["group": "", "version": "v1", "kind": "Root"]],
            "properties": [
                "apiVersion": text, "kind": text, "text": text, "flag": ["type": "boolean"], "pointer": text,
                "always": text, "written": ["type": "string", "default": ""],
                "filled": ["type": "string", "default": "TCP"], "number": ["type": "integer"],
                "list": ["type": "array", "items": text], "optional": ["type": "array", "items": text],
                "map": ["type": "object", "additionalProperties": text], "one": inner,
                "many": ["type": "array", "items": inner], "named": ["type": "object", "additionalProperties": inner],
            ],
        ]
        let document: JSONValue = [
            "components": [
                "schemas": ["a.b.Root": root, "a.b.Inner": ["type": "object", "properties": ["text": text]]]
            ]
        ]
        let value = GoStructs.Member(isValue: true, inner: nil)
        let pointer = GoStructs.Member(isValue: false, inner: nil)
        let structs = GoStructs {
            $0.kind == "Root" ? "Root" : nil
        } members: { name in
            guard name == "Root" else { return ["text": value] }
            var members: [String: GoStructs.Member] = ["pointer": pointer]
            for name in ["text", "flag", "always", "written", "filled", "number", "list", "optional", "map"] {
                members[name] = value
            }
            members["one"] = GoStructs.Member(isValue: false, inner: "Inner")
            for name in ["many", "named"] { members[name] = GoStructs.Member(isValue: true, inner: "Inner") }
            return members
        }
        return try SchemaRegistry(
            documents: [OpenAPIDocument(name: "test", json: document)], structs: structs)
    }

    @Test func `of values without a pointer they go, of pointers and what is always written they stay`() throws {
        let schema = try #require(
            try Self.registry().schema(for: GroupVersionKind(group: "", version: "v1", kind: "Root")))
        let zero: JSONValue = [
            "text": "", "flag": false, "pointer": "", "always": "", "written": "", "filled": "", "number": 0,
            "list": [], "optional": [], "map": [:], "one": ["text": ""], "many": [["text": ""]],
            "named": ["a": ["text": ""]],
        ]
        var pruned = zero
        #expect(schema.prune(&pruned) == [])
        #expect(
            pruned == [
                "pointer": "", "always": "", "written": "", "list": [], "one": [:], "many": [[:]],
                "named": ["a": [:]],
            ])
        #expect(schema.fits(pruned))
        for name in ["text", "flag", "filled", "number", "optional", "map"] {
            #expect(!schema.fits(["always": "", "written": "", "list": [], name: zero[name] ?? .null]), "\(name)")
        }
    }

    @Test func `a zero of another type stays to be refused`() throws {
        let schema = try #require(
            try Self.registry().schema(for: GroupVersionKind(group: "", version: "v1", kind: "Root")))
        var document: JSONValue = ["always": "a", "text": 0, "flag": "", "map": [], "optional": [:]]
        let before = document
        _ = schema.prune(&document)
        #expect(document == before)
        #expect(!schema.mismatches(in: document).isEmpty)
    }

    @Test func `elements and entries are no members`() throws {
        let schema = try #require(
            try Self.registry().schema(for: GroupVersionKind(group: "", version: "v1", kind: "Root")))
        var document: JSONValue = ["always": "a", "list": ["", "b"], "map": ["a": ""]]
        let before = document
        _ = schema.prune(&document)
        #expect(document == before)
        #expect(schema.fits(document))
    }
}
