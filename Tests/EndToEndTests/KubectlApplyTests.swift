import Foundation
import KubeModel
import Testing

extension EndToEnd {
    /// `kubectl apply --server-side`, `kubectl diff` and who owns what, as people use them.
    @Suite("kubectl applies", .serialized, .martlet("apiserver")) struct KubectlApplyTests {
        private static func service(target: Int, extra: String = "") -> String {
            """
            apiVersion: v1
            kind: Service
            metadata: {name: web, labels: {app: web}}
            spec:
              ports: [{name: http, port: 80, targetPort: \(target)}]
              selector: {app: web}
            \(extra)
            """
        }

        private func server(_ namespace: String) async throws -> MartletServer {
            let server = try suiteServer()
            try await server.makeNamespace(namespace)
            return server
        }

        private func object(_ server: MartletServer, _ namespace: String) async throws -> JSONValue {
            let text = try await server.kubectl(
                "get", "service", "web", "-n", namespace, "-o", "json", "--show-managed-fields")
            return try JSONParser.parse(Array(text.utf8))
        }

        /// "kubectl Apply", in order.
        private func owners(_ object: JSONValue) -> [String] {
            (object["metadata"]["managedFields"].array ?? []).map { entry in
                ["manager", "operation", "subresource"].compactMap { entry[$0].string }.joined(separator: " ")
            }
        }

        @Test func `server-side apply creates, keeps, changes and refuses`() async throws {
            let server = try await server("ssa")
            func apply(_ manifest: String, _ arguments: String...) async throws -> Program.Output {
                try await server.tryKubectl(
                    ["apply", "--server-side", "-n", "ssa", "-f", "-"] + arguments, input: manifest)
            }
            let first = try await apply(Self.service(target: 8080))
            #expect(first.out == "service/web serverside-applied\n", "\(first)")
            let before = try await object(server, "ssa")
            #expect(owners(before) == ["kubectl Apply"])
            #expect(before["spec"]["clusterIP"] != nil)
            #expect(try await apply(Self.service(target: 8080)).succeeded)
            #expect(try await object(server, "ssa") == before)

            let refused = try await apply(Self.service(target: 9090), "--field-manager=someone")
            #expect(!refused.succeeded)
            #expect(
                refused.err.contains(
                    #"Apply failed with 1 conflict: conflict with "kubectl": .spec.ports[port=80,protocol="TCP"].targetPort"#
                ), "\(refused.err)")
            #expect(refused.err.contains("Please review the fields above"))
            let forced = try await apply(Self.service(target: 9090), "--field-manager=someone", "--force-conflicts")
            #expect(forced.succeeded, "\(forced)")
            let after = try await object(server, "ssa")
            #expect(after["spec"]["ports"][0]["targetPort"] == 9090)
            #expect(owners(after).sorted() == ["kubectl Apply", "someone Apply"])

            let unknown = try await apply(Self.service(target: 9090, extra: "  bogus: 1"), "--field-manager=someone")
            #expect(unknown.err.contains(".spec.bogus: field not declared in schema"), "\(unknown.err)")
            let tried = try await apply(
                Self.service(target: 1), "--field-manager=someone", "--dry-run=server", "-o", "json")
            #expect(tried.out.contains("\"targetPort\": 1"), "\(tried)")
            #expect(try await object(server, "ssa") == after)
        }

