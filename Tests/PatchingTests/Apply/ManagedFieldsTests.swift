import KubeModel
import TestSupport
import Testing

@testable import Patching

@Suite("The managedFields of a document") struct ManagedFieldsTests {
    private static let early = "2026-01-01T00:00:00Z"
    private static let late = "2026-01-01T00:01:00Z"

    private func update(
        _ managed: inout ManagedFields, _ manager: String, _ old: JSONValue, _ new: JSONValue, time: String = early,
        version: String = "v1"
    ) {
        managed.recordUpdate(
            by: FieldManagerIdentity(manager, .update, apiVersion: version),
            .init(
                FieldComparison(from: old, to: new, schema: OwnershipTests.schema, hasZeroFields: true),
                apiVersion: version
            ) { _ in FieldComparison(from: old, to: new, schema: OwnershipTests.schema, hasZeroFields: true) },
            time: time)
    }

    private func apply(
        _ managed: inout ManagedFields, _ manager: String, _ configuration: JSONValue, to live: JSONValue,
        force: Bool = false, time: String = late
    ) throws(FieldConflicts) -> JSONValue {
        try managed.apply(
            configuration, to: live, by: FieldManagerIdentity(manager, .apply, apiVersion: "v1"), force: force,
            .init(schema: OwnershipTests.schema, hasZeroFields: true, apiVersion: "v1"), time: time)
    }

    private func owned(_ managed: ManagedFields, _ manager: String) -> String? {
        managed.entries.first { $0.identity.manager == manager }.map { OwnershipTests.text($0.fields) }
    }

    @Test func `an update owns what it sets and takes it from others`() {
        var managed = ManagedFields()
        update(&managed, "a", [:], ["data": ["x": "1", "y": "1"]])
        #expect(owned(managed, "a") == #"{"f:data":{".":{},"f:x":{},"f:y":{}}}"#)
        update(&managed, "b", ["data": ["x": "1", "y": "1"]], ["data": ["x": "2", "y": "1"]], time: Self.late)
        #expect(owned(managed, "a") == #"{"f:data":{".":{},"f:y":{}}}"#)
        #expect(owned(managed, "b") == #"{"f:data":{"f:x":{}}}"#)
        #expect(managed.entries.map(\.time) == [Self.early, Self.late])
        update(&managed, "c", ["data": ["x": "2", "y": "1"]], ["data": ["x": "2"]], time: Self.late)
        #expect(owned(managed, "a") == #"{"f:data":{}}"#)
        #expect(owned(managed, "c") == nil)
    }

    @Test func `who writes the same fields again owns what it owned`() throws {
        var managed = ManagedFields()
        update(&managed, "a", [:], ["data": ["x": "1", "y": "1"]])
        managed = try ManagedFields(encoded: managed.encoded())
        let before = String(decoding: managed.encoded(), as: UTF8.self)
        update(&managed, "a", ["data": ["x": "1", "y": "1"]], ["data": ["x": "2", "y": "2"]], time: Self.late)
        let after = managed.encoded()
        #expect(String(decoding: after, as: UTF8.self) == before.replacing(Self.early, with: Self.late))
        #expect(try ManagedFields(encoded: after).entries.map(\.fields) == managed.entries.map(\.fields))

        // What it removes meanwhile is gone from its text too.
        managed = try ManagedFields(encoded: after)
        update(&managed, "a", ["data": ["x": "2", "y": "2"]], ["data": ["x": "3"]], time: Self.late)
        #expect(owned(managed, "a") == #"{"f:data":{".":{},"f:x":{}}}"#)
        #expect(owned(try ManagedFields(encoded: managed.encoded()), "a") == owned(managed, "a"))
    }

