import KubeModel
import TestSupport
import Testing

@Suite("Where metadata lies in bytes") struct MetadataSpansTests {
    private let object: JSONValue = [
        "kind": "Service", "apiVersion": "v1", "spec": ["a": [1, "}", ["x": "\"]"]]],
        "metadata": [
            "name": "web", "annotations": ["note": "a \"quoted\" {brace}, größe"], "namespace": "shop", "uid": "u-1",
            "generation": 3, "labels": ["app": "web", "tier/x": "é"], "deletionTimestamp": "2026-01-02T03:04:05Z",
        ], "status": ["metadata": ["name": "wrong"]],
    ]

    private func text(_ span: Range<Int>, _ bytes: [UInt8]) -> String { String(decoding: bytes[span], as: UTF8.self) }

    @Test func findsMetadataWithoutADocument() throws {
        let bytes = object.encoded()
        let spans = try MetadataSpans(of: bytes)
        #expect(text(spans.name, bytes) == "web" && text(spans.namespace, bytes) == "shop")
        #expect(text(spans.uid, bytes) == "u-1" && spans.resourceVersion.isEmpty)
        #expect(text(spans.labels, bytes) == #"{"app":"web","tier/x":"é"}"#)
        #expect(text(spans.start..<(spans.start + 6), bytes) == "\"name\"")
    }

    @Test func stringsWithEscapesHaveNoSpan() throws {
        let spans = try MetadataSpans(of: Array(#"{"metadata":{"name":"a\u0062","namespace":7,"uid":"u"}}"#.utf8))
        #expect(spans.name.isEmpty && spans.namespace.isEmpty && !spans.uid.isEmpty)
    }

    @Test func splicesTheResourceVersion() throws {
        for original in [object, ["metadata": [:]], ["a": 1, "metadata": ["x": .null]]] as [JSONValue] {
            let bytes = original.encoded()
            let spliced = try MetadataSpans(of: bytes).splicing(resourceVersion: 1234, into: bytes)
            var expected = original
            expected["metadata"]["resourceVersion"] = "1234"
            #expect(try JSONParser.parse(spliced) == expected)
            let spans = try MetadataSpans(of: spliced)
            #expect(text(spans.resourceVersion, spliced) == "1234")
            #expect(spans.resourceVersion.lowerBound == spans.start + MetadataSpans.versionPrefixLength)
        }
        let spaced = Array("{ \"metadata\" : { \"name\" : \"a\" } }".utf8)
        #expect(
            try JSONParser.parse(MetadataSpans(of: spaced).splicing(resourceVersion: 1, into: spaced))
                == ["metadata": ["resourceVersion": "1", "name": "a"]])
    }

    @Test(arguments: [
        "", "{", "[]", "{}", "1", "{\"metadata\":1}", "{\"metadata\":{\"name\":\"a", "{\"metadata\":{\"name\"}}",
    ])
    func refusesWhatIsNoObject(text: String) {
        #expect(throws: JSONError.self) { try MetadataSpans(of: Array(text.utf8)) }
    }

    @Test func survivesMutatedBytes() {
        var random = SeededRandom(seed: 3)
        let seed = object.encoded()
        for _ in 0..<20_000 {
            let bytes = random.mutated(seed)
            guard let spans = try? MetadataSpans(of: bytes) else { continue }  // refusing is fine, trapping is not
            #expect(spans.start <= bytes.count && spans.labels.upperBound <= bytes.count)
            _ = spans.splicing(resourceVersion: 1, into: bytes)
        }
    }
}
