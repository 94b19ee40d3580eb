import KubeModel
import Testing

@testable import Patching

@Suite("Sets of fields") struct FieldSetTests {
    private func set(_ text: String) throws -> FieldSet {
        try FieldSet(fieldsV1: Array(text.utf8))
    }

    private func text(_ set: FieldSet) -> String {
        String(decoding: set.fieldsV1, as: UTF8.self)
    }

    @Test(arguments: [
        "{}", #"{"f:a":{}}"#, #"{"f:a":{".":{},"f:b":{}}}"#, #"{"f:a":{"f:b":{},"f:c":{}}}"#,
        #"{"f:ports":{".":{},"k:{\"port\":80,\"protocol\":\"TCP\"}":{".":{},"f:port":{}}}}"#,
        #"{"f:finalizers":{".":{},"v:\"a/b\"":{}},"f:list":{"i:0":{},"i:2":{}}}"#,
    ])
    func `FieldsV1 reads back as it was written`(document: String) throws {
        #expect(text(try set(document)) == document)
    }

    @Test func `elements sort by kind and value`() throws {
        let mixed =
            #"{"i:10":{},"i:9":{},"v:\"b\"":{},"v:\"a\"":{},"k:{\"port\":443}":{},"k:{\"port\":80}":{},"f:b":{},"f:a":{}}"#
        let sorted =
            #"{"f:a":{},"f:b":{},"k:{\"port\":80}":{},"k:{\"port\":443}":{},"v:\"a\"":{},"v:\"b\"":{},"i:9":{},"i:10":{}}"#
        #expect(text(try set(mixed)) == sorted)
    }

    @Test func `keys are put in order, and unknown elements passed over`() throws {
        #expect(
            text(try set(#"{"k:{\"protocol\":\"TCP\",\"port\":80}":{},"x:later":{"f:a":{}}}"#))
                == #"{"k:{\"port\":80,\"protocol\":\"TCP\"}":{}}"#)
    }

    @Test(arguments: [
        "", "[]", "{", #"{"f:a"}"#, #"{"f:a":1}"#, #"{"f:a":{}"#, #"{"k:{":{}}"#, #"{"i:x":{}}"#, #"{"v:":{}}"#,
        #"{"noColon":{}}"#, String(repeating: #"{"f:a":"#, count: 300) + "{}" + String(repeating: "}", count: 300),
    ])
    func `what is no FieldsV1 is refused`(document: String) {
        #expect(throws: FieldsV1Error.self) { try set(document) }
    }

    @Test(arguments: [
        // left, right, union, difference, intersection
        (#"{"f:a":{}}"#, #"{"f:b":{}}"#, #"{"f:a":{},"f:b":{}}"#, #"{"f:a":{}}"#, "{}"),
        (
            #"{"f:a":{".":{},"f:x":{}}}"#, #"{"f:a":{}}"#, #"{"f:a":{".":{},"f:x":{}}}"#, #"{"f:a":{"f:x":{}}}"#,
            #"{"f:a":{}}"#
        ),
        (#"{"f:a":{"f:x":{}}}"#, #"{"f:a":{"f:x":{}}}"#, #"{"f:a":{"f:x":{}}}"#, "{}", #"{"f:a":{"f:x":{}}}"#),
        (
            #"{"f:a":{"f:x":{},"f:y":{}},"f:b":{}}"#, #"{"f:a":{"f:y":{},"f:z":{}}}"#,
            #"{"f:a":{"f:x":{},"f:y":{},"f:z":{}},"f:b":{}}"#, #"{"f:a":{"f:x":{}},"f:b":{}}"#, #"{"f:a":{"f:y":{}}}"#
        ),
        ("{}", #"{"f:a":{}}"#, #"{"f:a":{}}"#, "{}", "{}"),
    ])
    func `sets combine path by path`(
        left: String, right: String, union: String, difference: String, intersection: String
    ) throws {
        let (a, b) = (try set(left), try set(right))
        #expect(text(a.union(b)) == union)
        #expect(text(b.union(a)) == union)
        #expect(text(a.subtracting(b)) == difference)
        #expect(text(a.intersection(b)) == intersection)
        #expect(a.intersects(b) == (intersection != "{}"))
        #expect(a.union(b).isSuperset(of: b))
        #expect(a.isSuperset(of: b) == (a.union(b) == a))
    }

    @Test func `a tree can be taken out with its root`() throws {
        let fields = try set(#"{"f:spec":{"f:a":{}},"f:status":{".":{},"f:x":{"f:y":{}}}}"#)
        #expect(text(fields.subtractingTrees(FieldSet(fields: [["status"]]))) == #"{"f:spec":{"f:a":{}}}"#)
    }

    @Test func `paths are written as messages have them`() throws {
        let fields = try set(
            #"{"f:spec":{"f:ports":{"k:{\"port\":80,\"protocol\":\"TCP\"}":{"f:targetPort":{}}},"f:x":{}},"f:l":{"v:\"a\"":{},"i:3":{}}}"#
        )
        #expect(
            fields.paths.map { $0.map(\.pathText).joined() } == [
                ".l[=\"a\"]", ".l[3]", ".spec.x", #".spec.ports[port=80,protocol="TCP"].targetPort"#,
            ])
        #expect(fields.count == 4)
    }
}
