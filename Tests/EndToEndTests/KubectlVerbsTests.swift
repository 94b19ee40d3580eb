import Foundation
import KubeModel
import Testing

extension EndToEnd {
    /// Options of the writing verbs as `kubectl` sends them: validation, cascades, grace periods, versions, races.
    @Suite("kubectl's verbs", .serialized, .martlet("apiserver")) struct KubectlVerbsTests {
        private func server(_ namespace: String) async throws -> MartletServer {
            let server = try suiteServer()
            try await server.makeNamespace(namespace)
            return server
        }

        @Test func `validate decides between refusing, warning and silence`() async throws {
            let server = try await server("validating")
            let manifest = """
                apiVersion: v1
                kind: Service
                metadata: {name: web}
                spec:
                  ports:
                  - port: 80
                    colour: red
                  foo: bar
                """
            let strict = try await server.kubectlError(
                "create", "--validate=strict", "-n", "validating", "-f", "-", input: manifest)
            #expect(strict.contains("unknown field \"spec.foo\""), "\(strict)")
            #expect(strict.contains("unknown field \"spec.ports[0].colour\""))
            #expect(strict.contains("strict decoding error"))
            let warned = try await server.tryKubectl(
                ["create", "--validate=warn", "-n", "validating", "-f", "-"], input: manifest)
            #expect(warned.out == "service/web created\n")
            #expect(warned.err.contains("Warning: unknown field \"spec.foo\""), "\(warned)")
            #expect(warned.err.contains("Warning: unknown field \"spec.ports[0].colour\""))
            for verb in ["apply", "replace"] {
                let silent = try await server.tryKubectl(
                    [verb, "--validate=ignore", "-n", "validating", "-f", "-"], input: manifest)
                #expect(silent.succeeded && !silent.err.contains("unknown field"), "\(silent)")
                let loud = try await server.tryKubectl(
                    [verb, "--validate=warn", "-n", "validating", "-f", "-"],
                    input: manifest.replacing("bar", with: "baz"))
                #expect(loud.succeeded, "\(loud)")
                if verb == "replace" { #expect(loud.err.contains("Warning: unknown field \"spec.foo\"")) }
                let refused = try await server.tryKubectl(
                    [verb, "--validate=strict", "-n", "validating", "-f", "-"],
                    input: manifest.replacing("foo: bar", with: "fox: \(verb)"))
                #expect(!refused.succeeded && refused.err.contains("unknown field \"spec.fox\""), "\(refused)")
            }
        }

        @Test func `cascades become finalizers for the garbage collector`() async throws {
            let server = try await server("cascading")
            for (cascade, finalizer) in [("orphan", "orphan"), ("foreground", "foregroundDeletion")] {
                try await server.kubectl("create", "configmap", cascade, "-n", "cascading")
                try await server.kubectl(
                    "delete", "cm", cascade, "-n", "cascading", "--cascade=\(cascade)", "--wait=false")
                let text = try await server.kubectl("get", "cm", cascade, "-n", "cascading", "-o", "json")
                let metadata = try JSONParser.parse(Array(text.utf8))["metadata"]
                #expect(metadata["finalizers"] == [.string(finalizer)])
                #expect(metadata["deletionTimestamp"] != nil)
                #expect(metadata["deletionGracePeriodSeconds"] == 0)
                // Asked again, with another policy, it goes.
                try await server.kubectl("delete", "cm", cascade, "-n", "cascading", "--cascade=background")
            }
            #expect(try await server.kubectl("get", "cm", "-n", "cascading", "-o", "name") == "")
        }

        @Test func `a Pod on a node is given time, less when asked, none when forced`() async throws {
            let server = try await server("grace")
            let manifest = """
                apiVersion: v1
                kind: Pod
                metadata: {name: p}
                spec:
                  nodeName: far
                  terminationGracePeriodSeconds: 600
                  containers: [{name: c, image: i}]
                """
            func seconds() async throws -> String {
                try await server.kubectl(
                    "get", "pod", "p", "-n", "grace", "-o", "jsonpath={.metadata.deletionGracePeriodSeconds}")
            }
            func delete(_ arguments: String...) async throws {
                let output = try await server.tryKubectl(["delete", "pod", "p", "-n", "grace"] + arguments)
                try #require(output.succeeded, "\(output)")
            }
            try await server.kubectl("create", "-n", "grace", "-f", "-", input: manifest)
            try await delete("--wait=false")
            #expect(try await seconds() == "600")
            let row = try await server.kubectl("get", "pod", "p", "-n", "grace", "--no-headers")
            #expect(row.contains("Terminating"))
            try await delete("--wait=false", "--grace-period=700")
            #expect(try await seconds() == "600")
            try await delete("--wait=false", "--grace-period=60")
            #expect(try await seconds() == "60")
            try await delete("--wait=false", "--now")
            #expect(try await seconds() == "1")
            try await delete("--force", "--grace-period=0")
            #expect(try await server.kubectlError("get", "pod", "p", "-n", "grace").contains("(NotFound)"))
            // Without a node there is nothing to wait for.
            try await server.kubectl(
                "create", "-n", "grace", "-f", "-", input: manifest.replacing("  nodeName: far\n", with: ""))
            try await delete()
            #expect(try await server.kubectlError("get", "pod", "p", "-n", "grace").contains("(NotFound)"))
        }

        @Test func `concurrent patches all take effect, stale versions do not`() async throws {
            let server = try await server("racing")
            try await server.kubectl("create", "configmap", "c", "-n", "racing")
            try await withThrowingTaskGroup(of: Void.self) { group in
                for index in 0..<8 {
                    group.addTask {
                        let type = ["merge", "strategic", "json"][index % 3]
                        let patch =
                            type == "json"
                            ? #"[{"op":"add","path":"/metadata/annotations/key\#(index)","value":"x"}]"#
                            : #"{"data":{"key\#(index)":"x"}}"#
                        // A JSON patch adds to a map that is there.
                        if type == "json" {
                            try await server.kubectl("annotate", "cm", "c", "-n", "racing", "a\(index)=b")
                        }
                        try await server.kubectl("patch", "cm", "c", "-n", "racing", "--type", type, "-p", patch)
                    }
                }
                try await group.waitForAll()
            }
            let text = try await server.kubectl("get", "cm", "c", "-n", "racing", "-o", "json")
            let object = try JSONParser.parse(Array(text.utf8))
            #expect(object["data"].object?.count == 6)
            #expect(object["metadata"]["annotations"].object?.keys.filter { $0.hasPrefix("key") }.count == 2)

            let version = object["metadata"]["resourceVersion"].string ?? ""
            try await server.kubectl("label", "cm", "c", "-n", "racing", "a=1", "--resource-version=\(version)")
            let stale = try await server.kubectlError(
                "label", "cm", "c", "-n", "racing", "a=2", "--overwrite", "--resource-version=\(version)")
            #expect(stale.contains("the object has been modified"), "\(stale)")
            let annotated = try await server.kubectlError(
                "annotate", "cm", "c", "-n", "racing", "a=2", "--overwrite", "--resource-version=\(version)")
            #expect(annotated.contains("the object has been modified"), "\(annotated)")
            let patched = try await server.kubectlError(
                "patch", "cm", "c", "-n", "racing", "--type=merge", "-p",
                #"{"metadata":{"resourceVersion":"\#(version)"},"data":{"late":"x"}}"#)
            #expect(patched.contains("(Conflict)"), "\(patched)")
        }

        @Test func `patch says what is wrong with a patch`() async throws {
            let server = try await server("refusing")
            try await server.kubectl("create", "service", "clusterip", "s", "-n", "refusing", "--tcp=80")
            func refusal(_ type: String, _ patch: String, _ flags: String...) async throws -> String {
                let output = try await server.tryKubectl(
                    ["patch", "svc", "s", "-n", "refusing", "--type", type, "-p", patch] + flags)
                #expect(!output.succeeded, "\(output)")
                return output.err
            }
            #expect(
                try await refusal("merge", #"{"metadata":{"name":"other"}}"#)
                    .contains("the name of the object (other) does not match the name on the URL (s)"))
            #expect(
                try await refusal("strategic", #"{"spec":{"ports":[{"name":"x"}]}}"#)
                    .contains("map: map[name:x] does not contain declared merge key: port"))
            #expect(
                try await refusal("json", #"[{"op":"test","path":"/spec/type","value":"NodePort"}]"#)
                    .contains("The request is invalid"))
            #expect(
                try await refusal("merge", #"{"spec":{"clusterIP":"10.0.0.1"}}"#).contains("may not change once set"))
        }

        @Test func `dry runs of every deletion leave everything`() async throws {
            let server = try await server("rehearsing")
            for name in ["a", "b"] { try await server.kubectl("create", "configmap", name, "-n", "rehearsing") }
            let all = try await server.kubectl("delete", "cm", "--all", "-n", "rehearsing", "--dry-run=server")
            #expect(all.contains("server dry run"))
            try await server.kubectl(
                "delete", "cm", "a", "-n", "rehearsing", "--dry-run=server", "--cascade=foreground")
            try await server.kubectl("delete", "namespace", "rehearsing", "--dry-run=server")
            let collection = try await server.request(
                "DELETE", "/api/v1/namespaces/rehearsing/configmaps?dryRun=All")
            #expect(collection.status == 200)
            #expect(
                try await server.kubectl("get", "cm", "-n", "rehearsing", "-o", "name")
                    == "configmap/a\nconfigmap/b")
            #expect(
                try await server.kubectl("get", "namespace", "rehearsing", "-o", "jsonpath={.status.phase}")
                    == "Active")
            for type in ["merge", "strategic", "json"] {
                let patch =
                    type == "json" ? #"[{"op":"add","path":"/data","value":{"x":"y"}}]"# : #"{"data":{"x":"y"}}"#
                let shown = try await server.kubectl(
                    "patch", "cm", "a", "-n", "rehearsing", "--dry-run=server", "--type", type, "-p", patch, "-o",
                    "jsonpath={.data.x}")
                #expect(shown == "y")
            }
            #expect(try await server.kubectl("get", "cm", "a", "-n", "rehearsing", "-o", "jsonpath={.data}") == "")
        }

        @Test func `edit that fails keeps the object and the edited file`() async throws {
            let server = try await server("editing-badly")
            try await server.kubectl("create", "service", "clusterip", "s", "-n", "editing-badly", "--tcp=80")
            // The second time the editor leaves the file alone, and kubectl gives up.
            let output = try await server.tryKubectl(
                ["edit", "service", "s", "-n", "editing-badly"],
                environment: ["KUBE_EDITOR": "sed -i s/sessionAffinity:.*/sessionAffinity:\\ Never/"])
            #expect(!output.succeeded)
            #expect(output.err.contains("services \"s\" is invalid"), "\(output)")
            #expect(
                try await server.kubectl(
                    "get", "svc", "s", "-n", "editing-badly", "-o", "jsonpath={.spec.sessionAffinity}") == "None")
        }

        @Test func `curl shows JSON in lines`() async throws {
            let server = try suiteServer()
            let pretty = try await server.request("GET", "/api/v1/namespaces/default")
            #expect(pretty.body.contains("\n  \"metadata\": {\n"))
            let plain = try await server.request("GET", "/api/v1/namespaces/default?pretty=false")
            #expect(!plain.body.contains("\n  "))
            #expect(try plain.json() == pretty.json())
        }
    }
}
