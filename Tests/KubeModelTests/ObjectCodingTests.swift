import KubeModel
import Testing

private struct Sample: KubeObject, Hashable {
    static let definition = ResourceDefinition(
        group: "example.com", kind: "Sample", plural: "samples", namespaced: true, hasStatus: true)

    struct Spec: Codable, Sendable, Hashable {
        struct Port: Codable, Sendable, Hashable {
            var name: String?
            var port: Int32
            var targetPort: IntOrString?
        }
        var ports: [Port]?
        var nodes: [String: Port]?
        var ratio: Double?
        var on: Bool?
        var free: JSONValue?
    }

    var metadata = ObjectMeta()
    var spec: Spec?
}

@Suite("Objects to JSON and back") struct ObjectCodingTests {
    @Test func survivesARoundTrip() throws {
        let created = Timestamp("2026-01-02T03:04:05Z")
        var sample = Sample(metadata: ObjectMeta(name: "a", namespace: "b", creationTimestamp: created))
        sample.metadata.labels = ["z": "1", "a": "2"]
        sample.metadata.finalizers = ["x/y"]
        sample.metadata.ownerReferences = [
            OwnerReference(apiVersion: "v1", kind: "K", name: "n", uid: "u", controller: true)
        ]
        sample.spec = Sample.Spec(
            ports: [.init(name: "http", port: 80, targetPort: "web"), .init(port: 81, targetPort: 8081)],
            nodes: ["n2": .init(port: 2), "n1": .init(port: 1)], ratio: 0.5, on: true, free: ["x": [1, .null]])
        let text = String(decoding: try sample.encoded(), as: UTF8.self)
        #expect(
            text == """
                {"apiVersion":"example.com/v1","kind":"Sample","metadata":{"name":"a","namespace":"b",\
                "creationTimestamp":"2026-01-02T03:04:05Z","labels":{"a":"2","z":"1"},"ownerReferences":[{"apiVersion":"v1",\
                "kind":"K","name":"n","uid":"u","controller":true}],"finalizers":["x/y"]},"spec":{"ports":[{"name":"http",\
                "port":80,"targetPort":"web"},{"port":81,"targetPort":8081}],"nodes":{"n1":{"port":1},"n2":{"port":2}},\
                "ratio":0.5,"on":true,"free":{"x":[1,null]}}}
                """)
        #expect(try Sample(encoded: Array(text.utf8)) == sample)
        #expect(sample.namespacedName == "b/a")
        #expect(sample.metadata.controller?.name == "n")
    }

    @Test func nullCountsAsAbsent() throws {
        let sample = try Sample(json: ["metadata": ["name": .null, "labels": .null], "spec": .null])
        #expect(sample == Sample())
    }

    @Test(
        arguments: [
            (["metadata": ["name": 1]], "metadata.name", "must be of type string: \"integer\""),
            (
                ["metadata": [:], "spec": ["ports": [["port": 1], ["port": "x"]]]], "spec.ports[1].port",
                "must be of type integer: \"string\""
            ),
            (["metadata": [:], "spec": ["ports": [["name": "x"]]]], "spec.ports[0].port", "required field is missing"),
            (
                ["metadata": [:], "spec": ["ports": [["port": 4_294_967_296]]]], "spec.ports[0].port",
                "4294967296 does not fit Int32"
            ),
            (["metadata": [:], "spec": ["ports": ["x": 1]]], "spec.ports", "must be of type array: \"object\""),
            (["metadata": ["labels": ["a": 1]]], "metadata.labels.a", "must be of type string: \"integer\""),
            (
                ["metadata": ["creationTimestamp": "yesterday"]], "metadata.creationTimestamp",
                "must be an RFC 3339 time"
            ),
            (
                ["metadata": [:], "spec": ["ports": [["port": 1, "targetPort": true]]]], "spec.ports[0].targetPort",
                "must be a string or a 32-bit integer"
            ),
            ([1], "", "must be of type object: \"array\""),
        ] as [(JSONValue, String, String)])
    func saysWhichFieldDoesNotFit(json: JSONValue, path: String, message: String) {
        #expect(throws: ObjectCodingError(path: path, message: message)) { try Sample(json: json) }
    }

    @Test func refusesNumbersThatAreNotFinite() {
        var sample = Sample()
        sample.spec = Sample.Spec(ratio: .infinity)
        #expect(throws: ObjectCodingError(path: "spec.ratio", message: "must be finite")) { try sample.json() }
    }
}
