import KubeModel
import Testing

@Suite struct ObjectBytesTests {
    private let object: JSONValue = [
        "kind": "Service", "apiVersion": "v1", "spec": ["a": [1, "}", ["x": "\"]"]]],
        "metadata": [
            "name": "web", "annotations": ["note": "a \"quoted\" {brace}, größe"], "namespace": "shop", "uid": "u-1",
            "generation": 3, "labels": ["app": "web", "tier/x": "é"], "deletionTimestamp": "2026-01-02T03:04:05Z",
        ], "status": ["metadata": ["name": "wrong"]],
    ]

    @Test func readsMetadataWithoutADocument() throws {
        let header = try ObjectBytes(object.encoded())
        #expect(header.name == "web" && header.namespace == "shop" && header.uid == "u-1" && header.generation == 3)
        #expect(header.labels == ["app": "web", "tier/x": "é"])
        #expect(header.deletionTimestamp == "2026-01-02T03:04:05Z")
        #expect(header.resourceVersion == nil)
    }

    @Test func splicesTheResourceVersion() throws {
        for original in [object, ["metadata": [:]], ["a": 1, "metadata": ["x": .null]]] as [JSONValue] {
            let bytes = original.encoded()
            let spliced = try ObjectBytes(bytes).splicing(resourceVersion: 1234, into: bytes)
            var expected = original
            expected["metadata"]["resourceVersion"] = "1234"
            #expect(try JSONParser.parse(spliced) == expected)
            #expect(try ObjectBytes(spliced).resourceVersion == "1234")
        }
        let spaced = Array("{ \"metadata\" : { \"name\" : \"a\" } }".utf8)
        #expect(
            try JSONParser.parse(ObjectBytes(spaced).splicing(resourceVersion: 1, into: spaced))
                == ["metadata": ["resourceVersion": "1", "name": "a"]])
    }

    @Test(arguments: [
        "", "{", "[]", "{}", "1", "{\"metadata\":1}", "{\"metadata\":{\"name\":\"a", "{\"metadata\":{\"name\"}}",
    ])
    func refusesWhatIsNoObject(text: String) {
        #expect(throws: JSONError.self) { try ObjectBytes(Array(text.utf8)) }
    }

    @Test func survivesMutatedBytes() {
        var random = SeededRandom(seed: 3)
        let seed = object.encoded()
        for _ in 0..<20_000 {
            let bytes = random.mutated(seed)
            guard let header = try? ObjectBytes(bytes) else { continue }  // refusing is fine, trapping is not
            #expect(header.metadataStart <= bytes.count)
            _ = header.splicing(resourceVersion: 1, into: bytes)
        }
    }
}
