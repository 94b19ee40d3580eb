import Foundation
import Glibc
import Testing

extension EndToEnd {
    /// A server process, a data plane process, and a firewall that drops what passes between them.
    @Suite("A data plane that loses its server goes on and says so", .timeLimit(.minutes(10)))
    struct LostServerTests {
        private struct Scene: Sendable {
            let network: OwnNetwork
            let server: MartletServer
            let dataPlane: Program
            let status: StatusListener

            /// Creates an object over the unix socket, which no firewall is on.
            func create(_ path: String, _ document: String) async throws {
                let output = try await Program.run(
                    "curl",
                    [
                        "--silent", "--fail-with-body", "--unix-socket", server.file("api.sock"), "-H",
                        "Content-Type: application/json", "--data", document, "http://localhost\(path)",
                    ])
                try #require(output.succeeded, "\(output)")
            }

            /// A Service of one endpoint, which answers with its name.
            func serve(_ name: String, clusterIP: String, backendPort: Int) async throws {
                try await create(
                    "/api/v1/namespaces/default/services",
                    #"{"metadata":{"name":"\#(name)"},"spec":{"clusterIP":"\#(clusterIP)","ports":[{"port":8080}]}}"#)
                try await create(
                    "/apis/discovery.k8s.io/v1/namespaces/default/endpointslices",
                    #"{"metadata":{"name":"\#(name)-1","labels":{"kubernetes.io/service-name":"\#(name)"}},"#
                        + #""addressType":"IPv4","ports":[{"port":\#(backendPort)}],"#
                        + #""endpoints":[{"addresses":["127.0.1.1"]}]}"#)
            }

            func get(_ url: String) async throws -> String {
                try await network.run(["curl", "--silent", "--max-time", "5", url]).out
            }

            func metric(_ name: String) async throws -> Int? {
                let page = try await get("http://127.0.0.1:9100/metrics")
                let line = page.split(separator: "\n").first { $0.hasPrefix("martlet_dataplane_\(name) ") }
                return line.flatMap { Int($0.split(separator: " ").last ?? "") }
            }
        }

        private func withScene(_ body: (Scene) async throws -> Void) async throws {
            let network = try await OwnNetwork.make()
            let server = try await MartletServer.start(network: network)
            let status = try StatusListener(path: server.file("notify.sock"))
            let backends = try [8001, 8002].map { port in
                try network.start([server.binary, "echo", "--name", "on-\(port)", "--listen", "127.0.1.1:\(port)"])
            }
            let dataPlane = try network.start(
                [
                    server.binary, "dataplane", "--kubeconfig", server.file("admin.kubeconfig"),
                    "--metrics-bind-address", "127.0.0.1:9100",
                ], environment: ["NOTIFY_SOCKET": status.path])
            let scene = Scene(network: network, server: server, dataPlane: dataPlane, status: status)
            let outcome: Result<Void, any Error>
            do { outcome = .success(try await body(scene)) } catch { outcome = .failure(error) }
            for program in [dataPlane] + backends { await program.stop() }
            await server.stop()
            try await network.remove()
            try outcome.get()
        }

        @Test(.enabled(if: OwnNetwork.isAvailable, "needs root, ip and iptables"))
        func `packets that a firewall drops are noticed, traffic goes on, and later changes arrive`() async throws {
            try await withScene { scene in
                let port = try #require(Int(scene.server.url.split(separator: ":").last ?? ""))
                try await scene.serve("before", clusterIP: "127.96.7.1", backendPort: 8001)
                try await eventually(within: .seconds(60), "the first Service") {
                    try await scene.get("http://127.96.7.1:8080/").contains("on-8001")
                }
                #expect(try await scene.metric("api_server_connected") == 1)

                try await scene.network.dropPackets(port: port)
                try await scene.serve("meanwhile", clusterIP: "127.96.7.2", backendPort: 8002)
                // Half a minute by keepalive, then the next attempts fail.
                try await eventually(within: .seconds(240), "the data plane to notice") {
                    try await scene.metric("api_server_connected") == 0
                }
                try await eventually(within: .seconds(60), "the log and the status to say so") {
                    let silent = try await scene.metric("api_server_silent_seconds") ?? 0
                    return silent > 0 && scene.dataPlane.output.err.contains("no sign of life from the API server")
                        && scene.status.status.contains("serving the last known state")
                }
                #expect(try await scene.get("http://127.96.7.1:8080/").contains("on-8001"))
                #expect(try await scene.get("http://127.0.0.1:9100/healthz").contains("\"nodeEligible\": true"))
                #expect(try await scene.get("http://127.96.7.2:8080/") == "")

                try await scene.network.dropPackets(port: port, false)
                try await eventually(within: .seconds(240), "what changed meanwhile") {
                    try await scene.get("http://127.96.7.2:8080/").contains("on-8002")
                }
                try await eventually(within: .seconds(60), "all to be well again") {
                    try await scene.metric("api_server_connected") == 1
                        && scene.dataPlane.output.err.contains("in contact with the API server again")
                        && !scene.status.status.contains("last known state")
                }
            }
        }
    }
}
