import KubeModel
import Testing

@testable import APIResources
@testable import APIServer

@Suite("Documents in protobuf") struct ProtobufDocumentTests {
    /// A field of bytes or text.
    private func field(_ number: UInt8, _ bytes: [UInt8]) -> [UInt8] {
        let tag = UInt16(number) << 3 | 2
        let head = tag < 128 ? [UInt8(tag)] : [UInt8(tag & 0x7f) | 0x80, UInt8(tag >> 7)]
        return head + [UInt8(bytes.count)] + bytes
    }

    private func envelope(_ apiVersion: String, _ kind: String, _ raw: [UInt8]) -> [UInt8] {
        Array("k8s\0".utf8) + field(1, field(1, Array(apiVersion.utf8)) + field(2, Array(kind.utf8))) + field(2, raw)
    }

    @Test func messagesBecomeDocuments() throws {
        let metadata =
            field(1, Array("web".utf8)) + field(2, []) + field(8, [])
            + field(11, field(1, Array("a".utf8)) + field(2, Array("b".utf8)))
        let port = field(1, []) + [3 << 3, 80] + field(4, [1 << 3, 1] + [2 << 3, 0] + field(3, Array("http".utf8)))
        let spec = field(1, port) + field(3, []) + [12 << 3, 0] + field(17, Array("SingleStack".utf8))
        let body = envelope("v1", "Service", field(1, metadata) + field(2, spec) + field(3, field(1, [])))
        let document = try ProtobufDocument.parse(body)
        #expect(
            document == [
                "apiVersion": "v1", "kind": "Service", "metadata": ["name": "web", "labels": ["a": "b"]],
                "spec": ["ports": [["port": 80, "targetPort": "http"]], "ipFamilyPolicy": "SingleStack"],
            ])
    }

    @Test func bytesAndPointersAreKept() throws {
        let entry = field(1, Array("k".utf8)) + field(2, [0xff, 0])
        let body = envelope("v1", "Secret", field(2, entry) + [5 << 3, 0])
        #expect(
            try ProtobufDocument.parse(body) == [
                "apiVersion": "v1", "kind": "Secret", "data": ["k": "/wA="], "immutable": false,
            ])
    }

    /// A field of bytes of any length.
    private func long(_ number: UInt64, _ bytes: [UInt8]) -> [UInt8] {
        var writer = ProtobufWriter()
        writer.bytes(bytes, number)
        return writer.buffer
    }

    private func definition(_ schema: [UInt8]) -> [UInt8] {
        Array("k8s\0".utf8)
            + long(1, long(1, Array("apiextensions.k8s.io/v1".utf8)) + long(2, Array("CustomResourceDefinition".utf8)))
            + long(2, long(2, long(7, long(1, Array("v1".utf8)) + long(4, long(1, schema)))))
    }

    @Test(arguments: [60, 1_800, 5_000])
    func `a body is refused that nests deeper than JSON may`(levels: Int) throws {
        var negated: [UInt8] = []
        var properties: [UInt8] = []
        for _ in 0..<levels {
            negated = long(28, negated)
            properties = long(5, Array("object".utf8)) + long(29, long(1, [0x61]) + long(2, properties))
        }
        for schema in [negated, properties] where levels > 60 || schema == properties {
            let error = #expect(throws: ProtobufDocument.Malformed.self) {
                try ProtobufDocument.parse(definition(schema))
            }
            #expect(error?.message == "exceeded max depth")
        }
    }

    @Test func `a deep body is taken as far as JSON could say it`() throws {
        var schema: [UInt8] = []
        for _ in 0..<90 { schema = long(28, schema) }
        let document = try #require(try ProtobufDocument.parse(definition(schema)))
        #expect(try JSONParser.parse(document.encoded()) == document)
    }

    @Test func `a hundred thousand elements and entries are gathered once each`() throws {
        let one = long(2, [])
        var containers: [UInt8] = []
        var labels: [UInt8] = []
        for index in 0..<100_000 {
            containers += one
            labels += long(11, long(1, Array("l\(index)".utf8)) + long(2, [0x62]))
        }
        let pod = try ProtobufDocument.parse(
            Array("k8s\0".utf8) + long(1, long(1, Array("v1".utf8)) + long(2, Array("Pod".utf8)))
                + long(2, long(1, labels) + long(2, containers)))
        #expect(pod["spec"]["containers"].array?.count == 100_000)
        #expect(pod["metadata"]["labels"].object?.count == 100_000)
    }

    @Test func `the pieces of a message add to each other`() throws {
        let body = envelope(
            "v1", "ConfigMap",
            field(1, field(1, Array("a".utf8)))
                + field(1, field(11, field(1, Array("k".utf8)) + field(2, Array("v".utf8)))))
        #expect(try ProtobufDocument.parse(body)?["metadata"] == ["name": "a", "labels": ["k": "v"]])
    }

    @Test func `a body that does not say what it is counts as what is expected`() throws {
        let body = Array("k8s\0".utf8) + field(2, field(1, field(1, Array("a".utf8))))
        let kind = GroupVersionKind(group: "", version: "v1", kind: "ConfigMap")
        #expect(try ProtobufDocument.parse(body, kind: kind)?["kind"] == "ConfigMap")
        #expect(try ProtobufDocument.parse(body) == nil)
        #expect(throws: ProtobufDocument.Malformed.self) {
            try ProtobufDocument.parse(Array("k8s\0".utf8) + [0x02, 0x00])
        }
    }

    @Test func unknownKindsAreNotGuessed() throws {
        #expect(try ProtobufDocument.parse(envelope("example.org/v1", "Widget", [])) == nil)
    }

    @Test func everyMessageThatIsNamedIsThere() {
        for fields in ProtobufFields.messages.values {
            for field in fields.values {
                if case .message(let name) = field.shape { #expect(ProtobufFields.messages[name] != nil, "\(name)") }
            }
        }
        for name in ProtobufFields.kinds.values { #expect(ProtobufFields.messages[name] != nil, "\(name)") }
    }

    @Test func quantitiesMapsOfThemAndJSONAreRead() throws {
        let amount = field(1, Array("cpu".utf8)) + field(2, field(1, Array("500m".utf8)))
        let container = field(1, Array("a".utf8)) + field(8, field(1, amount)) + field(15, [])
        let pod = envelope("v1", "Pod", field(2, field(2, container) + [4 << 3, 0]))
        #expect(
            try ProtobufDocument.parse(pod) == [
                "apiVersion": "v1", "kind": "Pod",
                "spec": [
                    "containers": [["name": "a", "resources": ["limits": ["cpu": "500m"]], "securityContext": [:]]],
                    "terminationGracePeriodSeconds": 0,
                ],
            ])
        let data = field(1, Array("{\"a\":[1]}".utf8))
        let revision = try ProtobufDocument.parse(
            envelope("apps/v1", "ControllerRevision", field(2, data) + [3 << 3, 7]))
        #expect(revision?["data"] == ["a": [1]] && revision?["revision"] == 7)
        #expect(throws: ProtobufDocument.Malformed.self) {
            try ProtobufDocument.parse(envelope("apps/v1", "ControllerRevision", field(2, field(1, [0x7b]))))
        }
    }

    /// Both tables say what the API's types are: a field that one spells otherwise would be lost without a word.
    @Test func everyFieldIsOneOfTheSchema() throws {
        let documents = try EmbeddedDocuments.all.map { try OpenAPIDocument(name: $0.path, encoded: $0.bytes) }
        let registry = try SchemaRegistry(documents: documents)
        var visited: Set<String> = []
        func compare(_ message: String, _ schema: Schema, _ path: String) {
            // What is stored as given has no properties to compare with.
            guard !schema.propertyNames.isEmpty, visited.insert(message).inserted else { return }
            for field in (ProtobufFields.messages[message] ?? [:]).values {
                guard case .message(let inner) = field.shape else {
                    #expect(schema.property(field.name) != nil, "\(path).\(field.name)")
                    continue
                }
                if field.isInline {
                    compare(inner, schema, path)
                } else if let next = schema.property(field.name) {
                    compare(inner, field.isRepeated ? next.items ?? next : next, "\(path).\(field.name)")
                } else {
                    Issue.record("\(path).\(field.name)")
                }
            }
        }
        for (name, message) in ProtobufFields.kinds {
            let parts = name.split(separator: "/").map(String.init)
            let kind = GroupVersionKind(
                group: parts.count > 2 ? parts[0] : "", version: parts[parts.count - 2], kind: parts[parts.count - 1])
            if let schema = registry.schema(for: kind) { compare(message, schema, name) }
        }
        #expect(visited.count > 150)
    }

    @Test func damagedBodiesAreRefused() {
        let whole = envelope("v1", "ConfigMap", field(1, field(1, Array("a".utf8))))
        for count in 0..<whole.count {
            // Anything but a trap: a cut may leave a valid, shorter message.
            _ = try? ProtobufDocument.parse(Array(whole.prefix(count)))
        }
        #expect(throws: ProtobufDocument.Malformed.self) { try ProtobufDocument.parse([1, 2, 3]) }
        #expect(throws: ProtobufDocument.Malformed.self) {
            try ProtobufDocument.parse(Array("k8s\0".utf8) + [0x12, 0x7f])
        }
    }

    @Test func protobufCreatesWork() async throws {
        let server = try await TestServer()
        let body = envelope(
            "v1", "ConfigMap",
            field(1, field(1, Array("p".utf8))) + field(2, field(1, Array("x".utf8)) + field(2, Array("y".utf8))))
        let created = await server.sendBytes(
            "POST", Samples.configMaps, body, contentType: "application/vnd.kubernetes.protobuf",
            accept: "application/vnd.kubernetes.protobuf,application/json")
        #expect(created.status == 201, "\(created.text)")
        #expect(created.header("Content-Type") == "application/vnd.kubernetes.protobuf")
        #expect(try ProtobufDocument.parse(created.body)?["data"]["x"] == "y")
    }
}
