import Foundation
import KubeModel
import Testing

extension EndToEnd {
    /// `kubectl` as people use it to change things.
    @Suite("kubectl writes", .serialized, .martlet("apiserver")) struct KubectlWriteTests {
        private static func service(ports: String, extra: String = "") -> String {
            """
            apiVersion: v1
            kind: Service
            metadata: {name: web, labels: {app: web}\(extra)}
            spec:
              ports: [\(ports)]
              selector: {app: web}
            """
        }

        private func server(_ namespace: String) async throws -> MartletServer {
            let server = try suiteServer()
            try await server.makeNamespace(namespace)
            return server
        }

        @Test func `apply creates, leaves alone, changes and removes`() async throws {
            let server = try await server("applying")
            func apply(_ manifest: String) async throws -> String {
                try await server.kubectl("apply", "-n", "applying", "-f", "-", input: manifest)
            }
            let two = Self.service(ports: "{name: a, port: 80}, {name: b, port: 81, targetPort: 8081}")
            #expect(try await apply(two) == "service/web created")
            let before = try await server.kubectl("get", "svc", "web", "-n", "applying", "-o", "json")
            #expect(try await apply(two) == "service/web unchanged")
            let after = try await server.kubectl("get", "svc", "web", "-n", "applying", "-o", "json")
            #expect(before == after)
            // Somebody else's fields stay, fields that left the manifest go.
            try await server.kubectl("annotate", "svc", "web", "-n", "applying", "note=kept")
            let one = Self.service(ports: "{name: b, port: 81, targetPort: 8082}")
            #expect(try await apply(one) == "service/web configured")
            let text = try await server.kubectl("get", "svc", "web", "-n", "applying", "-o", "json")
            let object = try JSONParser.parse(Array(text.utf8))
            #expect(object["spec"]["ports"].array?.count == 1)
            #expect(object["spec"]["ports"][0]["targetPort"] == 8082)
            #expect(object["metadata"]["annotations"]["note"] == "kept")
            let old = try JSONParser.parse(Array(before.utf8))
            #expect(object["spec"]["clusterIP"] == old["spec"]["clusterIP"])
            #expect(object["metadata"]["uid"] == old["metadata"]["uid"])
        }

        @Test func `apply of our own kinds merges`() async throws {
            let server = try await server("applying-ours")
            func apply(_ addresses: String) async throws -> String {
                try await server.kubectl(
                    "apply", "-f", "-",
                    input: """
                        apiVersion: traffic.martlet.dev/v1
                        kind: AddressPool
                        metadata: {name: applied}
                        spec: {addresses: [\(addresses)]}
                        """)
            }
            #expect(try await apply("192.0.2.0/30") == "addresspool.traffic.martlet.dev/applied created")
            #expect(try await apply("192.0.2.0/30") == "addresspool.traffic.martlet.dev/applied unchanged")
            #expect(try await apply("192.0.2.8/30").hasSuffix("configured"))
            #expect(
                try await server.kubectl("get", "pool", "applied", "-o", "jsonpath={.spec}")
                    .contains(#""addresses":["192.0.2.8/30"]"#))
            try await server.kubectl("delete", "addresspool", "applied")
        }

        @Test func `every kind can be created from a file`() async throws {
            let server = try await server("every-kind")
            let path = MartletServer.packageRoot.appending(path: "Tests/EndToEndTests/Manifests/every-kind.yaml").path
            let created = try await server.kubectl("create", "-n", "every-kind", "-f", path)
            let kinds = created.split(separator: "\n").map { $0.prefix { $0 != "/" && $0 != "." } }
            #expect(
                Set(kinds) == [
                    "namespace", "node", "configmap", "secret", "serviceaccount", "service", "endpoints", "pod",
                    "event",
                    "lease", "endpointslice", "ingressclass", "ingress", "routetable", "addresspool", "healthcheck",
                ])
            let again = try await server.kubectlError("create", "-n", "every-kind", "-f", path)
            #expect(again.components(separatedBy: "(AlreadyExists)").count - 1 == kinds.count)
            for kind in Set(kinds) {
                _ = try await server.kubectl("get", String(kind), "-A", "-o", "wide")
                _ = try await server.kubectl("get", String(kind), "-A", "-o", "yaml")
            }
            let deleted = try await server.kubectl("delete", "-n", "every-kind", "-f", path)
            #expect(deleted.split(separator: "\n").count == kinds.count)
        }

        @Test func `create makes objects from arguments`() async throws {
            let server = try await server("arguments")
            func create(_ arguments: String...) async throws -> String {
                let output = try await server.tryKubectl(["create"] + arguments + ["-n", "arguments"])
                return output.out + output.err
            }
            #expect(try await create("configmap", "c", "--from-literal=a=b") == "configmap/c created\n")
            #expect(try await create("secret", "generic", "s", "--from-literal=a=b") == "secret/s created\n")
            #expect(try await create("serviceaccount", "sa") == "serviceaccount/sa created\n")
            #expect(try await create("service", "nodeport", "np", "--tcp=80:8080") == "service/np created\n")
            #expect(
                try await create("ingress", "i", "--rule=a.example.com/x*=np:80")
                    == "ingress.networking.k8s.io/i created\n")
            #expect(
                try await server.kubectl("get", "secret", "s", "-n", "arguments", "-o", "jsonpath={.data.a}") == "Yg==")
            let nodePort = try await server.kubectl(
                "get", "svc", "np", "-n", "arguments", "-o", "jsonpath={.spec.ports[0].nodePort}")
            #expect((30000...32767).contains(try #require(Int(nodePort))))
            #expect(
                try await server.kubectl("run", "p", "--image=example/p", "-n", "arguments", "--port=80")
                    == "pod/p created")
            #expect(
                try await server.kubectl("expose", "pod", "p", "-n", "arguments", "--name=exposed")
                    == "service/exposed exposed")
        }

        @Test func `patch applies all three kinds`() async throws {
            let server = try await server("patching")
            try await server.kubectl(
                "create", "-n", "patching", "-f", "-",
                input: Self.service(ports: "{name: a, port: 80}, {name: b, port: 81}"))
            func patch(_ type: String, _ patch: String) async throws -> JSONValue {
                let text = try await server.kubectl(
                    "patch", "svc", "web", "-n", "patching", "--type", type, "-p", patch, "-o", "json")
                return try JSONParser.parse(Array(text.utf8))
            }
            let strategic = try await patch("strategic", #"{"spec":{"ports":[{"port":81,"targetPort":9}]}}"#)
            #expect(strategic["spec"]["ports"].array?.count == 2)
            let operations = try await patch("json", #"[{"op":"replace","path":"/metadata/labels/app","value":"x"}]"#)
            #expect(operations["metadata"]["labels"] == ["app": "x"])
            let merged = try await patch("merge", #"{"spec":{"ports":[{"port":82}]},"metadata":{"labels":null}}"#)
            #expect(merged["spec"]["ports"].array?.count == 1)
            #expect(merged["metadata"]["labels"] == nil)
            #expect(
                try await server.kubectl("patch", "svc", "web", "-n", "patching", "-p", "{}")
                    == "service/web patched (no change)")
            let broken = try await server.kubectlError(
                "patch", "svc", "web", "-n", "patching", "--type", "json", "-p", #"[{"op":"remove","path":"/x"}]"#)
            #expect(broken.contains("the server rejected our request") || broken.contains("nvalid"))
        }

        @Test func `label and annotate set, refuse and remove`() async throws {
            let server = try await server("labels")
            try await server.kubectl("create", "configmap", "c", "-n", "labels")
            func labels() async throws -> String {
                try await server.kubectl("get", "cm", "c", "-n", "labels", "-o", "jsonpath={.metadata.labels}")
            }
            #expect(try await server.kubectl("label", "cm", "c", "-n", "labels", "a=1") == "configmap/c labeled")
            let refused = try await server.kubectlError("label", "cm", "c", "-n", "labels", "a=2")
            #expect(refused.contains("already has a value"))
            try await server.kubectl("label", "cm", "c", "-n", "labels", "a=2", "--overwrite")
            #expect(try await labels() == #"{"a":"2"}"#)
            try await server.kubectl("label", "cm", "c", "-n", "labels", "a-")
            #expect(try await labels() == "")
            #expect(
                try await server.kubectl("annotate", "cm", "--all", "-n", "labels", "x=y") == "configmap/c annotated")
            let invalid = try await server.tryKubectl(["label", "cm", "c", "-n", "labels", "a=not valid"])
            #expect(!invalid.succeeded)
        }

        @Test func `edit stores what the editor leaves`() async throws {
            let server = try await server("editing")
            try await server.kubectl("create", "configmap", "c", "-n", "editing", "--from-literal=color=blue")
            let output = try await server.tryKubectl(
                ["edit", "configmap", "c", "-n", "editing"], environment: ["KUBE_EDITOR": "sed -i s/blue/red/"])
            #expect(output.out == "configmap/c edited\n", "\(output)")
            #expect(
                try await server.kubectl("get", "cm", "c", "-n", "editing", "-o", "jsonpath={.data.color}") == "red")
            let untouched = try await server.tryKubectl(
                ["edit", "configmap", "c", "-n", "editing"], environment: ["KUBE_EDITOR": "true"])
            #expect((untouched.out + untouched.err).contains("no changes made"))
        }

        @Test func `replace overwrites the current version only`() async throws {
            let server = try await server("replacing")
            try await server.kubectl("create", "configmap", "c", "-n", "replacing", "--from-literal=v=1")
            let first = try await server.kubectl("get", "cm", "c", "-n", "replacing", "-o", "yaml")
            #expect(
                try await server.kubectl("replace", "-f", "-", input: first.replacing("v: \"1\"", with: "v: \"2\""))
                    == "configmap/c replaced")
            let stale = try await server.kubectlError(
                "replace", "-f", "-", input: first.replacing("v: \"1\"", with: "v: \"3\""))
            #expect(stale.contains("(Conflict)"))
            #expect(stale.contains("the object has been modified; please apply your changes to the latest version"))
            let forced = try await server.kubectl("replace", "--force", "-f", "-", input: first)
            #expect(forced.contains("deleted") && forced.contains("replaced"))
            let missing = try await server.kubectlError(
                "replace", "-n", "replacing", "-f", "-",
                input: "---\n{apiVersion: v1, kind: ConfigMap, metadata: {name: none}}")
            #expect(missing.contains("(NotFound)"))
        }

        @Test func `delete takes names, selectors and everything`() async throws {
            let server = try await server("deleting")
            for name in ["a", "b", "c", "d"] {
                try await server.kubectl("create", "configmap", name, "-n", "deleting")
            }
            try await server.kubectl("label", "cm", "b", "-n", "deleting", "x=y")
            func delete(_ arguments: String...) async throws -> String {
                let output = try await server.tryKubectl(["delete", "cm", "-n", "deleting"] + arguments)
                return output.out + output.err
            }
            #expect(Self.names(try await delete("a"), "a"))
            #expect(Self.names(try await delete("-l", "x=y"), "b"))
            #expect(try await delete("a").contains("(NotFound): configmaps \"a\" not found"))
            #expect(try await delete("a", "--ignore-not-found") == "")
            let rest = try await delete("--all")
            #expect(Self.names(rest, "c") && Self.names(rest, "d"))
            #expect(try await server.kubectl("get", "cm", "-n", "deleting", "-o", "name") == "")
        }

        @Test func `delete of a namespace takes its contents along`() async throws {
            let server = try await server("doomed")
            try await server.kubectl("create", "configmap", "c", "-n", "doomed")
            try await server.kubectl("create", "service", "clusterip", "s", "-n", "doomed", "--tcp=80")
            try await server.kubectl("delete", "namespace", "doomed", "--timeout=30s")
            #expect(try await server.kubectlError("get", "namespace", "doomed").contains("(NotFound)"))
            #expect(
                try await server.kubectl(
                    "get", "svc,cm", "-A", "--field-selector", "metadata.namespace=doomed", "-o", "name") == "")
        }

        @Test func `finalizers hold a deleted object until they are gone`() async throws {
            let server = try await server("finalizing")
            try await server.kubectl(
                "create", "-n", "finalizing", "-f", "-",
                input: "---\n{apiVersion: v1, kind: ConfigMap, metadata: {name: held, finalizers: [example.com/hold]}}")
            try await server.kubectl("delete", "cm", "held", "-n", "finalizing", "--wait=false")
            #expect(
                try await server.kubectl(
                    "get", "cm", "held", "-n", "finalizing", "-o", "jsonpath={.metadata.deletionTimestamp}") != "")
            let waiting = try Program(
                "kubectl", ["wait", "--for=delete", "cm/held", "-n", "finalizing", "--timeout=30s"],
                environment: server.clientEnvironment)
            try await server.kubectl(
                "patch", "cm", "held", "-n", "finalizing", "--type=merge", "-p", #"{"metadata":{"finalizers":null}}"#)
            #expect(try await waiting.ended().succeeded)
            #expect(try await server.kubectlError("get", "cm", "held", "-n", "finalizing").contains("(NotFound)"))
        }

        @Test func `wait sees a condition come true`() async throws {
            let server = try await server("waiting")
            try await server.kubectl("run", "p", "--image=example/p", "-n", "waiting")
            let waiting = try Program(
                "kubectl", ["wait", "--for=condition=Ready", "pod/p", "-n", "waiting", "--timeout=30s"],
                environment: server.clientEnvironment)
            let status = #"{"status":{"conditions":[{"type":"Ready","status":"True"}],"phase":"Running"}}"#
            let answer = try await server.request(
                "PATCH", "/api/v1/namespaces/waiting/pods/p/status", body: status,
                type: "application/strategic-merge-patch+json")
            #expect(answer.status == 200, "\(answer)")
            let output = try await waiting.ended()
            #expect(output.out == "pod/p condition met\n", "\(output)")
        }

        @Test func `get with --watch follows changes`() async throws {
            let server = try await server("following")
            try await server.kubectl("create", "configmap", "a", "-n", "following")
            let watching = try Program(
                "kubectl", ["get", "cm", "-n", "following", "-w", "--output-watch-events", "--no-headers"],
                environment: server.clientEnvironment)
            func sees(_ text: String) async throws {
                try await eventually(within: .seconds(20), "\(text) in \(watching.output)") {
                    watching.output.out.split(separator: "\n").contains { line in
                        let words = line.split(whereSeparator: \.isWhitespace)
                        return words.prefix(3).joined(separator: " ") == text
                    }
                }
            }
            try await sees("ADDED a 0")
            try await server.kubectl("create", "configmap", "b", "-n", "following", "--from-literal=x=1")
            try await sees("ADDED b 1")
            try await server.kubectl("patch", "cm", "b", "-n", "following", "-p", #"{"data":{"y":"2"}}"#)
            try await sees("MODIFIED b 2")
            try await server.kubectl("delete", "cm", "a", "-n", "following")
            try await sees("DELETED a 0")
            await watching.stop()
        }

        @Test func `a dry run on the server changes nothing`() async throws {
            let server = try await server("dry")
            let text = try await server.kubectl(
                "create", "-n", "dry", "--dry-run=server", "-f", "-", "-o", "json",
                input: Self.service(ports: "{port: 80}"))
            let object = try JSONParser.parse(Array(text.utf8))
            #expect(object["spec"]["type"] == "ClusterIP")
            #expect(object["metadata"]["uid"] != nil)
            #expect(try await server.kubectl("get", "svc", "-n", "dry", "-o", "name") == "")
            try await server.kubectl("create", "configmap", "c", "-n", "dry", "--from-literal=a=1")
            try await server.kubectl("delete", "cm", "c", "-n", "dry", "--dry-run=server")
            try await server.kubectl(
                "patch", "cm", "c", "-n", "dry", "--dry-run=server", "-p", #"{"data":{"a":"2"}}"#)
            #expect(try await server.kubectl("get", "cm", "c", "-n", "dry", "-o", "jsonpath={.data.a}") == "1")
            let difference = try await server.tryKubectl(
                ["diff", "-n", "dry", "-f", "-"],
                input: "---\n{apiVersion: v1, kind: ConfigMap, metadata: {name: c}, data: {a: '3'}}")
            #expect(difference.status == 1 && difference.out.contains("+  a: \"3\""), "\(difference)")
        }

        @Test func `every invalid field is named at once`() async throws {
            let server = try await server("invalid")
            let error = try await server.kubectlError(
                "create", "-n", "invalid", "-f", "-",
                input: """
                    apiVersion: v1
                    kind: Service
                    metadata: {name: Wrong_Name}
                    spec: {type: Sideways, ports: [{name: a, port: 0}, {name: a, port: 90000, protocol: HTTP}]}
                    """)
            #expect(error.contains("Service \"Wrong_Name\" is invalid"))
            for field in [
                "metadata.name: Invalid value", "spec.type: Unsupported value: \"Sideways\"",
                "spec.ports[0].port: Invalid value: 0: must be between 1 and 65535, inclusive",
                "spec.ports[1].name: Duplicate value: \"a\"", "spec.ports[1].protocol: Unsupported value: \"HTTP\"",
            ] {
                #expect(error.contains(field), "\(field) in \(error)")
            }
        }

        @Test func `an unknown field is refused when asked to be strict`() async throws {
            let server = try await server("strict")
            let manifest = "---\n{apiVersion: v1, kind: ConfigMap, metadata: {name: c}, dada: {a: b}}"
            let error = try await server.kubectlError("create", "-n", "strict", "-f", "-", input: manifest)
            #expect(error.contains("unknown field \"dada\""))
            let relaxed = try await server.tryKubectl(
                ["create", "--validate=false", "-n", "strict", "-f", "-"], input: manifest)
            #expect(relaxed.out == "configmap/c created\n", "\(relaxed)")
        }

        @Test func `a node can be cordoned, tainted and made ready`() async throws {
            let server = try suiteServer()
            try await server.kubectl(
                "create", "-f", "-", input: "---\n{apiVersion: v1, kind: Node, metadata: {name: n1}}")
            try await server.kubectl("cordon", "n1")
            try await server.kubectl("taint", "node", "n1", "k=v:NoSchedule")
            let row = try await server.kubectl("get", "node", "n1", "--no-headers")
            #expect(row.contains("Unknown,SchedulingDisabled"))
            let taints = try await server.kubectl("get", "node", "n1", "-o", "jsonpath={.spec.taints[*].key}")
            #expect(taints.contains("k"))
            try await server.kubectl("uncordon", "n1")
            try await server.kubectl("delete", "node", "n1")
        }

        /// Newer versions name the namespace: `configmap "a" deleted from deleting namespace`.
        private static func names(_ text: String, _ name: String) -> Bool {
            text.split(separator: "\n").contains { $0.hasPrefix("configmap \"\(name)\" deleted") }
        }
    }
}
