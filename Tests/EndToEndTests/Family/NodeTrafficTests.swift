import Foundation
import Glibc
import Testing

extension EndToEnd {
    /// What a node owes to traffic from outside, through the real processes.
    @Suite("Traffic to the addresses of a node", .serialized) struct NodeTrafficTests {
        private func withFamily(_ flags: [String] = [], _ body: (Family) async throws -> Void) async throws {
            let family = try await Family.start(flags)
            do { try await body(family) } catch {
                await family.stop()
                throw error
            }
            await family.stop()
        }

        private func field(_ family: Family, _ path: String, of object: String...) async throws -> String {
            try await family.server.tryKubectl(["get"] + object + ["-o", "jsonpath={\(path)}"]).out
        }

        /// curl's own exit status: 7 for a refused connection.
        private func status(_ url: String) async throws -> Int32 {
            try await Program.run("curl", ["--silent", "--max-time", "5", url]).status
        }

        @Test func `a Service on the proxy's port is its own although the proxy has every address`() async throws {
            try await withFamily(["--proxy-bind-address", "0.0.0.0"]) { family in
                let backend = try await family.backend("one", on: "127.0.26.1")
                defer { backend.program.signal(SIGTERM) }
                try await family.apply(
                    """
                    apiVersion: networking.k8s.io/v1
                    kind: IngressClass
                    metadata: {name: martlet}
                    spec: {controller: martlet.dev/ingress}
                    ---
                    apiVersion: networking.k8s.io/v1
                    kind: Ingress
                    metadata: {name: all}
                    spec: {ingressClassName: martlet, defaultBackend: {service: {name: nobody, port: {number: 80}}}}
                    ---
                    apiVersion: v1
                    kind: Service
                    metadata: {name: mine}
                    spec: {ports: [{port: \(family.httpPort)}]}
                    ---
                    apiVersion: discovery.k8s.io/v1
                    kind: EndpointSlice
                    metadata: {name: mine-1, labels: {kubernetes.io/service-name: mine}}
                    addressType: IPv4
                    ports: [{port: \(backend.port)}]
                    endpoints: [{addresses: ["127.0.26.1"]}]

                    """)
                // The proxy is there on the machine's own address.
                try await eventually(within: .seconds(20), "the Ingress") {
                    try await family.server.tryKubectl(["get", "ingress", "all", "-o", "yaml"]).out.contains("- ip: ")
                }
                #expect(try await status("http://127.0.0.1:\(family.httpPort)/") == 0)
                #expect(
                    try await field(family, ".status.loadBalancer.ingress[0].ip", of: "ingress", "all") != "0.0.0.0")

                let clusterIP = try await field(family, ".spec.clusterIP", of: "svc", "mine")
                let url = "http://\(clusterIP):\(family.httpPort)/"
                try await eventually(within: .seconds(20), "the Service's own backend") {
                    try await family.curl(url)?.hasPrefix("one answers GET") == true
                }
                try await family.server.kubectl("delete", "endpointslice", "mine-1")
                try await eventually(within: .seconds(20), "refusal") { try await status(url) == 7 }
            }
        }

        @Test func `Ingresses show the address that was asked for`() async throws {
            try await withFamily(["--publish-address", "192.0.2.9"]) { family in
                try await family.apply(
                    """
                    apiVersion: networking.k8s.io/v1
                    kind: IngressClass
                    metadata: {name: martlet}
                    spec: {controller: martlet.dev/ingress}
                    ---
                    apiVersion: networking.k8s.io/v1
                    kind: Ingress
                    metadata: {name: all}
                    spec: {ingressClassName: martlet, defaultBackend: {service: {name: nobody, port: {number: 80}}}}

                    """)
                try await eventually(within: .seconds(20), "the address") {
                    try await field(family, ".status.loadBalancer.ingress[0].ip", of: "ingress", "all") == "192.0.2.9"
                }
            }
        }

        @Test func `a registered process is here for a Local Service, and load balancers learn it`() async throws {
            try await withFamily(["--node-name", "node-26"]) { family in
                let backend = try await family.backend("one", on: "127.0.26.2")
                defer { backend.program.signal(SIGTERM) }
                try await family.apply(
                    backend.pod(labels: "app: edge") + "---\n"
                        + """
                        apiVersion: traffic.martlet.dev/v1
                        kind: AddressPool
                        metadata: {name: local}
                        spec: {addresses: ["127.97.26.0/28"], autoAssign: true}
                        ---
                        apiVersion: v1
                        kind: Service
                        metadata: {name: edge}
                        spec:
                          type: LoadBalancer
                          externalTrafficPolicy: Local
                          selector: {app: edge}
                          ports: [{port: 8000, targetPort: http, nodePort: \(family.nodePort)}]

                        """)
                try await eventually(within: .seconds(30), "the node port") {
                    try await family.curl("http://127.0.0.1:\(family.nodePort)/")?.hasPrefix("one answers") == true
                }
                let port = try await field(family, ".spec.healthCheckNodePort", of: "svc", "edge")
                try await eventually(within: .seconds(20), "an endpoint here") {
                    try await family.curl("http://127.0.0.1:\(port)/healthz")?.contains(#""localEndpoints":1"#) == true
                }
                try await eventually(within: .seconds(20), "the node") {
                    try await family.server.tryKubectl(["get", "nodes"]).out.contains("node-26   Ready")
                }
            }
        }

        @Test func `a range with a space before it keeps others out`() async throws {
            try await withFamily { family in
                let backend = try await family.backend("one", on: "127.0.26.3")
                defer { backend.program.signal(SIGTERM) }
                func apply(_ ranges: String) async throws {
                    try await family.apply(
                        """
                        apiVersion: traffic.martlet.dev/v1
                        kind: AddressPool
                        metadata: {name: local}
                        spec: {addresses: ["127.97.27.0/28"], autoAssign: true}
                        ---
                        apiVersion: v1
                        kind: Service
                        metadata: {name: closed}
                        spec:
                          type: LoadBalancer
                          loadBalancerSourceRanges: \(ranges)
                          ports: [{port: 8000, nodePort: \(family.nodePort)}]
                        ---
                        apiVersion: discovery.k8s.io/v1
                        kind: EndpointSlice
                        metadata: {name: closed-1, labels: {kubernetes.io/service-name: closed}}
                        addressType: IPv4
                        ports: [{port: \(backend.port)}]
                        endpoints: [{addresses: ["127.0.26.3"]}]

                        """)
                }
                try await apply("[\"10.9.0.0/16\", \" 127.0.0.0/8\"]")
                let path = ".status.loadBalancer.ingress[0].ip"
                try await eventually(within: .seconds(20), "an address") {
                    try await !field(family, path, of: "svc", "closed").isEmpty
                }
                let url = "http://\(try await field(family, path, of: "svc", "closed")):8000/"
                try await eventually(within: .seconds(20), "admission") { try await status(url) == 0 }
                try await apply("[\" 10.9.0.0/16\"]")
                // 56: the connection is reset.
                try await eventually(within: .seconds(20), "exclusion") { try await status(url) == 56 }
            }
        }
    }
}
