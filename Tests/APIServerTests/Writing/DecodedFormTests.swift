import KubeModel
import Testing

@testable import APIServer

/// Built-in kinds are kept as a Go program would write what it has read.
@Suite("Values are kept as Go decodes them") struct DecodedFormTests {
    private static let leases = "/apis/coordination.k8s.io/v1/namespaces/default/leases?dryRun=All"
    private static let secrets = "/api/v1/namespaces/default/secrets"
    private static let events = "/api/v1/namespaces/default/events"

    private func lease(_ time: String) -> JSONValue {
        [
            "apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": ["name": "a"],
            "spec": ["renewTime": .string(time)],
        ]
    }

    @Test(arguments: [
        ("2024-01-02T03:04:05.123456Z", "2024-01-02T03:04:05.123456Z"),
        ("2024-01-02T03:04:05.123456+02:00", "2024-01-02T01:04:05.123456Z"),
    ])
    func `a micro-time is kept in UTC`(given: String, kept: String) async throws {
        let response = try await TestServer().send("POST", Self.leases, lease(given))
        #expect(response.status == 201, "\(response.text)")
        #expect(response.json["spec"]["renewTime"].string == kept)
    }

    @Test(arguments: [
        ("2024-01-02T03:04:05.123Z", "cannot parse \".123Z\" as \".000000\""),
        ("2024-01-02T03:04:05Z", "cannot parse \"Z\" as \".000000\""),
        ("2024-01-02T03:04:05.123456789Z", "cannot parse \"789Z\" as \"Z07:00\""),
        ("yesterday", "cannot parse \"yesterday\" as \"2006\""),
    ])
    func `a micro-time has six decimals`(given: String, problem: String) async throws {
        let response = try await TestServer().send("POST", Self.leases, lease(given))
        #expect(response.status == 400)
        #expect(
            response.message
                == "Lease in version \"v1\" cannot be handled as a Lease: parsing time \"\(given)\" as "
                + "\"2006-01-02T15:04:05.000000Z07:00\": \(problem)")
    }

    @Test func `times lose fraction and offset, in patches too`() async throws {
        let server = try await TestServer()
        let event: JSONValue = [
            "apiVersion": "v1", "kind": "Event", "metadata": ["name": "e", "namespace": "default"],
            "involvedObject": ["kind": "Pod", "name": "p", "namespace": "default"],
            "firstTimestamp": "2024-01-02T05:04:05.123456+02:00", "lastTimestamp": "2024-01-02T03:04:05+00:00",
        ]
        let created = await server.send("POST", Self.events, event)
        #expect(created.status == 201, "\(created.text)")
        #expect(created.json["firstTimestamp"] == "2024-01-02T03:04:05Z")
        #expect(created.json["lastTimestamp"] == "2024-01-02T03:04:05Z")
        let patched = await server.send(
            "PATCH", "\(Self.events)/e", ["lastTimestamp": "2025-01-02T03:04:05.9-01:00"],
            contentType: "application/merge-patch+json")
        #expect(patched.json["lastTimestamp"] == "2025-01-02T04:04:05Z")
    }

    @Test func `base64 is kept in one line, with the bits that count`() async throws {
        let server = try await TestServer()
        let response = await server.send(
            "POST", Self.secrets,
            [
                "apiVersion": "v1", "kind": "Secret", "metadata": ["name": "a"],
                "data": ["a": "aGVsbG8g\nd29ybGQ=\r\n", "b": "aGVsbG9=", "c": "aGVsbG8=", "d": "", "e": .null],
            ])
        #expect(response.status == 201, "\(response.text)")
        #expect(response.json["data"] == ["a": "aGVsbG8gd29ybGQ=", "b": "aGVsbG8=", "c": "aGVsbG8=", "d": "", "e": ""])
    }

    @Test func `nulls in maps and lists are the zero value, other nulls are absent`() async throws {
        let server = try await TestServer()
        let map = await server.send(
            "POST", Samples.configMaps,
            [
                "apiVersion": "v1", "kind": "ConfigMap",
                "metadata": ["name": "a", "annotations": ["note": .null], "labels": .null],
                "data": ["empty": .null, "full": "x"], "immutable": .null,
            ])
        #expect(map.status == 201, "\(map.text)")
        #expect(map.json["data"] == ["empty": "", "full": "x"])
        #expect(map.json["metadata"]["annotations"] == ["note": ""])
        #expect(map.json["metadata"]["labels"] == nil)
        #expect(map.json["immutable"] == nil)
        let pod = await server.send(
            "POST", "/api/v1/namespaces/default/pods",
            [
                "apiVersion": "v1", "kind": "Pod", "metadata": ["name": "a"],
                "spec": [
                    "nodeSelector": ["disk": .null],
                    "containers": [["name": "a", "image": "i", "args": ["a", .null], "command": .null]],
                ],
            ])
        #expect(pod.status == 201, "\(pod.text)")
        #expect(pod.json["spec"]["nodeSelector"] == ["disk": ""])
        #expect(pod.json["spec"]["containers"][0]["args"] == ["a", ""])
        #expect(pod.json["spec"]["containers"][0]["command"] == nil)
    }

    @Test func `amounts have their canonical form everywhere`() async throws {
        let server = try await TestServer()
        let pod: JSONValue = [
            "apiVersion": "v1", "kind": "Pod", "metadata": ["name": "a"],
            "spec": [
                "overhead": ["cpu": 1, "memory": "1024Mi"],
                "volumes": [["name": "v", "emptyDir": ["sizeLimit": "0.5Gi"]]],
                "containers": [
                    ["name": "a", "image": "i", "resources": ["limits": ["cpu": "0.5", "memory": "1000Ki"]]]
                ],
            ],
        ]
        let response = await server.send("POST", "/api/v1/namespaces/default/pods", pod)
        #expect(response.status == 201, "\(response.text)")
        let spec = response.json["spec"]
        #expect(spec["overhead"] == ["cpu": "1", "memory": "1Gi"])
        #expect(spec["volumes"][0]["emptyDir"]["sizeLimit"] == "512Mi")
        #expect(spec["containers"][0]["resources"]["limits"] == ["cpu": "500m", "memory": "1000Ki"])
        var bad = pod
        bad["spec"]["overhead"]["cpu"] = "much"
        let refused = await server.send("POST", "/api/v1/namespaces/default/pods", bad)
        #expect(refused.status == 400)
        #expect(refused.message.hasSuffix(Quantity.syntaxMessage))
    }

    @Test func `what Go always writes is there though nobody set it`() async throws {
        let server = try await TestServer()
        let created = await server.send("POST", Samples.services, Samples.service("a"))
        #expect(created.status == 201)
        let status: JSONValue = ["status": ["conditions": [["type": "X", "status": "True"]]]]
        let patched = await server.send(
            "PATCH", "\(Samples.services)/a/status", status, contentType: "application/merge-patch+json")
        #expect(patched.status == 200, "\(patched.text)")
        let condition = patched.json["status"]["conditions"][0]
        #expect(condition["reason"] == "" && condition["message"] == "")
        #expect(condition["lastTransitionTime"] == nil)
    }
}