        @Test func `fields that leave the manifest leave the object`() async throws {
            let server = try await server("ssa-prune")
            func apply(_ data: String) async throws -> String {
                try await server.kubectl(
                    "apply", "--server-side", "-n", "ssa-prune", "-f", "-",
                    input: "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: m}\ndata: {\(data)}\n")
            }
            _ = try await apply("a: '1', b: '2'")
            try await server.kubectl(
                "patch", "configmap", "m", "-n", "ssa-prune", "--type=merge", "-p", #"{"data":{"c":"3"}}"#)
            _ = try await apply("b: '2'")
            #expect(
                try await server.kubectl("get", "configmap", "m", "-n", "ssa-prune", "-o", "jsonpath={.data}")
                    == #"{"b":"2","c":"3"}"#)
        }

        @Test func `an object of a client-side apply moves over`() async throws {
            let server = try await server("csa")
            func apply(_ manifest: String, _ arguments: String...) async throws -> Program.Output {
                try await server.tryKubectl(["apply", "-n", "csa", "-f", "-"] + arguments, input: manifest)
            }
            #expect(try await apply(Self.service(target: 8080)).succeeded)
            #expect(owners(try await object(server, "csa")) == ["kubectl-client-side-apply Update"])
            // kubectl hands the fields over itself: the entry of the one manager becomes part of the other's.
            let moved = try await apply(Self.service(target: 8081), "--server-side")
            #expect(moved.succeeded, "\(moved)")
            let after = try await object(server, "csa")
            #expect(owners(after).sorted() == ["kubectl Apply", "kubectl-last-applied Apply"])
            #expect(after["spec"]["ports"][0]["targetPort"] == 8081)
            let annotation = after["metadata"]["annotations"]["kubectl.kubernetes.io/last-applied-configuration"]
            #expect(annotation.string?.contains("8081") == true)
            // What is no longer in the manifest goes, though it was the other kind of apply that has set it.
            let fewer = """
                apiVersion: v1
                kind: Service
                metadata: {name: web}
                spec: {ports: [{name: http, port: 80}]}
                """
            #expect(try await apply(fewer, "--server-side").succeeded)
            #expect(try await object(server, "csa")["metadata"]["labels"] == nil)
            // And back again.
            let back = try await apply(Self.service(target: 8082))
            #expect(back.succeeded, "\(back)")
            #expect(try await object(server, "csa")["spec"]["ports"][0]["targetPort"] == 8082)
        }

        @Test func `diff shows what an apply of either kind would do`() async throws {
            let server = try await server("diffing")
            _ = try await server.kubectl(
                "apply", "-n", "diffing", "-f", "-", input: Self.service(target: 8080))
            for flags in [[], ["--server-side", "--force-conflicts", "--field-manager=me"]] {
                let same = try await server.tryKubectl(
                    ["diff", "-n", "diffing", "-f", "-"] + flags, input: Self.service(target: 8080))
                #expect(same.succeeded, "\(same)")
                #expect(same.out.isEmpty, "\(same)")
                let different = try await server.tryKubectl(
                    ["diff", "-n", "diffing", "-f", "-"] + flags, input: Self.service(target: 9090))
                #expect(!different.succeeded)
                #expect(different.out.contains("-    targetPort: 8080"), "\(different)")
                #expect(different.out.contains("+    targetPort: 9090"), "\(different)")
            }
            #expect(try await object(server, "diffing")["spec"]["ports"][0]["targetPort"] == 8080)
        }

        @Test func `owners are shown when they are asked for`() async throws {
            let server = try await server("showing")
            _ = try await server.kubectl(
                "apply", "--server-side", "--field-manager=me", "-n", "showing", "-f", "-",
                input: Self.service(target: 8080))
            try await server.kubectl("label", "service", "web", "-n", "showing", "tier=front")
            try await server.kubectl("annotate", "service", "web", "-n", "showing", "note=x")
            let hidden = try await server.kubectl("get", "service", "web", "-n", "showing", "-o", "yaml")
            #expect(!hidden.contains("managedFields"))
            let shown = try await server.kubectl(
                "get", "service", "web", "-n", "showing", "-o", "yaml", "--show-managed-fields")
            #expect(shown.contains("managedFields") && shown.contains(#"k:{"port":80,"protocol":"TCP"}:"#), "\(shown)")
            let owners = owners(try await object(server, "showing"))
            #expect(owners.first == "me Apply")
            // By the second of their writes, then by name.
            #expect(owners.dropFirst().sorted() == ["kubectl-annotate Update", "kubectl-label Update"])
        }
    }
}
