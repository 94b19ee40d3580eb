import KubeModel
import Testing

@testable import APIServer

/// Options of the writing verbs: which values are refused and what a dry run leaves behind.
@Suite("Options of a write") struct WriteOptionsTests {
    private func refusal(_ query: String, kind: String = "CreateOptions") -> Status? {
        do throws(Status) {
            _ = try WriteOptions(try QueryItems(Substring(query)), kind: kind)
            return nil
        } catch {
            return error
        }
    }

    @Test(arguments: [
        ("dryRun=Some", "dryRun", "Unsupported value: [\"Some\"]: supported values: \"All\""),
        ("dryRun=All&dryRun=None", "dryRun", "Unsupported value: [\"All\",\"None\"]: supported values: \"All\""),
        (
            "fieldValidation=strict", "fieldValidation",
            "Unsupported value: \"strict\": supported values: \"\", \"Ignore\", \"Strict\", \"Warn\""
        ),
        ("fieldManager=a%07b", "fieldManager", "Invalid value: \"a\\ab\": invalid character U+0007 (at position 1)"),
        (
            "fieldManager=\(String(repeating: "m", count: 129))", "fieldManager",
            "Too long: may not be more than 128 bytes"
        ),
    ])
    func refusedValuesNameTheirField(query: String, field: String, message: String) throws {
        let status = try #require(refusal(query))
        #expect(status.code == 422)
        #expect(status.details?.causes?.map(\.field) == [field])
        #expect(status.details?.causes?.map(\.message) == [message])
        #expect(status.message == "CreateOptions.meta.k8s.io \"\" is invalid: \(field): \(message)")
    }

