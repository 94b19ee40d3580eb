import KubeModel
import Patching
import TestSupport
import Testing

@Suite("JSON patches and merge patches") struct PatchTests {
    // RFC 6902, appendix A, and the corners of RFC 6901.
    @Test(
        arguments: [
            (["foo": "bar"], [["op": "add", "path": "/baz", "value": "qux"]], ["baz": "qux", "foo": "bar"]),
            (
                ["foo": ["bar", "baz"]], [["op": "add", "path": "/foo/1", "value": "qux"]],
                ["foo": ["bar", "qux", "baz"]]
            ),
            (["baz": "qux", "foo": "bar"], [["op": "remove", "path": "/baz"]], ["foo": "bar"]),
            (["foo": ["bar", "qux", "baz"]], [["op": "remove", "path": "/foo/1"]], ["foo": ["bar", "baz"]]),
            (["baz": "qux"], [["op": "replace", "path": "/baz", "value": "boo"]], ["baz": "boo"]),
            (
                ["foo": ["bar": "baz", "waldo": "fred"], "qux": ["corge": "grault"]],
                [["op": "move", "from": "/foo/waldo", "path": "/qux/thud"]],
                ["foo": ["bar": "baz"], "qux": ["corge": "grault", "thud": "fred"]]
            ),
            (
                ["foo": ["all", "grass", "cows", "eat"]], [["op": "move", "from": "/foo/1", "path": "/foo/3"]],
                ["foo": ["all", "cows", "eat", "grass"]]
            ),
            (
                ["baz": "qux", "foo": ["a", 2, "c"]],
                [["op": "test", "path": "/baz", "value": "qux"], ["op": "test", "path": "/foo/1", "value": 2]],
                ["baz": "qux", "foo": ["a", 2, "c"]]
            ),
            (
                ["foo": "bar"], [["op": "add", "path": "/child", "value": ["grandchild": [:]]]],
                ["foo": "bar", "child": ["grandchild": [:]]]
            ),
            (
                ["foo": "bar"], [["op": "add", "path": "/baz", "value": "qux", "xyz": 123]],
                ["foo": "bar", "baz": "qux"]
            ),
            (["/": 9, "~1": 10], [["op": "test", "path": "/~01", "value": 10]], ["/": 9, "~1": 10]),
            (
                ["foo": ["bar"]], [["op": "add", "path": "/foo/-", "value": ["abc", "def"]]],
                ["foo": ["bar", ["abc", "def"]]]
            ),
            (["a": 1], [["op": "replace", "path": "", "value": ["b": 2]]], ["b": 2]),
            (
                ["a": ["b": 1]],
                [["op": "copy", "from": "/a", "path": "/c"], ["op": "replace", "path": "/c/b", "value": 2]],
                ["a": ["b": 1], "c": ["b": 2]]
            ),
            (["a": 1], [["op": "add", "path": "/a", "value": .null]], ["a": .null]),
            (["a": .null], [["op": "test", "path": "/a", "value": .null]], ["a": .null]),
            (["a": 1], [["op": "move", "from": "/a", "path": "/a"]], ["a": 1]),
            (["": ["": 1]], [["op": "replace", "path": "//", "value": 2]], ["": ["": 2]]),
            (["a": 1.0], [["op": "test", "path": "/a", "value": 1]], ["a": 1]),
        ] as [(JSONValue, JSONValue, JSONValue)])
    func jsonPatchApplies(document: JSONValue, patch: JSONValue, expected: JSONValue) throws {
        #expect(try JSONPatch.apply(patch, to: document) == expected)
    }

