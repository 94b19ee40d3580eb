import Foundation
import Glibc
import Testing

extension EndToEnd {
    /// Services through the real processes: from `kubectl apply` to an answer of a backend.
    @Suite("Traffic to Services", .serialized) struct ServiceTrafficTests {
        @Test func `a Service follows its Pods through cluster IP, node port and load balancer`() async throws {
            let family = try await Family.start()
            do { try await followsPods(family) } catch {
                await family.stop()
                throw error
            }
            await family.stop()
        }

        private func followsPods(_ family: Family) async throws {
            let first = try await family.backend("one", on: "127.0.21.1")
            let second = try await family.backend("two", on: "127.0.21.2")
            defer {
                first.program.signal(SIGTERM)
                second.program.signal(SIGTERM)
            }
            try await family.apply(
                first.pod(labels: "app: web") + "---\n"
                    + """
                    apiVersion: traffic.martlet.dev/v1
                    kind: AddressPool
                    metadata: {name: local}
                    spec: {addresses: ["127.97.5.0/28"], autoAssign: true}
                    ---
                    apiVersion: v1
                    kind: Service
                    metadata: {name: web}
                    spec:
                      type: LoadBalancer
                      selector: {app: web}
                      ports: [{name: http, port: 8000, targetPort: http, nodePort: \(family.nodePort)}]

                    """)
            let server = family.server
            try await server.kubectl("wait", "--for=condition=Ready", "pod/one", "--timeout=30s")
            try await eventually(within: .seconds(20), "a load-balancer address") {
                try await !server.kubectl("get", "svc", "web", "-o", "jsonpath={.status.loadBalancer.ingress[0].ip}")
                    .isEmpty
            }
            let clusterIP = try await server.kubectl("get", "svc", "web", "-o", "jsonpath={.spec.clusterIP}")
            let poolIP = try await server.kubectl(
                "get", "svc", "web", "-o", "jsonpath={.status.loadBalancer.ingress[0].ip}")
            #expect(clusterIP.hasPrefix("127.96."))
            #expect(poolIP.hasPrefix("127.97.5."))
            for url in ["\(clusterIP):8000", "127.0.0.1:\(family.nodePort)", "\(poolIP):8000"] {
                try await eventually(within: .seconds(20), "an answer on \(url)") {
                    try await family.curl("http://\(url)/")?.hasPrefix("one answers GET") == true
                }
            }

            // A second backend takes its turns.
            let port = second.port
            #expect(port != first.port)
            try await family.apply(second.pod(labels: "app: web"))
            try await eventually(within: .seconds(20), "the second backend") {
                try await family.curl("http://\(clusterIP):8000/")?.hasPrefix("two") == true
            }

            // A backend whose probe fails is taken out; without any the connection is refused.
            second.program.signal(SIGTERM)
            first.program.signal(SIGTERM)
            try await eventually(within: .seconds(30), "refusal") {
                let output = try await Program.run(
                    "curl", ["--silent", "--max-time", "5", "http://\(clusterIP):8000/"])
                return output.status == 7
            }
        }

        @Test func `a port that is taken is reported as an Event`() async throws {
            let family = try await Family.start()
            do {
                let backend = try await family.backend("one", on: "127.0.22.1")
                defer { backend.program.signal(SIGTERM) }
                // The backend's own address as an external IP: somebody listens there already.
                try await family.apply(
                    backend.pod(labels: "app: taken") + "---\n"
                        + """
                        apiVersion: v1
                        kind: Service
                        metadata: {name: taken}
                        spec:
                          selector: {app: taken}
                          externalIPs: [127.0.22.1]
                          ports: [{port: \(backend.port), targetPort: http}]

                        """)
                try await eventually(within: .seconds(30), "the Event") {
                    try await family.server.kubectl("get", "events", "-o", "wide").contains("AddressNotServed")
                }
            } catch {
                await family.stop()
                throw error
            }
            await family.stop()
        }

        @Test func `UDP Services answer`() async throws {
            let family = try await Family.start()
            do {
                let udp = try Family.freePorts(1)[0]
                let backend = try await family.backend(
                    "one", on: "127.0.23.1", flags: ["--listen-udp", "127.0.23.1:\(udp)"])
                defer { backend.program.signal(SIGTERM) }
                try await family.apply(
                    """
                    apiVersion: v1
                    kind: Service
                    metadata: {name: datagrams}
                    spec:
                      clusterIP: 127.96.0.53
                      ports: [{port: 5300, protocol: UDP}]
                    ---
                    apiVersion: discovery.k8s.io/v1
                    kind: EndpointSlice
                    metadata:
                      name: datagrams-1
                      labels: {kubernetes.io/service-name: datagrams}
                    addressType: IPv4
                    ports: [{port: \(udp), protocol: UDP}]
                    endpoints: [{addresses: [127.0.23.1]}]

                    """)
                let script = """
                    import socket
                    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.settimeout(1)
                    s.connect(("127.96.0.53", 5300)); s.send(b"ping"); print(s.recv(100).decode())
                    """
                try await eventually(within: .seconds(20), "an answer") {
                    try await Program.run("python3", ["-c", script]).out == "one ping\n"
                }
            } catch {
                await family.stop()
                throw error
            }
            await family.stop()
        }
    }
}
