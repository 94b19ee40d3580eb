import Foundation
import KubeModel
import Patching
import Testing

/// The documents that the server serves.
@Suite("The OpenAPI documents") struct OpenAPIDocumentTests {
    private static func registry() throws -> SchemaRegistry {
        let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent()
        let folder = root.appendingPathComponent("openapi")
        let files = try FileManager.default.contentsOfDirectory(atPath: folder.path).filter { $0.hasSuffix(".json") }
        return try SchemaRegistry(
            documents: files.sorted().map { name in
                try OpenAPIDocument(name: name, encoded: [UInt8](Data(contentsOf: folder.appendingPathComponent(name))))
            })
    }

    @Test func allLoadAndNameTheirKinds() throws {
        let registry = try Self.registry()
        for kind in [
            GroupVersionKind(group: "", version: "v1", kind: "Service"),
            GroupVersionKind(group: "", version: "v1", kind: "Pod"),
            GroupVersionKind(group: "discovery.k8s.io", version: "v1", kind: "EndpointSlice"),
            GroupVersionKind(group: "networking.k8s.io", version: "v1", kind: "Ingress"),
            GroupVersionKind(group: "traffic.martlet.dev", version: "v1", kind: "RouteTable"),
        ] {
            let schema = try #require(registry.schema(for: kind), "\(kind)")
            #expect(schema.property("metadata")?.property("name")?.type == "string", "\(kind)")
        }
    }

    @Test func describeAServiceAsKubernetesDoes() throws {
        let registry = try Self.registry()
        let schema = try #require(registry.schema(for: GroupVersionKind(group: "", version: "v1", kind: "Service")))
        var service: JSONValue = [
            "apiVersion": "v1", "kind": "Service", "metadata": ["name": "web", "creationTimestamp": .null],
            "spec": ["selector": ["app": "web"], "ports": [["port": 80, "targetPort": "http", "typo": 1]]],
        ]
        #expect(schema.mismatches(in: service) == [])
        #expect(schema.prune(&service) == ["spec.ports[0].typo"])
        schema.applyDefaults(&service)
        #expect(service["spec"]["ports"][0]["protocol"] == "TCP")
        #expect(service["metadata"]["creationTimestamp"] == nil)
        let merged = try StrategicMergePatch.apply(
            ["spec": ["ports": [["port": 80, "nodePort": 30000], ["port": 443]]]], to: service, schema: schema)
        #expect(
            merged["spec"]["ports"] == [
                ["port": 80, "targetPort": "http", "protocol": "TCP", "nodePort": 30000], ["port": 443],
            ])
        #expect(
            schema.mismatches(in: ["spec": ["ports": [["port": "x"]]]]).first?.message
                == "json: cannot unmarshal string into Go struct field ServicePort.spec.ports.port of type int32")
    }
}
