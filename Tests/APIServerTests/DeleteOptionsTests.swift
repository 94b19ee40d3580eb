import KubeModel
import Testing

@testable import APIServer

@Suite("Options of a delete") struct DeleteOptionsTests {
    private func read(_ body: JSONValue?, _ query: String = "") throws -> DeleteOptions {
        try DeleteOptions(body: body, query: try QueryItems(Substring(query)))
    }

    @Test func theQueryCountsWithoutABody() throws {
        let options = try read(
            nil, "gracePeriodSeconds=5&propagationPolicy=Foreground&dryRun=All&uid=u")
        #expect(options.gracePeriodSeconds == 5)
        #expect(options.propagation == .foreground)
        #expect(options.isDryRun)
        #expect(options.uid == "u")
        #expect(try read(nil, "orphanDependents=true").orphanDependents == true)
    }

    @Test func aBodyCountsAlone() throws {
        let options = try read(
            [
                "kind": "DeleteOptions", "apiVersion": "v1", "gracePeriodSeconds": 7,
                "preconditions": ["uid": "u", "resourceVersion": "9"],
            ], "gracePeriodSeconds=5&propagationPolicy=Foreground&uid=other")
        #expect(options.gracePeriodSeconds == 7)
        #expect(options.propagation == nil)
        #expect(options.uid == "u")
        #expect(options.resourceVersion == "9")
        // But for this: what a URL asks to keep is kept.
        #expect(try read([:], "dryRun=All").isDryRun)
    }

    @Test func negativeTimeIsASecond() throws {
        #expect(try read(["gracePeriodSeconds": -3]).gracePeriodSeconds == 1)
    }

    @Test(
        arguments: [
            (
                ["propagationPolicy": "Sideways"], "propagationPolicy",
                "Unsupported value: \"Sideways\": supported values: \"Foreground\", \"Background\", \"Orphan\", \"nil\""
            ),
            (
                ["propagationPolicy": "Orphan", "orphanDependents": true], "propagationPolicy",
                "Invalid value: \"Orphan\": orphanDependents and deletionPropagation cannot be both set"
            ),
            (["dryRun": ["Some"]], "dryRun", "Unsupported value: [\"Some\"]: supported values: \"All\""),
        ] as [(JSONValue, String, String)])
    func refusedValuesNameTheirField(body: JSONValue, field: String, message: String) throws {
        #expect {
            try read(body)
        } throws: { error in
            guard let status = error as? Status else { return false }
            return status.code == 422
                && status.message == "DeleteOptions.meta.k8s.io \"\" is invalid: \(field): \(message)"
        }
    }

    @Test(
        arguments: [
            ["gracePeriodSeconds": "soon"], ["propagationPolicy": 1], ["orphanDependents": "yes"], ["dryRun": "All"],
            ["dryRun": [1]], ["preconditions": "u"], ["preconditions": ["uid": 1]], [1], ["kind": "ConfigMap"],
        ] as [JSONValue])
    func otherTypesAre400(body: JSONValue) throws {
        #expect { try read(body) } throws: { ($0 as? Status)?.code == 400 }
    }

    @Test func bodiesComeInThreeFormats() async throws {
        let server = try await TestServer()
        for (name, type, body) in [
            ("a", "application/json", Array(#"{"propagationPolicy":"Orphan"}"#.utf8)),
            ("b", "application/yaml", Array("kind: DeleteOptions\npropagationPolicy: Orphan\n".utf8)),
            ("c", "application/vnd.kubernetes.protobuf", Self.protobuf(policy: "Orphan")),
        ] {
            _ = await server.send("POST", Samples.configMaps, Samples.configMap(name))
            let deleted = await server.sendBytes("DELETE", "\(Samples.configMaps)/\(name)", body, contentType: type)
            #expect(deleted.json["metadata"]["finalizers"] == ["orphan"], "\(name): \(deleted.text)")
        }
        let other = await server.sendBytes(
            "DELETE", "\(Samples.configMaps)/a", Array("x".utf8), contentType: "text/plain")
        #expect(other.status == 415)
        let broken = await server.sendBytes("DELETE", "\(Samples.configMaps)/a", Array("{".utf8))
        #expect(broken.status == 400)
    }

    /// `Unknown` with TypeMeta and a DeleteOptions whose field 4 is the policy.
    private static func protobuf(policy: String) -> [UInt8] {
        func field(_ number: UInt8, _ bytes: [UInt8]) -> [UInt8] { [number << 3 | 2, UInt8(bytes.count)] + bytes }
        let type = field(1, Array("v1".utf8)) + field(2, Array("DeleteOptions".utf8))
        return [0x6b, 0x38, 0x73, 0] + field(1, type) + field(2, field(4, Array(policy.utf8)))
    }

    @Test func aDeletionNotYetDoneIs202ForOneOldOption() async throws {
        let server = try await TestServer()
        var held = Samples.configMap("a")
        held["metadata"]["finalizers"] = ["a.io/b"]
        _ = await server.send("POST", Samples.configMaps, held)
        #expect(await server.send("DELETE", "\(Samples.configMaps)/a", ["orphanDependents": false]).status == 202)
        #expect(await server.send("DELETE", "\(Samples.configMaps)/a").status == 200)
    }

    @Test func collectionsTakePreconditionsAndPolicies() async throws {
        let server = try await TestServer()
        let created = await server.send("POST", Samples.configMaps, Samples.configMap("a")).json
        let refused = await server.send("DELETE", Samples.configMaps, ["preconditions": ["uid": "other"]])
        #expect(refused.status == 409)
        let deleted = await server.send(
            "DELETE", Samples.configMaps,
            ["preconditions": ["uid": created["metadata"]["uid"] ?? ""], "propagationPolicy": "Foreground"])
        #expect(deleted.status == 200)
        #expect(
            await server.send("GET", "\(Samples.configMaps)/a").json["metadata"]["finalizers"]
                == ["foregroundDeletion"])
    }

    @Test func bothCollectorFinalizersAreRefused() async throws {
        let server = try await TestServer()
        var document = Samples.configMap("a")
        document["metadata"]["finalizers"] = ["orphan", "foregroundDeletion"]
        let refused = await server.send("POST", Samples.configMaps, document)
        #expect(refused.status == 422)
        #expect(refused.message.contains("finalizer foregroundDeletion and orphan cannot be both set"))
    }
}