    /// What Kubernetes does: everybody loses what was changed, and then the writer owns what it has set.
    @Test func `a writer owns what it owned, less what it changed, and what it set`() {
        var random = SeededRandom(seed: 0x0b0e)
        let names = ["a", "b", "c", "d"]
        func document() -> JSONValue {
            var data = JSONObject()
            for name in names where random.next() % 3 > 0 { data[name] = .string(String(random.next() % 2)) }
            var metadata: JSONObject = ["generation": .integer(Int64(random.next() % 2))]
            if random.next() % 2 == 0 { metadata["labels"] = ["x": .string(String(random.next() % 2))] }
            return ["data": .object(data), "metadata": .object(metadata)]
        }
        for _ in 0..<300 {
            var managed = ManagedFields()
            var live: JSONValue = [:]
            for step in 0..<6 {
                let manager = step % 3 == 2 ? "other" : "writer"
                let next = document()
                let comparison = FieldComparison(
                    from: live, to: next, schema: OwnershipTests.schema, hasZeroFields: true)
                let set = comparison.changed.subtracting(ManagedFields.unowned)
                var expected: [String: FieldSet] = [:]
                for entry in managed.entries {
                    expected[entry.identity.manager] = entry.fields.subtracting(comparison.added)
                        .subtracting(comparison.modified).subtracting(comparison.removed)
                }
                expected[manager] = (expected[manager] ?? FieldSet()).union(set)
                update(&managed, manager, live, next)
                let found = Dictionary(uniqueKeysWithValues: managed.entries.map { ($0.identity.manager, $0.fields) })
                #expect(found == expected.filter { !$0.value.isEmpty })
                // The kept text says the same.
                let read = try? ManagedFields(encoded: managed.encoded())
                #expect(
                    read.map { Set($0.entries.map(\.fields)) } == Set(managed.entries.map(\.fields)))
                managed = read ?? managed
                live = next
            }
        }
    }

    @Test func `nobody owns what identifies an object`() {
        var managed = ManagedFields()
        update(&managed, "a", [:], ["apiVersion": "v1", "kind": "K", "metadata": ["name": "n", "uid": "1"]])
        #expect(managed.isEmpty)
    }

    @Test func `entries are written in order and read back unchanged`() throws {
        var managed = ManagedFields()
        update(&managed, "b", [:], ["data": ["x": "1"]], time: Self.late)
        update(&managed, "a", ["data": ["x": "1"]], ["data": ["x": "1", "y": "1"]], time: Self.late)
        _ = try apply(&managed, "z", ["data": ["z": "1"]], to: ["data": ["x": "1", "y": "1"]])
        let text = managed.encoded()
        #expect(
            String(decoding: text, as: UTF8.self).hasPrefix(
                #"[{"manager":"z","operation":"Apply","apiVersion":"v1","time":"2026-01-01T00:01:00Z","fieldsType":"FieldsV1","fieldsV1":{"f:data":{"f:z":{}}}},{"manager":"a","operation":"Update""#
            ))
        var again = try ManagedFields(encoded: text)
        #expect(again.encoded() == text)
        var fromDocument = try ManagedFields(try JSONParser.parse(text).array ?? [])
        #expect(fromDocument.encoded() == text)
    }

    @Test(arguments: [
        #"[{"operation":"Other","apiVersion":"v1","fieldsType":"FieldsV1"}]"#,
        #"[{"operation":"Apply","fieldsType":"FieldsV1"}]"#, #"[{"operation":"Apply","apiVersion":"v1"}]"#,
        #"[{"operation":"Apply","apiVersion":"v1","fieldsType":"FieldsV2"}]"#,
        #"[{"operation":"Apply","apiVersion":"v1","fieldsType":"FieldsV1","fieldsV1":{"k:{":{}}}]"#,
    ])
    func `entries that say nothing are refused`(text: String) {
        #expect(throws: FieldsV1Error.self) { try ManagedFields(encoded: Array(text.utf8)) }
    }

    @Test func `of too many managers by update the oldest are merged`() {
        var managed = ManagedFields()
        var document: JSONValue = [:]
        for index in 0..<12 {
            var next = document
            next["data"]["k\(index)"] = "v"
            update(
                &managed, "m\(index)", document, next, time: "2026-01-01T00:00:\(index < 10 ? "0" : "")\(index)Z")
            document = next
        }
        #expect(managed.entries.count == 10)
        #expect(owned(managed, "ancient-changes") == #"{"f:data":{".":{},"f:k0":{},"f:k1":{},"f:k2":{}}}"#)
        #expect(owned(managed, "m3") != nil)
        #expect(managed.entries.first { $0.identity.manager == "ancient-changes" }?.time == "2026-01-01T00:00:02Z")
    }

    @Test func `applying takes nothing from others unless forced`() throws {
        var managed = ManagedFields()
        let live = try apply(&managed, "a", ["data": ["x": "1", "y": "1"]], to: [:])
        var copy = managed
        let error = #expect(throws: FieldConflicts.self) {
            try apply(&copy, "b", ["data": ["x": "2", "y": "2", "z": "2"]], to: live)
        }
        #expect(error?.conflicts.map(\.field) == [".data.x", ".data.y"])
        #expect(error?.message == "Apply failed with 2 conflicts: conflicts with \"a\":\n- .data.x\n- .data.y")
        let forced = try apply(&managed, "b", ["data": ["x": "2"]], to: live, force: true)
        #expect(forced == ["data": ["x": "2", "y": "1"]])
        #expect(owned(managed, "a") == #"{"f:data":{"f:y":{}}}"#)
        #expect(owned(managed, "b") == #"{"f:data":{"f:x":{}}}"#)
    }

    @Test func `the same value may have several owners`() throws {
        var managed = ManagedFields()
        let live = try apply(&managed, "a", ["data": ["x": "1"]], to: [:])
        let same = try apply(&managed, "b", ["data": ["x": "1"]], to: live)
        #expect(same == live)
        let left = try apply(&managed, "a", ["data": ["y": "1"]], to: live)
        #expect(left == ["data": ["x": "1", "y": "1"]])
        let gone = try apply(&managed, "b", [:], to: left)
        #expect(gone == ["data": ["y": "1"]])
        #expect(owned(managed, "b") == nil)
    }

    @Test func `what is no longer applied goes, unless somebody else has it`() throws {
        var managed = ManagedFields()
        let first: JSONValue = [
            "spec": [
                "ports": [["port": 80, "name": "a"], ["port": 81, "name": "b"]], "set": ["p", "q"], "text": "t",
                "deep": ["a": "1"],
            ]
        ]
        var live = try apply(&managed, "a", first, to: [:])
        let before = live
        live["spec"]["ports"][0]["targetPort"] = 8080
        live["spec"]["ports"][1]["targetPort"] = 8081
        live["spec"]["set"] = ["p", "q", "r"]
        update(&managed, "b", before, live, time: Self.late)
        let wanted: JSONValue = ["spec": ["ports": [["port": 80, "name": "a"]], "set": ["q"]]]
        let result = try apply(&managed, "a", wanted, to: live)
        #expect(
            result == [
                "spec": [
                    // Nobody but the applier has asked for the other port to be there.
                    "ports": [["port": 80, "name": "a", "targetPort": 8080]], "set": ["q", "r"],
                ]
            ])
    }

    @Test func `an apply that changes nothing keeps its time`() throws {
        var managed = ManagedFields()
        let live = try apply(&managed, "a", ["data": ["x": "1"]], to: [:], time: Self.early)
        let before = managed.encoded()
        _ = try apply(&managed, "a", ["data": ["x": "1"]], to: live, time: Self.late)
        #expect(managed.encoded() == before)
        _ = try apply(&managed, "a", ["data": ["x": "2"]], to: live, time: Self.late)
        #expect(managed.entries[0].time == Self.late)
    }

    @Test(arguments: [
        ("kubectl/v1.32.4 (linux/amd64) kubernetes/abc", "kubectl"), ("curl", "curl"), ("", "unknown"),
        ("a\u{7}b/1", "ab"), ("/x", "unknown"),
    ])
    func `a manager is named by the beginning of its User-Agent`(agent: String, name: String) {
        #expect(FieldManagerIdentity.name(userAgent: agent) == name)
        #expect(FieldManagerIdentity.name(userAgent: nil) == "unknown")
        #expect(FieldManagerIdentity.name(userAgent: String(repeating: "é", count: 100)).utf8.count == 128)
    }
}
