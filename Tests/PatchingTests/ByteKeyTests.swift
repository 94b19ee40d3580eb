import Testing

@testable import KubeModel
@testable import Patching

/// Texts that Unicode holds equal are two keys to Kubernetes.
@Suite("Keys are told apart by their bytes") struct ByteKeyTests {
    private static let composed = "\u{e9}"
    private static let decomposed = "e\u{301}"

    @Test func `keys are equal, and in order, by their bytes`() {
        #expect(ByteKey(Self.composed) != ByteKey(Self.decomposed))
        #expect(Set([ByteKey(Self.composed), ByteKey(Self.decomposed), ByteKey(Self.composed)]).count == 2)
        #expect(ByteKey("b") < ByteKey("\u{e0}") && ByteKey("Z") < ByteKey("a"))
        let object = JSONObject([("\u{ff21}", 1), ("\u{1f600}", 2), ("b", 3)]).sortedByKey()
        #expect(Array(object.keys) == ["b", "\u{ff21}", "\u{1f600}"])
    }

    @Test func `two managers own two forms of a key, and each removes its own`() throws {
        let schema = try Schema(json: ["type": "object", "additionalProperties": ["type": "integer"]])
        let context = ManagedFields.ApplyContext(schema: schema, hasZeroFields: false, apiVersion: "v1")
        func identity(_ name: String) -> FieldManagerIdentity { .init(name, .apply, apiVersion: "v1") }
        var managed = ManagedFields()
        func apply(_ configuration: JSONObject, _ live: JSONValue, _ name: String) throws -> JSONValue {
            try managed.apply(
                .object(configuration), to: live, by: identity(name), force: false, context,
                time: "2024-01-02T03:04:05Z")
        }
        var live = try apply([Self.composed: 1], [:], "one")
        live = try apply([Self.decomposed: 2], live, "two")
        #expect(live == .object([Self.composed: 1, Self.decomposed: 2]))
        managed = try ManagedFields(encoded: managed.encoded())
        live = try apply([:], live, "two")
        #expect(live == .object([Self.composed: 1]))
        live = try apply([:], live, "one")
        #expect(live == [:])
    }

    @Test func `managers are told apart by bytes`() {
        let one = FieldManagerIdentity(Self.composed, .apply, apiVersion: "v1")
        let two = FieldManagerIdentity(Self.decomposed, .apply, apiVersion: "v1")
        #expect(one != two && !one.isSame(as: two))
    }

    @Test func `pruning, merging and selecting take one form for another nowhere`() throws {
        let schema = try Schema(json: ["type": "object", "properties": [Self.composed: ["type": "string"]]])
        var document = JSONValue.object([Self.composed: "kept", Self.decomposed: "unknown"])
        #expect(schema.prune(&document) == [Self.decomposed])
        #expect(document == .object([Self.composed: "kept"]))
        let both = JSONValue.object([Self.composed: 1, Self.decomposed: 2])
        let merged = try StrategicMergePatch.apply(.object([Self.decomposed: .null]), to: both, schema: nil)
        #expect(merged == .object([Self.composed: 1]))
        let kept = try StrategicMergePatch.apply(
            .object(["$retainKeys": [.string(Self.composed)], Self.composed: 3]), to: both, schema: nil)
        #expect(kept == .object([Self.composed: 3]))
        let selector = try FieldSelector(parsing: "metadata.name=\(Self.composed)")
        #expect(selector.matches(["metadata.name": Self.composed]))
        #expect(!selector.matches(["metadata.name": Self.decomposed]))
        let yaml = "\(Self.composed): 1\n\(Self.decomposed): 2\n"
        #expect(try YAMLDocument.parse(Array(yaml.utf8)) == .object([Self.composed: 1, Self.decomposed: 2]))
    }

    @Test func `fields are in the order of their bytes`() {
        let names = ["Z", "a", "b", "\u{e0}", "\u{ff21}", "\u{1f600}"]
        let set = FieldSet(fields: names.reversed().map { [$0] })
        #expect(set.paths.map { $0.map(\.pathText).joined() } == names.map { ".\($0)" })
    }
}
