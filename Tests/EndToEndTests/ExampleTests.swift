import Foundation
import KubeModel
import Testing

extension EndToEnd {
    /// `examples/shop` through the real processes.
    @Suite("The example of the README", .serialized) struct ExampleTests {
        private func get(_ url: String, host: String? = nil) async throws -> String {
            let header = host.map { ["--header", "Host: \($0)"] } ?? []
            return try await Program.run("curl", ["-sS", "--fail", "--max-time", "5", url] + header).out
        }

        @Test(.timeLimit(.minutes(5)))
        func `the example shop answers through every door, and again after a restart`()
            async throws
        {
            let shop = try ExampleShop()
            let backends = try shop.startBackends()
            var server = try await MartletServer.start(shop.command)
            let directory = server.directory
            do {
                try await server.kubectl("apply", "-f", "-", input: try shop.manifests())
                let clusterIP = try await server.kubectl(
                    "get", "svc", "web", "-n", "shop", "-o", "jsonpath={.spec.clusterIP}")
                try await checkDoors(server, shop)

                server.program.signal(SIGINT)
                let output = try await server.program.ended(within: .seconds(30))
                #expect(output.status == 0, "\(output)")

                server = try await MartletServer.start(shop.command, in: directory)
                #expect(
                    try await server.kubectl("get", "svc", "web", "-n", "shop", "-o", "jsonpath={.spec.clusterIP}")
                        == clusterIP)
                try await checkDoors(server, shop)
            } catch {
                Issue.record("\(error)\n\(logs(in: directory))")
            }
            await server.stop()
            for backend in backends { await backend.stop() }
        }

        private func checkDoors(_ server: MartletServer, _ shop: ExampleShop) async throws {
            func field(_ path: String, of object: String...) async throws -> String {
                let output = try await server.tryKubectl(
                    ["get"] + object + ["-n", "shop", "-o", "jsonpath={\(path)}"])
                return output.out
            }
            func answers(
                _ what: String, by names: Set<String>, _ request: @escaping @Sendable () async throws -> String
            )
                async throws
            {
                try await eventually(within: .seconds(30), "\(what) to be answered by \(names)") {
                    let text = try await request()
                    return names.contains { text.contains($0) }
                }
            }
            try await eventually(within: .seconds(30), "every Pod to be ready") {
                try await server.tryKubectl(
                    ["wait", "-n", "shop", "--for=condition=Ready", "pod", "--all", "--timeout=5s"]
                ).succeeded
            }
            let address = try await field(".spec.clusterIP", of: "svc", "web")
            let nodePort = try await field(".spec.ports[0].nodePort", of: "svc", "web")
            let http = "http://127.0.0.1:\(shop.httpPort)"
            let web: Set = ["web-1", "web-2"]
            try await answers("the node port", by: web) { try await get("http://127.0.0.1:\(nodePort)/") }
            try await answers("the Ingress", by: web) { try await get(http + "/", host: "shop.example.com") }
            try await answers("the headless Service's path", by: ["cart-1"]) {
                try await get(http + "/cart", host: "shop.example.com")
            }
            try await answers("the second controller's Ingress", by: ["legacy"]) {
                try await get(http + "/", host: "a.partners.example.com")
            }
            let port = try await field(".spec.ports[0].port", of: "svc", "web")
            try await answers("the cluster IP", by: web) { try await get("http://\(address):\(port)/") }
            let balancer = try await field(".status.loadBalancer.ingress[0].ip", of: "svc", "legacy")
            let balancerPort = try await field(".spec.ports[0].port", of: "svc", "legacy")
            #expect(balancer.hasPrefix("127.\(shop.network).1."))
            try await answers("the load balancer", by: ["legacy"]) {
                try await get("http://\(balancer):\(balancerPort)/")
            }
            let classes = try await server.kubectl("get", "routetables", "-n", "shop", "--no-headers")
            #expect(classes.split(separator: "\n").count == 2, "\(classes)")
        }

        private func logs(in directory: URL) -> String {
            let folder = directory.appending(path: "logs")
            let names = (try? FileManager.default.contentsOfDirectory(atPath: folder.path)) ?? []
            return names.sorted().map { name in
                // A log that has gone meanwhile tells nothing.
                let text = (try? String(contentsOf: folder.appending(path: name), encoding: .utf8)) ?? ""
                return "--- \(name)\n" + text.split(separator: "\n").suffix(20).joined(separator: "\n")
            }.joined(separator: "\n")
        }
    }
}