    @Test(arguments: [
        "", "dryRun=All", "fieldManager=kubectl%20edit", "fieldManager=Ä", "fieldValidation=", "force=true",
    ])
    func otherValuesAreTaken(query: String) { #expect(refusal(query) == nil) }

    @Test func everyVerbChecksItsOptions() async throws {
        let server = try await TestServer()
        _ = await server.send("POST", Samples.configMaps, Samples.configMap("a"))
        let path = "\(Samples.configMaps)/a"
        let manager = "fieldManager=\(String(repeating: "m", count: 129))"
        for (method, target, body, kind, type) in [
            ("POST", Samples.configMaps, Samples.configMap("b"), "CreateOptions", "application/json"),
            ("PUT", path, Samples.configMap("a"), "UpdateOptions", "application/json"),
            ("PATCH", path, [:], "PatchOptions", "application/merge-patch+json"),
        ] as [(String, String, JSONValue, String, String)] {
            let refused = await server.send(method, "\(target)?\(manager)", body, contentType: type)
            #expect(refused.status == 422)
            #expect(refused.json["details"]["kind"] == .string(kind))
            #expect(refused.json["details"]["group"] == "meta.k8s.io")
        }
        let forced = await server.send("PATCH", "\(path)?force=true", [:], contentType: "application/merge-patch+json")
        #expect(forced.status == 422)
        #expect(forced.message.contains("force: Forbidden: may not be specified for non-apply patch"))
        for target in [path, Samples.configMaps] {
            let refused = await server.send("DELETE", "\(target)?dryRun=Maybe")
            #expect(refused.status == 422)
            #expect(refused.json["details"]["kind"] == "DeleteOptions")
        }
        #expect(await server.send("GET", path).status == 200)
    }

    // MARK: Dry runs

    private static let dryRun = "dryRun=All"

    @Test func aDryRunOfACreateKeepsNothing() async throws {
        let server = try await TestServer(serviceCIDR: "10.96.0.0/29")
        // More of them than there are addresses: each gets one and gives it back.
        for _ in 0..<20 {
            let made = await server.send("POST", "\(Samples.services)?\(Self.dryRun)", Samples.service("web"))
            #expect(made.status == 201, "\(made.text)")
            #expect(made.json["spec"]["clusterIP"].string?.hasPrefix("10.96.0.") == true)
            #expect(made.json["spec"]["sessionAffinity"] == "None")
            #expect(made.json["metadata"]["uid"].string?.isEmpty == false)
            #expect(made.json["metadata"]["resourceVersion"] == nil)
        }
        #expect(await server.send("GET", "\(Samples.services)/web").status == 404)
        _ = await server.send("POST", Samples.services, Samples.service("web"))
        let exists = await server.send("POST", "\(Samples.services)?\(Self.dryRun)", Samples.service("web"))
        #expect(exists.status == 409)
        #expect(exists.json["reason"] == "AlreadyExists")
        var generated = Samples.configMap("")
        generated["metadata"] = ["generateName": "g-"]
        let named = await server.send("POST", "\(Samples.configMaps)?\(Self.dryRun)", generated)
        #expect(named.json["metadata"]["name"].string?.utf8.count == 7)
        #expect(await server.send("GET", Samples.configMaps).names.isEmpty)
        let invalid = await server.send("POST", "\(Samples.configMaps)?\(Self.dryRun)", Samples.configMap("NO"))
        #expect(invalid.status == 422)
    }

    @Test func aDryRunOfAChangeKeepsNothing() async throws {
        let server = try await TestServer()
        let created = await server.send("POST", Samples.services, Samples.service("web")).json
        let path = "\(Samples.services)/web"
        var changed = created
        changed["spec"]["type"] = "NodePort"
        let updated = await server.send("PUT", "\(path)?\(Self.dryRun)", changed)
        #expect(updated.json["spec"]["ports"][0]["nodePort"].int != nil, "\(updated.text)")
        #expect(updated.json["metadata"]["resourceVersion"] == created["metadata"]["resourceVersion"])
        for (type, body) in [
            ("application/merge-patch+json", ["metadata": ["labels": ["a": "b"]]]),
            ("application/strategic-merge-patch+json", ["metadata": ["labels": ["a": "b"]]]),
            ("application/json-patch+json", [["op": "add", "path": "/metadata/labels", "value": ["a": "b"]]]),
        ] as [(String, JSONValue)] {
            let patched = await server.send("PATCH", "\(path)?\(Self.dryRun)", body, contentType: type)
            #expect(patched.json["metadata"]["labels"] == ["a": "b"], "\(patched.text)")
        }
        var status = created
        status["status"] = [
            "conditions": [
                [
                    "type": "T", "status": "True", "reason": "R", "message": "",
                    "lastTransitionTime": "2026-01-01T00:00:00Z",
                ]
            ]
        ]
        let statusUpdate = await server.send("PUT", "\(path)/status?\(Self.dryRun)", status)
        #expect(statusUpdate.json["status"]["conditions"].array?.count == 1, "\(statusUpdate.text)")
        #expect(await server.send("GET", path).json == created)
        let lease: JSONValue = [
            "apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": ["name": "l"], "spec": [:],
        ]
        let leases = "/apis/coordination.k8s.io/v1/namespaces/default/leases"
        #expect(await server.send("PUT", "\(leases)/l?\(Self.dryRun)", lease).status == 201)
        #expect(await server.send("GET", "\(leases)/l").status == 404)
    }

    @Test func aDryRunOfADeletionKeepsEverything() async throws {
        let server = try await TestServer()
        var held = Samples.configMap("held")
        held["metadata"]["finalizers"] = ["a.io/b"]
        let before = await server.send("POST", Samples.configMaps, held).json
        _ = await server.send("POST", Samples.configMaps, Samples.configMap("free"))
        _ = await server.send("POST", Samples.services, Samples.service("web"))
        let waiting = await server.send("DELETE", "\(Samples.configMaps)/held?\(Self.dryRun)")
        #expect(waiting.json["metadata"]["deletionTimestamp"].string != nil)
        let orphaned = await server.send(
            "DELETE", "\(Samples.configMaps)/free", ["dryRun": ["All"], "propagationPolicy": "Orphan"])
        #expect(orphaned.json["metadata"]["finalizers"] == ["orphan"], "\(orphaned.text)")
        let free = await server.send("DELETE", "\(Samples.configMaps)/free?\(Self.dryRun)")
        #expect(free.json["status"] == "Success")
        #expect(await server.send("DELETE", "\(Samples.services)/web", ["dryRun": ["All"]]).json["kind"] == "Service")
        #expect(await server.send("DELETE", "\(Samples.configMaps)?\(Self.dryRun)").names == ["free", "held"])
        #expect(await server.send("GET", Samples.configMaps).names == ["free", "held"])
        #expect(await server.send("GET", "\(Samples.configMaps)/held").json == before)
        #expect(await server.send("GET", "\(Samples.services)/web").status == 200)
        let finalizer = await server.send(
            "PATCH", "\(Samples.configMaps)/held?\(Self.dryRun)", ["metadata": ["finalizers": .null]],
            contentType: "application/merge-patch+json")
        #expect(finalizer.status == 200)
        let namespace = await server.send("DELETE", "/api/v1/namespaces/kube-node-lease?\(Self.dryRun)")
        #expect(namespace.json["status"]["phase"] == "Terminating")
        #expect(
            await server.send("GET", "/api/v1/namespaces/kube-node-lease").json["status"]["phase"] == "Active")
    }
}
