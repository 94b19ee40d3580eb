import KubeModel
import Testing

@testable import APIResources

/// Encoding and reading by the same tables: what was sent is what comes back, and the bytes are those that Go writes.
@Suite("Protobuf answers") struct ProtobufEncoderTests {
    private func roundTrip(_ document: JSONValue) throws -> JSONValue? {
        let (version, kind) = (document["apiVersion"].string ?? "", document["kind"].string ?? "")
        let message = try #require(ProtobufEncoder.message(document, "\(version)/\(kind)"))
        return try ProtobufDocument.parse(ProtobufEncoder.envelope(apiVersion: version, kind: kind, message))
    }

    static let documents: [JSONValue] = [
        [
            "apiVersion": "v1", "kind": "Service",
            "metadata": [
                "name": "web", "labels": ["a": "b"], "creationTimestamp": "2026-01-02T03:04:05Z", "generation": 3,
                "managedFields": [["manager": "m", "fieldsV1": ["f:spec": [:]], "time": "2026-01-02T03:04:05Z"]],
            ],
            "spec": ["ports": [["port": 80, "targetPort": "http"], ["port": 81, "targetPort": 8081]]],
        ],
        [
            "apiVersion": "v1", "kind": "Secret", "metadata": ["name": "s"], "data": ["k": "/wA="], "immutable": false,
        ],
        [
            "apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": ["name": "l"],
            "spec": ["renewTime": "2026-01-02T03:04:05.123456Z", "leaseDurationSeconds": 15],
        ],
        [
            "apiVersion": "v1", "kind": "Pod", "metadata": ["name": "p"],
            "spec": [
                "containers": [
                    [
                        "name": "a", "resources": ["limits": ["cpu": "500m"]],
                        "envFrom": [["configMapRef": ["name": "c", "optional": true]]],
                    ]
                ]
            ],
        ],
        [
            "apiVersion": "networking.k8s.io/v1", "kind": "Ingress", "metadata": ["name": "i"],
            "spec": [
                "rules": [
                    [
                        "host": "a.example",
                        "http": [
                            "paths": [
                                ["path": "/", "backend": ["service": ["name": "web", "port": ["number": 80]]]]
                            ]
                        ],
                    ]
                ]
            ],
        ],
        [
            "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition", "metadata": ["name": "a.b"],
            "spec": [
                "group": "b",
                "versions": [
                    [
                        "name": "v1", "subresources": ["status": [:]],
                        "schema": [
                            "openAPIV3Schema": [
                                "type": "object", "maximum": 1.5, "additionalProperties": false,
                                "properties": [
                                    "a": ["items": ["type": "string"], "default": ["x": 1]],
                                    "b": ["additionalProperties": ["type": "string"]],
                                ],
                                "x-kubernetes-validations": [["rule": "true", "optionalOldSelf": false]],
                            ]
                        ],
                    ]
                ],
            ],
        ],
        [
            "apiVersion": "authorization.k8s.io/v1", "kind": "SubjectAccessReview",
            "spec": ["user": "a", "extra": ["scopes": ["x", "y"]]],
        ],
        [
            "apiVersion": "resource.k8s.io/v1", "kind": "ResourceSlice", "metadata": ["name": "s"],
            "spec": ["driver": "d", "devices": [["name": "a", "attributes": ["model": ["string": "x"]]]]],
        ],
        [
            "apiVersion": "admissionregistration.k8s.io/v1", "kind": "ValidatingWebhookConfiguration",
            "webhooks": [["name": "a", "rules": [["operations": ["CREATE"], "apiGroups": [""], "scope": "*"]]]],
        ],
    ]

    @Test(arguments: documents) func `a document comes back as it went`(_ document: JSONValue) throws {
        #expect(try roundTrip(document) == document)
    }

    @Test func `the bytes are the envelope of Kubernetes around the message`() throws {
        let message = try #require(
            ProtobufEncoder.message(["metadata": ["name": "a"], "immutable": false], "v1/ConfigMap"))
        #expect(message == [0x0a, 3, 0x0a, 1, 0x61, 0x20, 0])
        let whole = ProtobufEncoder.envelope(apiVersion: "v1", kind: "ConfigMap", message)
        #expect(
            whole
                == [0x6b, 0x38, 0x73, 0] + [0x0a, 15, 0x0a, 2] + Array("v1".utf8) + [0x12, 9] + Array("ConfigMap".utf8)
                + [0x12, 7] + message)
    }

    @Test func `a list holds the messages of its items`() throws {
        let item = try #require(ProtobufEncoder.message(["metadata": ["name": "a"]], "v1/ConfigMap"))
        let list = ProtobufEncoder.listAnswer(
            apiVersion: "v1", kind: "ConfigMapList", metadata: ["resourceVersion": "7"], items: [item, item])
        let message = [0x0a, 3, 0x12, 1, 0x37] + [0x12, 5] + item + [0x12, 5] + item
        #expect(Array(list.joined()) == ProtobufEncoder.envelope(apiVersion: "v1", kind: "ConfigMapList", message))
        // The items' own bytes are handed on.
        #expect(list[2] == item && list[4] == item)
    }

    @Test func `an event of a watch stands behind its length`() {
        let event = ProtobufEncoder.event(type: "ADDED", object: [1, 2, 3])
        #expect(event == [0, 0, 0, 14] + [0x0a, 5] + Array("ADDED".utf8) + [0x12, 5, 0x0a, 3, 1, 2, 3])
    }

    @Test func `a value that does not fit its field is left out`() throws {
        let message = try #require(
            ProtobufEncoder.message(["metadata": ["name": 5, "uid": "u"], "odd": true], "v1/ConfigMap"))
        #expect(message == [0x0a, 3, 0x2a, 1, 0x75])
    }

    @Test func `kinds without messages have none`() {
        #expect(ProtobufEncoder.message([:], "traffic.martlet.dev/v1/RouteTable") == nil)
    }
}

extension ProtobufEncoder {
    /// The message of a document, without envelope; nil for a kind that has none.
    static func message(_ document: JSONValue, _ kind: String) -> [UInt8]? {
        ProtobufFields.kinds[kind].map { message(document.object ?? JSONObject(), named: $0) }
    }
}
