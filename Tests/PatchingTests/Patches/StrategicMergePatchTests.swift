import KubeModel
import Patching
import Testing

@Suite("Strategic merge patches") struct StrategicMergePatchTests {
    /// `list` merges by `name`, `s` is a list of scalars that merges, `plain` is replaced, `strategy` is replaced as an
    /// object, `inner` nests the same again.
    static func schema() throws -> Schema {
        let list: JSONValue = [
            "type": "array", "x-kubernetes-patch-strategy": "merge", "x-kubernetes-patch-merge-key": "name",
            "items": [
                "type": "object",
                "properties": [
                    "name": ["type": "string"], "v": ["type": "integer"],
                    "tags": ["type": "array", "items": ["type": "string"], "x-kubernetes-patch-strategy": "merge"],
                ],
            ],
        ]
        let scalars: JSONValue = ["type": "array", "items": ["type": "string"], "x-kubernetes-patch-strategy": "merge"]
        let plain: JSONValue = ["type": "array", "items": ["type": "string"]]
        return try Schema(json: [
            "type": "object",
            "properties": [
                "list": list, "s": scalars, "plain": plain, "inner": ["type": "object", "properties": ["list": list]],
                "strategy": [
                    "type": "object", "x-kubernetes-patch-strategy": "replace",
                    "additionalProperties": ["type": "string"],
                ],
                "union": [
                    "type": "object", "x-kubernetes-patch-strategy": "retainKeys",
                    "additionalProperties": ["type": "string"],
                ],
            ],
        ])
    }

    @Test(
        arguments: [
            // Objects
            (["a": 1, "b": 2], ["a": 3, "b": .null, "c": ["d": 1, "e": .null]], ["a": 3, "c": ["d": 1]]),
            (["u": ["a": "1", "b": "2"]], ["u": ["$patch": "replace", "c": "3"]], ["u": ["c": "3"]]),
            (["u": ["a": "1"]], ["u": ["$patch": "delete"]], ["u": [:]]),
            (["u": ["a": "1"]], ["u": ["$patch": "merge", "b": "2"]], ["u": ["a": "1", "b": "2"]]),
            (["strategy": ["a": "1"]], ["strategy": ["b": "2"]], ["strategy": ["b": "2"]]),
            (
                ["union": ["type": "A", "a": "1"]], ["union": ["$retainKeys": ["type", "b"], "type": "B", "b": "2"]],
                ["union": ["type": "B", "b": "2"]]
            ),
            ([:], ["union": ["$retainKeys": ["type"], "type": "B"]], ["union": ["type": "B"]]),
            // Lists. What is new stands before what the patch does not name, as in Kubernetes.
            (["plain": ["a"]], ["plain": ["b"]], ["plain": ["b"]]),
            (["s": ["a", "b"]], ["s": ["b", "c"]], ["s": ["a", "b", "c"]]),
            (["s": ["a", "b", "c"]], ["$deleteFromPrimitiveList/s": ["b"]], ["s": ["a", "c"]]),
            (
                ["s": ["a", "b", "c"]],
                ["$deleteFromPrimitiveList/s": ["b"], "s": ["d"], "$setElementOrder/s": ["d", "a", "c"]],
                ["s": ["d", "a", "c"]]
            ),
            (
                ["list": [["name": "a", "v": 1], ["name": "b", "v": 2]]],
                ["list": [["name": "b", "v": 3], ["name": "c", "v": 4]]],
                ["list": [["name": "a", "v": 1], ["name": "b", "v": 3], ["name": "c", "v": 4]]]
            ),
            (
                ["list": [["name": "a", "v": 1], ["name": "b"]]], ["list": [["name": "a", "$patch": "delete"]]],
                ["list": [["name": "b"]]]
            ),
            (
                ["list": [["name": "a", "v": 1]]], ["list": [["$patch": "replace"], ["name": "z"]]],
                ["list": [["name": "z"]]]
            ),
            (["list": [["name": "a", "v": 1]]], ["list": [["name": "a", "v": .null]]], ["list": [["name": "a"]]]),
            (
                ["list": [["name": "a", "tags": ["x"]]]], ["list": [["name": "a", "tags": ["y"]]]],
                ["list": [["name": "a", "tags": ["y", "x"]]]]
            ),
            (
                ["list": [["name": "a"], ["name": "b"], ["name": "c"]]],
                ["$setElementOrder/list": [["name": "c"], ["name": "a"]], "list": [["name": "c", "v": 1]]],
                ["list": [["name": "b"], ["name": "c", "v": 1], ["name": "a"]]]
            ),
            (
                ["list": [["name": "a"], ["name": "b"]]], ["$setElementOrder/list": [["name": "b"], ["name": "a"]]],
                ["list": [["name": "b"], ["name": "a"]]]
            ),
            (
                ["inner": ["list": [["name": "a"]]]], ["inner": ["list": [["name": "b"]]]],
                ["inner": ["list": [["name": "b"], ["name": "a"]]]]
            ),
            (
                [:], ["list": [["name": "a", "v": .null], ["name": "b", "$patch": "delete"]]], ["list": [["name": "a"]]]
            ),
            (["list": .null], ["list": [["name": "a"]]], ["list": [["name": "a"]]]),
        ] as [(JSONValue, JSONValue, JSONValue)])
    func applies(document: JSONValue, patch: JSONValue, expected: JSONValue) throws {
        let result = try StrategicMergePatch.apply(patch, to: document, schema: Self.schema())
        #expect(result == expected)
    }

    @Test(
        arguments: [
            (["u": ["a": 1]], ["u": ["$patch": "explode"]]), (["list": [["name": "a"]]], ["list": [["v": 1]]]),
            (["list": [["name": "a"]]], ["list": [["$patch": "delete"]]]),
            (["list": [["name": "a"]]], ["list": [["$patch": "merge", "name": "a"]]]),
            (["union": ["a": "1"]], ["union": ["$retainKeys": ["b"], "c": "2"]]),
            (
                ["list": [["name": "a"], ["name": "b"]]],
                ["$setElementOrder/list": [["name": "a"], ["name": "b"]], "list": [["name": "b"], ["name": "a"]]]
            ),
            ([:], [1]), (["s": ["a"]], ["$deleteFromPrimitiveList/s": "a"]),
        ] as [(JSONValue, JSONValue)])
    func refusesBadPatches(document: JSONValue, patch: JSONValue) throws {
        let schema = try Self.schema()
        #expect { try StrategicMergePatch.apply(patch, to: document, schema: schema) } throws: {
            ($0 as? PatchError)?.code == .malformed
        }
    }

    @Test func worksWithoutASchema() throws {
        let result = try StrategicMergePatch.apply(
            ["a": ["b": 2], "l": [2]], to: ["a": ["c": 1], "l": [1]], schema: nil)
        #expect(result == ["a": ["b": 2, "c": 1], "l": [2]])
    }
}
