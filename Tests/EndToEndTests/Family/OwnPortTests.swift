import Foundation
import Glibc
import Testing

extension EndToEnd {
    /// Services on the very ports that Martlet's own processes have on every address of the machine: what is sent to a
    /// cluster IP or another address of a Service enters the Service or nobody, and never one of these processes.
    @Suite("Services on ports of Martlet's own", .serialized) struct OwnPortTests {
        /// Who listens on 0.0.0.0.
        enum Listener: String, CaseIterable {
            case api, http, https, metrics, names, echo

            var name: String { "own-\(rawValue)" }
            var number: Int { Self.allCases.firstIndex(of: self) ?? 0 }
            var clusterIP: String { "127.96.7.\(10 + number)" }
            var externalIP: String { "127.97.7.\(10 + number)" }
            /// Of a Service without endpoints.
            var emptyIP: String { "127.96.8.\(10 + number)" }

            func services(port: UInt16, backend: UInt16) -> String {
                """
                apiVersion: v1
                kind: Service
                metadata: {name: \(name)}
                spec:
                  clusterIP: \(clusterIP)
                  externalIPs: [\(externalIP)]
                  ports: [{name: tcp, port: \(port)}, {name: udp, port: \(port), protocol: UDP}]
                ---
                apiVersion: discovery.k8s.io/v1
                kind: EndpointSlice
                metadata: {name: \(name), labels: {kubernetes.io/service-name: \(name)}}
                addressType: IPv4
                ports: [{name: tcp, port: \(backend)}, {name: udp, port: \(backend), protocol: UDP}]
                endpoints: [{addresses: [127.0.31.1]}]
                ---
                apiVersion: v1
                kind: Service
                metadata: {name: \(name)-empty}
                spec:
                  clusterIP: \(emptyIP)
                  ports: [{port: \(port)}]
                ---

                """
            }
        }

        @Test func `traffic of a Service on a port that Martlet has on every address enters the Service alone`()
            async throws
        {
            let ports = try Family.freePorts(7)
            let own = Dictionary(uniqueKeysWithValues: zip(Listener.allCases, ports))
            @Sendable func address(_ listener: Listener) -> String { "0.0.0.0:\(own[listener] ?? 0)" }
            @Sendable func port(_ listener: Listener) -> String { "\(own[listener] ?? 0)" }
            let apiFlags = ["apiserver", "--bind-address", "0.0.0.0", "--secure-port", port(.api)]
            var server = try await MartletServer.start(apiFlags)
            let dataPlane = try Program(
                server.binary,
                [
                    "dataplane", "--kubeconfig", server.file("local.kubeconfig"), "--proxy-mode", "userspace",
                    "--http-address", address(.http), "--https-address", address(.https),
                    "--metrics-bind-address", address(.metrics), "--dns-address", "0.0.0.0", "--dns-port", port(.names),
                    "--nodeport-addresses", "127.0.0.0/8",
                ])
            let echo = try Program(server.binary, ["echo", "--name", "everywhere", "--listen", address(.echo)])
            let backend = try Program(
                server.binary,
                [
                    "echo", "--name", "right", "--listen", "127.0.31.1:\(ports[6])", "--listen-udp",
                    "127.0.31.1:\(ports[6])",
                ])
            do {
                let log = { @Sendable [server] in
                    dataPlane.output.out + dataPlane.output.err + server.program.output.err
                }
                #expect((server.program.output.out + server.program.output.err).contains("every IPv4 address"))
                let manifest = Listener.allCases.map { $0.services(port: own[$0] ?? 0, backend: ports[6]) }.joined()
                let applied = try await server.tryKubectl(["apply", "-f", "-"], input: manifest)
                try #require(applied.succeeded, "\(applied)")
                for listener in Listener.allCases {
                    for ip in [listener.clusterIP, listener.externalIP] {
                        try await eventually(within: .seconds(60), "\(listener) on \(ip)\n\(log())") {
                            try await answer("\(ip):\(port(listener))").hasPrefix("right answers GET")
                        }
                        try await eventually(within: .seconds(20), "datagrams of \(listener) on \(ip)") {
                            try await datagram(ip, port(listener)) == "right ping\n"
                        }
                    }
                    // Nobody serves it: it is refused, not answered by who has the port elsewhere.
                    let refused = try await Program.run(
                        "curl", ["--silent", "--max-time", "5", "http://\(listener.emptyIP):\(port(listener))/"])
                    #expect(refused.status == 7, "\(listener)")
                }
                // Each still answers where it is at home.
                #expect(try await answer("127.0.0.1:\(port(.echo))").hasPrefix("everywhere answers GET"))
                #expect(try await answer("127.0.0.1:\(port(.metrics))/metrics").contains("martlet_dataplane_"))
                #expect(try await status("http://127.0.0.1:\(port(.http))/") == "404")
                #expect(try await status("https://127.0.0.1:\(port(.api))/readyz") == "200")
                #expect(try await !server.kubectl("get", "events", "-A").contains("AddressNotServed"))

                // Who claims the API server's own address does not get it, also not while it is away.
                let claim = try await server.tryKubectl(
                    ["apply", "-f", "-"],
                    input: Self.thief(port: own[.api] ?? 0, backend: ports[6]))
                try #require(claim.succeeded, "\(claim)")
                try await eventually(within: .seconds(20), "the Event of the refusal") { [server] in
                    try await server.kubectl("get", "events", "-A").contains("the API server has it")
                }

                // The listener comes after the Service, too.
                await server.stop(keepingData: true)
                server = try await MartletServer.start(apiFlags, in: server.directory)
                #expect(try await status("https://127.0.0.1:\(port(.api))/readyz") == "200")
                #expect(
                    try await answer("\(Listener.api.clusterIP):\(port(.api))").hasPrefix("right answers GET"))
            } catch {
                await stop(server, [dataPlane, echo, backend])
                throw error
            }
            await stop(server, [dataPlane, echo, backend])
        }

        private static func thief(port: UInt16, backend: UInt16) -> String {
            """
            apiVersion: v1
            kind: Service
            metadata: {name: thief}
            spec:
              externalIPs: [127.0.0.1]
              ports: [{port: \(port)}]
            ---
            apiVersion: discovery.k8s.io/v1
            kind: EndpointSlice
            metadata: {name: thief, labels: {kubernetes.io/service-name: thief}}
            addressType: IPv4
            ports: [{port: \(backend)}]
            endpoints: [{addresses: [127.0.31.1]}]
            """
        }

        private func stop(_ server: MartletServer, _ programs: [Program]) async {
            for program in programs { await program.stop() }
            await server.stop()
        }

        private func answer(_ place: String) async throws -> String {
            try await Program.run("curl", ["--silent", "--max-time", "5", "http://\(place)"]).out
        }

        private func status(_ url: String) async throws -> String {
            try await Program.run(
                "curl", ["-sk", "--max-time", "5", "-o", "/dev/null", "-w", "%{http_code}", url]
            ).out
        }

        private func datagram(_ ip: String, _ port: String) async throws -> String {
            let script = """
                import socket
                s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.settimeout(1)
                s.connect(("\(ip)", \(port))); s.send(b"ping"); print(s.recv(100).decode())
                """
            return try await Program.run("python3", ["-c", script]).out
        }
    }
}
