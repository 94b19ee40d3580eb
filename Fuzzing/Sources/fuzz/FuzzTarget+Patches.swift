import KubeModel
import Patching

/// Patches: an input is a document and a patch, a line each.
extension FuzzTarget {
    static func documents(_ input: [UInt8]) -> (document: JSONValue, patch: JSONValue)? {
        guard let halves = halves(input), let document = parsed(halves.first), let patch = parsed(halves.second) else {
            return nil
        }
        return (document, patch)
    }

    static func jsonPatch(_ input: [UInt8]) {
        guard let (document, patch) = documents(input) else { return }
        guard let result = try? JSONPatch.apply(patch, to: document) else { return }
        check(result.encoded().count <= 1 << 24, "a patch of \(input.count) bytes made \(result.encoded().count)")
    }

    static func mergePatch(_ input: [UInt8]) {
        guard let (document, patch) = documents(input) else { return }
        if let result = try? MergePatch.apply(patch, to: document) {
            check((try? MergePatch.apply(patch, to: result)) == result, "a merge patch changes its own result")
        }
        // RFC 7396 can't say null.
        guard !hasNull(patch) else { return }
        let moved =
            MergePatch.difference(from: document, to: patch).map { MergePatch.merge($0, into: document) } ?? document
        check(moved == patch, "the difference of \(document) and \(patch) leads to \(moved)")
    }

    static func strategicMergePatch(_ input: [UInt8]) {
        guard let (document, patch) = documents(input) else { return }
        for schema in [podLike, nil] {
            guard let result = try? StrategicMergePatch.apply(patch, to: document, schema: schema) else { continue }
            check(result.encoded().count <= 1 << 24, "a patch of \(input.count) bytes made \(result.encoded().count)")
        }
    }

    static func jsonPointer(_ input: [UInt8]) {
        let text = String(decoding: input, as: UTF8.self)
        let document: JSONValue = ["a": ["b": [1, 2, ["c": true]]], "": 0, "~": [:], "/": []]
        for operation in ["add", "remove", "replace", "test", "move", "copy"] {
            let step: JSONValue = ["op": .string(operation), "path": .string(text), "from": "/a", "value": 1]
            _ = try? JSONPatch.apply([step], to: document)
            let back: JSONValue = ["op": .string(operation), "path": "/a", "from": .string(text), "value": 1]
            _ = try? JSONPatch.apply([back], to: document)
        }
    }

    private static func hasNull(_ value: JSONValue) -> Bool {
        switch value {
        case .null: true
        case .array(let items): items.contains(where: hasNull)
        case .object(let object): object.contains { hasNull($0.value) }
        default: false
        }
    }

    /// Lists of every kind, nested.
    static let podLike: Schema? = try? Schema(json: [
        "type": "object",
        "properties": [
            "names": [
                "type": "array", "items": ["type": "string"], "x-kubernetes-list-type": "set",
                "x-kubernetes-patch-strategy": "merge",
            ],
            "atoms": ["type": "array", "items": ["type": "string"], "x-kubernetes-list-type": "atomic"],
            "map": ["type": "object", "additionalProperties": ["type": "string"]],
            "items": [
                "type": "array", "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["name"],
                "x-kubernetes-patch-strategy": "merge", "x-kubernetes-patch-merge-key": "name",
                "items": [
                    "type": "object",
                    "properties": [
                        "name": ["type": "string"], "value": ["type": "integer"],
                        "ports": [
                            "type": "array", "x-kubernetes-patch-strategy": "merge",
                            "x-kubernetes-patch-merge-key": "port",
                            "items": [
                                "type": "object",
                                "properties": ["port": ["type": "integer"], "protocol": ["type": "string"]],
                            ],
                        ],
                        "volume": [
                            "type": "object", "x-kubernetes-patch-strategy": "retainKeys",
                            "properties": ["a": ["type": "string"], "b": ["type": "string"]],
                        ],
                    ],
                ],
            ],
        ],
    ])
}
