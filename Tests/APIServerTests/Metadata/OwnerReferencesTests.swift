import KubeModel
import Testing

@testable import APIServer

@Suite("References to owners") struct OwnerReferencesTests {
    private static let owner: JSONValue = ["apiVersion": "apps/v1", "kind": "Deployment", "name": "d", "uid": "u"]

    private static func object(_ references: [JSONValue], name: String = "a") -> JSONValue {
        var object = Samples.configMap(name)
        object["metadata"]["ownerReferences"] = .array(references)
        return object
    }

    @Test func repetitionsAreLeftOutWithAWarning() async throws {
        let server = try await TestServer()
        var other = Self.owner
        other["name"] = "e"
        let created = await server.send("POST", Samples.configMaps, Self.object([Self.owner, other, Self.owner]))
        #expect(created.json["metadata"]["ownerReferences"] == [Self.owner, other], "\(created.text)")
        #expect(created.header("Warning")?.hasSuffix("duplicate UID(s) observed: [u]\"") == true)
        let patched = await server.send(
            "PATCH", "\(Samples.configMaps)/a",
            ["metadata": ["ownerReferences": [Self.owner, Self.owner]]], contentType: "application/merge-patch+json")
        #expect(patched.json["metadata"]["ownerReferences"] == [Self.owner])
        #expect(patched.header("Warning")?.contains("API server dedups owner references") == true)
    }

    @Test(
        arguments: [
            (
                [["apiVersion": "", "kind": "", "name": "", "uid": ""]],
                [
                    "metadata.ownerReferences.apiVersion: Invalid value: \"\": version must not be empty",
                    "metadata.ownerReferences.kind: Invalid value: \"\": must not be empty",
                    "metadata.ownerReferences.name: Invalid value: \"\": must not be empty",
                    "metadata.ownerReferences.uid: Invalid value: \"\": must not be empty",
                ]
            ),
            (
                [["apiVersion": "v1", "kind": "Event", "name": "e", "uid": "u"]],
                ["/v1, Kind=Event is disallowed from being an owner"]
            ),
            ([["apiVersion": "a/b/c", "kind": "K", "name": "e", "uid": "u"]], ["version must not be empty"]),
            (
                [
                    ["apiVersion": "v1", "kind": "Pod", "name": "a", "uid": "u", "controller": true],
                    ["apiVersion": "v1", "kind": "Node", "name": "b", "uid": "w", "controller": true],
                ],
                [
                    "Only one reference can have Controller set to true. Found \"true\" in references for Pod/a and Node/b"
                ]
            ),
        ] as [([JSONValue], [String])])
    func badReferencesAreNamed(references: [JSONValue], messages: [String]) async throws {
        let server = try await TestServer()
        let refused = await server.send("POST", Samples.configMaps, Self.object(references))
        #expect(refused.status == 422)
        for message in messages { #expect(refused.message.contains(message), "\(refused.message)") }
    }

    @Test func finalizersAreQualified() async throws {
        let server = try await TestServer()
        var object = Samples.configMap("a")
        object["metadata"]["finalizers"] = ["a.io/b", "odd"]
        let refused = await server.send("POST", Samples.configMaps, object)
        #expect(
            refused.message
                == "ConfigMap \"a\" is invalid: metadata.finalizers[1]: Invalid value: \"odd\": name is neither a standard "
                + "finalizer name nor is it fully qualified")
    }
}
