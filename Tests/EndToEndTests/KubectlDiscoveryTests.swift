import Foundation
import Testing

extension EndToEnd {
    /// What kubectl does with kinds that are stored and that nobody here acts on, and with discovery and documents.
    @Suite("kubectl discovers", .serialized, .martlet("apiserver")) struct KubectlDiscoveryTests {
        private static let deployment = """
            apiVersion: apps/v1
            kind: Deployment
            metadata: {name: web}
            spec:
              replicas: 2
              selector: {matchLabels: {app: web}}
              template:
                metadata: {labels: {app: web}}
                spec: {containers: [{name: web, image: web:1}]}
            """

        @Test func `a Deployment is scaled, rolled out and waited for by its status`() async throws {
            let server = try suiteServer()
            try await server.makeNamespace("rolling")
            func kubectl(_ arguments: String...) async throws -> String {
                let output = try await server.tryKubectl(arguments + ["-n", "rolling"])
                try #require(output.succeeded, "\(arguments): \(output)")
                return output.out.trimmingCharacters(in: .whitespacesAndNewlines)
            }
            try await server.kubectl("apply", "-n", "rolling", "-f", "-", input: Self.deployment)
            #expect(try await kubectl("scale", "deployment/web", "--replicas=3") == "deployment.apps/web scaled")
            #expect(try await kubectl("get", "deployment", "web", "-o", "jsonpath={.spec.replicas}") == "3")
            let table = try await kubectl("get", "deployments", "-o", "wide").split(separator: "\n")
            #expect(
                table[0].split(separator: " ").map(String.init) == [
                    "NAME", "READY", "UP-TO-DATE", "AVAILABLE", "AGE", "CONTAINERS", "IMAGES", "SELECTOR",
                ])
            #expect(table[1].split(separator: " ").prefix(2) == ["web", "0/3"])
            let mismatch = try await server.kubectlError(
                "scale", "deployment/web", "-n", "rolling", "--current-replicas=9", "--replicas=1")
            #expect(mismatch.contains("Expected replicas to be 9, was 3"))

            // Nobody rolls it out: the status stays behind, and kubectl says so.
            let waiting = try await server.tryKubectl([
                "rollout", "status", "deployment/web", "-n", "rolling", "--timeout=1s",
            ])
            #expect(!waiting.succeeded && waiting.err.contains("timed out waiting for the condition"))
            #expect(try await kubectl("rollout", "history", "deployment/web").contains("No rollout history found."))
            #expect(try await kubectl("rollout", "restart", "deployment/web") == "deployment.apps/web restarted")
            #expect(try await kubectl("rollout", "pause", "deployment/web") == "deployment.apps/web paused")
            #expect(try await kubectl("rollout", "resume", "deployment/web") == "deployment.apps/web resumed")
            #expect(try await kubectl("set", "image", "deployment/web", "web=web:2").contains("image updated"))
            let image = try await kubectl(
                "get", "deployment", "web", "-o", "jsonpath={.spec.template.spec.containers[0].image}")
            #expect(image == "web:2")

            // A controller of somebody's reports it done.
            let counts = #""replicas":3,"updatedReplicas":3,"readyReplicas":3,"availableReplicas":3"#
            _ = try await kubectl(
                "patch", "deployment", "web", "--subresource=status", "--type=merge", "-p",
                #"{"status":{"observedGeneration":99,\#(counts)}}"#)
            #expect(
                try await kubectl("rollout", "status", "deployment/web", "--timeout=20s").contains(
                    "successfully rolled out"))
            let scale = try await kubectl("get", "deployment", "web", "--subresource=scale")
            #expect(scale.hasPrefix("NAME   DESIRED   AVAILABLE"))
            _ = try await kubectl("wait", "deployment/web", "--for=jsonpath={.spec.replicas}=3", "--timeout=20s")
            _ = try await kubectl("wait", "deployment/web", "--for=create", "--timeout=20s")
            let all = try await kubectl("get", "all")
            #expect(all.contains("deployment.apps/web"))
            _ = try await kubectl("delete", "deployment", "web")
            _ = try await kubectl("wait", "deployment/web", "--for=delete", "--timeout=20s")
        }

        @Test func `every kind is listed, printed wide, described and explained`() async throws {
            let server = try suiteServer()
            let names = try await server.kubectl("api-resources", "--verbs=list", "-o", "name")
                .split(separator: "\n").map(String.init)
            #expect(names.count > 30)
            for name in names {
                let wide = try await server.tryKubectl(["get", name, "-A", "-o", "wide"])
                #expect(wide.succeeded, "\(name): \(wide)")
            }
            for name in ["deployments", "services", "customresourcedefinitions", "networkpolicies", "roles"] {
                let text = try await server.kubectl("explain", name, "--recursive")
                #expect(text.contains("FIELDS:") && text.contains("metadata"), "\(name)")
            }
            let all = try await server.kubectl("api-resources", "--categories=all", "-o", "name")
            for name in ["pods", "services", "deployments.apps", "statefulsets.apps", "jobs.batch"] {
                #expect(all.split(separator: "\n").contains(Substring(name)))
            }
        }

