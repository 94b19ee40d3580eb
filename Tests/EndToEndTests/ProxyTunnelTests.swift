import Foundation
import KubeModel
import Testing

extension EndToEnd {
    /// WebSockets through `proxy`, between a client and a backend that other people's library made.
    @Suite("WebSockets through the API server", .serialized, .martlet("apiserver")) struct ProxyTunnelTests {
        private static let script =
            MartletServer.packageRoot.appending(path: "Tests/Clients/python/websocket_proxy.py").path

        /// Registers a backend as a Pod with a Service, both of this name.
        private func register(_ name: String, port: Int, on server: MartletServer) async throws {
            try await server.kubectl(
                "apply", "-f", "-",
                input: """
                    apiVersion: v1
                    kind: Pod
                    metadata: {name: \(name)}
                    spec:
                      containers: [{name: a, image: none, ports: [{containerPort: \(port)}]}]
                    ---
                    apiVersion: v1
                    kind: Service
                    metadata: {name: \(name)}
                    spec: {ports: [{name: main, port: 80, targetPort: \(port)}]}
                    ---
                    apiVersion: discovery.k8s.io/v1
                    kind: EndpointSlice
                    metadata: {name: \(name)-1, labels: {kubernetes.io/service-name: \(name)}}
                    addressType: IPv4
                    ports: [{name: main, port: \(port), protocol: TCP}]
                    endpoints:
                    - addresses: [127.0.0.1]
                      conditions: {ready: true}
                      targetRef: {kind: Pod, namespace: default, name: \(name)}
                    """)
            let answer = try await server.request(
                "PATCH", "/api/v1/namespaces/default/pods/\(name)/status",
                body: #"{"status":{"phase":"Running","podIP":"127.0.0.1","podIPs":[{"ip":"127.0.0.1"}]}}"#,
                type: "application/merge-patch+json")
            #expect(answer.status == 200, "\(answer)")
        }

        /// Starts a backend; its port.
        private func serve(_ files: String...) async throws -> (program: Program, port: Int) {
            let program = try Program("python3", [Self.script, "serve"] + files)
            try await eventually(within: .seconds(20), "the port of \(program.output)") {
                program.output.out.contains("\n")
            }
            return (program, try #require(Int(program.output.out.prefix { $0 != "\n" })))
        }

        private func ask(_ path: String, _ server: MartletServer, count: Int = 12) async throws -> String {
            let output = try await Program.run(
                "python3",
                [
                    Self.script, "ask", server.url, server.file("ca.crt"), try server.token(),
                    "/api/v1/namespaces/default/\(path)", "\(count)",
                ])
            #expect(output.succeeded, "\(output)")
            return output.out
        }

        @Test func `messages of every size come back, and plain requests go on to work`() async throws {
            let server = try suiteServer()
            let (backend, port) = try await serve()
            try await register("ws", port: port, on: server)
            for path in ["pods/ws:\(port)/proxy/chat?room=1", "services/ws:main/proxy/chat?room=1"] {
                let seen = try await ask(path, server)
                #expect(seen == "/chat?room=1 credentials hidden: yes\n12 messages, close 1000 then None\n")
                let plain = try await server.kubectl("get", "--raw", "/api/v1/namespaces/default/\(path)")
                #expect(plain == "plain /chat?room=1")
            }
            let metrics = try await server.request("GET", "/metrics").body
            #expect(metrics.contains("martlet_api_proxy_upgrades_total{result=\"switched\"} 2\n"))
            let line = "apiserver_request_total{verb=\"connect\",resource=\"pods\",code=\"101\"} 1\n"
            #expect(metrics.contains(line), "\(metrics)")
            try await eventually(within: .seconds(20), "the end of the tunnels") {
                try await server.request("GET", "/metrics").body.contains("\nmartlet_api_proxy_tunnels 0\n")
            }
            let refused = try await server.request(
                "GET", "/api/v1/namespaces/default/pods/ws/proxy/",
                headers: ["Connection: Upgrade", "Upgrade: websocket"], credentials: .none, options: ["--http1.1"])
            #expect(refused.status == 401)
            await backend.stop()
        }

        @Test func `a backend over TLS is reached the same way, and a dead one is told`() async throws {
            let server = try suiteServer()
            // Any certificate will do: those of Pods are nobody's to check here.
            let (backend, port) = try await serve(server.file("admin.crt"), server.file("admin.key"))
            try await register("wss", port: port, on: server)
            let seen = try await ask("services/https:wss:main/proxy/", server)
            #expect(seen == "/ credentials hidden: yes\n12 messages, close 1000 then None\n")
            await backend.stop()
            let dead = try await ask("pods/wss/proxy/", server)
            #expect(dead.hasPrefix("HTTP/1.1 503 ") && dead.contains("\"reason\":\"ServiceUnavailable\""), "\(dead)")
        }

        /// RFC 9113, 8.2.2: such a request is malformed. Go's server answers 400 where this one resets the stream.
        @Test func `HTTP 2 has no upgrades`() async throws {
            let server = try suiteServer()
            let output = try await Program.run(
                "curl",
                [
                    "--silent", "--http2", "--cacert", server.file("ca.crt"), "--header",
                    "Authorization: Bearer " + (try server.token()), "--header", "Upgrade: websocket", "--header",
                    "Connection: Upgrade", server.url + "/api/v1/namespaces/default/pods/none/proxy/",
                ])
            // Some versions of curl leave the fields out; then it is a plain request for a Pod that is not there.
            #expect(!output.succeeded || output.out.contains("\"code\": 404"), "\(output)")
        }
    }
}