    @Test(
        arguments: [
            (["baz": "qux"], [["op": "test", "path": "/baz", "value": "bar"]], .doesNotApply),
            (["foo": "bar"], [["op": "add", "path": "/baz/bat", "value": "qux"]], .doesNotApply),
            (["/": 9, "~1": 10], [["op": "test", "path": "/~01", "value": "10"]], .doesNotApply),
            (["a": [1]], [["op": "add", "path": "/a/2", "value": 1]], .doesNotApply),
            (["a": [1]], [["op": "add", "path": "/a/01", "value": 1]], .doesNotApply),
            (["a": [1]], [["op": "remove", "path": "/a/-"]], .doesNotApply),
            (["a": [1]], [["op": "replace", "path": "/a/1", "value": 1]], .doesNotApply),
            (["a": [1]], [["op": "add", "path": "/a/-1", "value": 1]], .doesNotApply),
            (["a": 1], [["op": "remove", "path": "/b"]], .doesNotApply),
            (["a": ["b": 1]], [["op": "move", "from": "/a", "path": "/a/c"]], .doesNotApply),
            ([:], [["op": "test", "path": "/a", "value": .null]], .doesNotApply),
            ([:], ["op": "add"], .malformed), ([:], [["path": "/a"]], .doesNotApply), ([:], [1], .malformed),
            ([:], [["op": "spam", "path": "/a"]], .doesNotApply), ([:], [["op": "add", "path": "/a"]], .doesNotApply),
            ([:], [["op": "add", "path": "a", "value": 1]], .doesNotApply),
            ([:], [["op": "add", "path": "/~2", "value": 1]], .doesNotApply),
            ([:], [["op": "move", "path": "/a"]], .doesNotApply),
            ([:], .array(Array(repeating: ["op": "add", "path": "/a", "value": 1], count: 10_001)), .tooLarge),
        ] as [(JSONValue, JSONValue, PatchError.Code)])
    func jsonPatchRefuses(document: JSONValue, patch: JSONValue, code: PatchError.Code) {
        #expect { try JSONPatch.apply(patch, to: document) } throws: { ($0 as? PatchError)?.code == code }
    }