        @Test func `a kind that is declared is discovered, explained and printed at once`() async throws {
            let server = try suiteServer()
            try await server.kubectl(
                "apply", "-f", "-",
                input: """
                    apiVersion: apiextensions.k8s.io/v1
                    kind: CustomResourceDefinition
                    metadata: {name: gadgets.shop.example.com}
                    spec:
                      group: shop.example.com
                      scope: Namespaced
                      names: {plural: gadgets, singular: gadget, kind: Gadget, shortNames: [gd], categories: [all]}
                      versions:
                      - name: v1
                        served: true
                        storage: true
                        additionalPrinterColumns:
                        - {name: Size, type: integer, jsonPath: .spec.size}
                        subresources:
                          scale: {specReplicasPath: .spec.size, statusReplicasPath: .status.size}
                          status: {}
                        schema:
                          openAPIV3Schema:
                            type: object
                            properties:
                              spec:
                                type: object
                                properties:
                                  size: {type: integer, description: How large it is.}
                              status:
                                type: object
                                properties:
                                  size: {type: integer}
                    """)
            try await server.kubectl(
                "wait", "crd/gadgets.shop.example.com", "--for=condition=Established", "--timeout=20s")
            try await server.kubectl(
                "apply", "-f", "-",
                input: """
                    apiVersion: shop.example.com/v1
                    kind: Gadget
                    metadata: {name: one, namespace: default}
                    spec: {size: 3}
                    """)
            #expect(try await server.kubectl("explain", "gadget.spec.size").contains("How large it is."))
            let table = try await server.kubectl("get", "gd").split(separator: "\n")
            #expect(table[0].split(separator: " ") == ["NAME", "SIZE"])
            try await server.kubectl("scale", "gadget/one", "--replicas=5")
            #expect(try await server.kubectl("get", "gadget", "one", "-o", "jsonpath={.spec.size}") == "5")
            #expect(try await server.kubectl("get", "all").contains("gadget.shop.example.com/one"))
            let refused = try await server.kubectlError(
                "apply", "--validate=strict", "-f", "-",
                input: """
                    apiVersion: shop.example.com/v1
                    kind: Gadget
                    metadata: {name: two, namespace: default}
                    spec: {sise: 3}
                    """)
            #expect(refused.contains("sise"))
            try await server.kubectl("delete", "crd", "gadgets.shop.example.com")
            let gone = try await server.kubectlError("get", "gadgets.shop.example.com")
            // kubectl may have kept the discovery documents of a moment ago.
            #expect(
                gone.contains("doesn't have a resource type")
                    || gone.contains("could not find the requested resource"), "\(gone)")
        }

        @Test func `kubectl asks who it is and what it may do`() async throws {
            let server = try suiteServer()
            #expect(try await server.kubectl("auth", "can-i", "create", "pods").hasPrefix("yes"))
            #expect(try await server.kubectl("auth", "can-i", "get", "/metrics").hasPrefix("yes"))
            // "no", which ends with 1.
            _ = try await server.kubectlError("auth", "can-i", "impersonate", "users")
            let rules = try await server.kubectl("auth", "can-i", "--list", "--no-headers").split(separator: "\n")
            let words = rules.map { $0.split(separator: " ").map(String.init) }
            #expect(words == [["*.*", "[]", "[]", "[*]"], ["[*]", "[]", "[*]"]], "\(rules)")
            let whoami = try await server.kubectl("auth", "whoami")
            #expect(whoami.contains("Username") && whoami.contains("system:authenticated"), "\(whoami)")
            let review = try await server.kubectl(
                "create", "-o", "jsonpath={.status.allowed}", "-f", "-",
                input: """
                    apiVersion: authorization.k8s.io/v1
                    kind: SubjectAccessReview
                    spec: {user: stranger, resourceAttributes: {verb: get, resource: pods}}
                    """)
            #expect(review == "false")
        }

        @Test func `what is not served is said so`() async throws {
            let server = try suiteServer()
            let raw = try await server.kubectlError("get", "--raw", "/apis/metrics.k8s.io/v1beta1")
            #expect(raw.contains("NotFound"))
            #expect(try await server.kubectl("get", "--raw", "/version").contains("v1.36"))
            #expect(try await server.kubectlError("top", "pods").contains("Metrics API not available"))
        }
    }
}