    @Test func jsonPatchBoundsItsCost() {
        let doubling = JSONValue.array(Array(repeating: ["op": "copy", "from": "", "path": "/a"], count: 200))
        #expect { try JSONPatch.apply(doubling, to: ["x": 1]) } throws: { ($0 as? PatchError) != nil }
        var nesting: [JSONValue] = []
        for _ in 0..<4000 {
            nesting.append(["op": "add", "path": "/w", "value": [:]])
            nesting.append(["op": "move", "from": "/a", "path": "/w/a"])
            nesting.append(["op": "move", "from": "/w", "path": "/a"])
        }
        #expect { try JSONPatch.apply(.array(Array(nesting.prefix(9000))), to: ["a": 1]) } throws: {
            ($0 as? PatchError)?.code == .doesNotApply
        }
        let wide = JSONValue.array(Array(repeating: 1, count: 100_000))
        let shifts = JSONValue.array(Array(repeating: ["op": "add", "path": "/0", "value": 0], count: 10_000))
        #expect { try JSONPatch.apply(shifts, to: wide) } throws: { ($0 as? PatchError)?.code == .tooLarge }
        // Every move takes a member from before many others, or carries many along.
        let members = JSONObject((0..<20_000).map { ("k\($0)", JSONValue.integer(Int64($0))) })
        let moves = (0..<9000).map {
            ["op": "move", "from": .string("/k\($0)"), "path": .string("/m\($0)")] as JSONValue
        }
        let carried = (0..<9000).map { index -> JSONValue in
            ["op": "move", "from": .string("/m\(index)"), "path": .string("/m\(index + 1)")]
        }
        let copies = (0..<9000).map { index -> JSONValue in
            ["op": "copy", "from": "/m0/k0", "path": .string("/m0/c\(index)")]
        }
        let costly: [([JSONValue], JSONValue)] = [(moves, .object(members)), (carried, ["m0": .object(members)])]
        for (patch, document) in costly {
            #expect { try JSONPatch.apply(.array(patch), to: document) } throws: { error in
                guard let error = error as? PatchError else { return false }
                return error.code == .tooLarge && error.message.contains("more than 4000000 members")
            }
        }
        #expect(throws: Never.self) { try JSONPatch.apply(.array(copies), to: ["m0": .object(members)]) }
    }

    @Test func aMemberThatIsRemovedFromALargeObjectLeavesTheOthersWhereTheyAre() throws {
        var object = JSONObject((0..<40).map { ("k\($0)", JSONValue.integer(Int64($0))) })
        for (key, count) in [("k39", 39), ("k0", 38), ("k20", 37), ("k38", 36)] {
            object[key] = nil
            #expect(object.count == count)
            #expect(object[key] == nil)
            for (key, value) in object { #expect(object[key] == value) }
        }
        object["k39"] = "new"
        #expect(object["k39"] == "new")
        #expect(object.keys.last == "k39")
    }

    // RFC 7386, appendix A.
    @Test(
        arguments: [
            (["a": "b"], ["a": "c"], ["a": "c"]), (["a": "b"], ["b": "c"], ["a": "b", "b": "c"]),
            (["a": "b"], ["a": .null], [:]),
            (["a": "b", "b": "c"], ["a": .null], ["b": "c"]), (["a": ["b"]], ["a": "c"], ["a": "c"]),
            (["a": "c"], ["a": ["b"]], ["a": ["b"]]),
            (["a": ["b": "c"]], ["a": ["b": "d", "c": .null]], ["a": ["b": "d"]]),
            (["a": [["b": "c"]]], ["a": [1]], ["a": [1]]),
            (["a", "b"], ["c", "d"], ["c", "d"]), (["a": "b"], ["c"], ["c"]), (["a": "foo"], .null, .null),
            (["a": "foo"], "bar", "bar"),
            (["e": .null], ["a": 1], ["e": .null, "a": 1]), ([1, 2], ["a": "b", "c": .null], ["a": "b"]),
            ([:], ["a": ["bb": ["ccc": .null]]], ["a": ["bb": [:]]]),
        ] as [(JSONValue, JSONValue, JSONValue)])
    func mergePatchMerges(document: JSONValue, patch: JSONValue, expected: JSONValue) {
        #expect(MergePatch.merge(patch, into: document) == expected)
    }

    @Test func mergePatchForObjects() throws {
        #expect { try MergePatch.apply([1], to: [:]) } throws: { ($0 as? PatchError)?.code == .malformed }
        let old: JSONValue = ["a": 1, "b": ["c": 2, "d": [1, 2]], "e": "x"]
        let new: JSONValue = ["a": 1, "b": ["c": 3, "d": [1]], "f": [:]]
        let patch = try #require(MergePatch.difference(from: old, to: new))
        #expect(patch == ["b": ["c": 3, "d": [1]], "f": [:], "e": .null])
        #expect(try MergePatch.apply(patch, to: old) == new)
        #expect(MergePatch.difference(from: old, to: old) == nil)
    }

    @Test func survivesMutatedPatches() throws {
        var random = SeededRandom(seed: 0xfa7c4)
        let document: JSONValue = [
            "a": ["b": [1, 2, ["c": "d"]], "x": .null], "list": [["name": "a", "v": 1], ["name": "b"]],
            "s": ["p", "q"],
        ]
        let seeds = [
            #"[{"op":"add","path":"/a/b/1","value":{"k":[]}},{"op":"move","from":"/a/b","path":"/list/0"},{"op":"copy","from":"","path":"/a/x"},{"op":"test","path":"/s/0","value":"p"},{"op":"remove","path":"/list/1"}]"#,
            #"{"a":{"b":null,"x":{"$patch":"replace","y":1}},"list":[{"name":"a","$patch":"delete"},{"name":"c","v":null}],"$setElementOrder/list":[{"name":"c"},{"name":"b"}],"$deleteFromPrimitiveList/s":["q"],"$retainKeys":["a","list","s"]}"#,
        ]
        let schema = try StrategicMergePatchTests.schema()
        for seed in seeds {
            for _ in 0..<8000 {
                guard let patch = try? JSONParser.parse(random.mutated(Array(seed.utf8))) else { continue }  // no JSON
                _ = try? JSONPatch.apply(patch, to: document)  // any outcome is fine, trapping is not
                _ = try? MergePatch.apply(patch, to: document)  // as above
                _ = try? StrategicMergePatch.apply(patch, to: document, schema: schema)  // as above
            }
        }
    }
}
