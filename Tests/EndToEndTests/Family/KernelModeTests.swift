import Foundation
import Glibc
import Testing

extension EndToEnd {
    /// `martlet up` as root, in a network of its own.
    @Suite(
        "In the kernel Services outlive the process that made them", .serialized, .timeLimit(.minutes(5)),
        .enabled(if: OwnNetwork.isAvailable, "needs root, ip and iptables"))
    struct KernelModeTests {
        @Test func `new connections go on while the data plane is dead, and a clean-up leaves nothing`() async throws {
            try await KernelServer.with { kernel in
                let backend = try kernel.network.start([
                    kernel.server.binary, "echo", "--name", "one", "--listen", "127.0.1.1:8001",
                ])
                let outcome: Result<Void, any Error>
                do { outcome = .success(try await outlive(kernel)) } catch { outcome = .failure(error) }
                await backend.stop()
                try outcome.get()
            }
        }

        private func outlive(_ kernel: KernelServer) async throws {
            // A port that an ordinary user may not open.
            @Sendable func isServed() async throws -> Bool { try await kernel.ask("127.96.7.1").contains("one") }
            try await kernel.service(
                "web", spec: #""clusterIP":"127.96.7.1","ports":[{"port":80}]"#, ports: #"{"port":8001}"#,
                endpoints: ["127.0.1.1"])
            try await eventually(within: .seconds(60), "the Service") { try await isServed() }
            let log = try kernel.log()
            #expect(log.contains("in the kernel by nftables"), "\(log)")

            let dump = [
                kernel.server.binary, "dataplane", "dump", "default/web", "--kubeconfig",
                kernel.server.file("admin.kubeconfig"),
            ]
            let sound = try await kernel.network.run(dump)
            #expect(
                sound.succeeded && sound.out.contains("127.96.7.1:80/TCP: cluster IP, to 127.0.1.1:8001"), "\(sound)")

            let first = try #require(kernel.dataPlane)
            kill(first, SIGKILL)
            for _ in 0..<20 { #expect(try await isServed()) }
            try await eventually(within: .seconds(60), "the next data plane") {
                kernel.dataPlane.map { $0 != first } ?? false
            }
            for _ in 0..<20 { #expect(try await isServed()) }

            let cleanUp = [kernel.server.binary, "dataplane", "--cleanup"]
            let refused = try await kernel.network.run(cleanUp)
            #expect(refused.status != 0 && refused.err.contains("running"), "\(refused)")
            await kernel.server.program.stop()
            #expect(try await isServed())
            let cleaned = try await kernel.network.run(cleanUp)
            #expect(cleaned.succeeded && cleaned.out.contains("removed"), "\(cleaned)")
            #expect(try await !isServed())
            let orphaned = try await kernel.network.run(dump)
            #expect(orphaned.status != 0, "the API is gone: \(orphaned)")
            let setting = try await kernel.network.run(["cat", "/proc/sys/net/ipv4/conf/all/route_localnet"])
            #expect(setting.out == "0\n")
        }

        @Test func `the mode iptables serves, outlives the process, and is cleaned up`() async throws {
            try await KernelServer.with(flags: ["--proxy-mode", "iptables"]) { kernel in
                let backend = try kernel.network.start([
                    kernel.server.binary, "echo", "--name", "one", "--listen", "127.0.1.1:8001",
                ])
                let outcome: Result<Void, any Error>
                do { outcome = .success(try await serveByChains(kernel)) } catch { outcome = .failure(error) }
                await backend.stop()
                try outcome.get()
            }
        }

        private func serveByChains(_ kernel: KernelServer) async throws {
            try await kernel.service(
                "web", spec: #""clusterIP":"127.96.7.1","ports":[{"port":80}]"#, ports: #"{"port":8001}"#,
                endpoints: ["127.0.1.1"])
            try await eventually(within: .seconds(60), "the Service") { try await kernel.ask("127.96.7.1") != "" }
            let log = try kernel.log()
            #expect(log.contains("in the kernel by iptables"), "\(log)")
            let dump = try await kernel.network.run([
                kernel.server.binary, "dataplane", "dump", "--kubeconfig", kernel.server.file("admin.kubeconfig"),
            ])
            #expect(!dump.succeeded && dump.err.contains("iptables enforces the Services"), "\(dump)")
            await kernel.server.program.stop()
            #expect(try await kernel.ask("127.96.7.1") != "")
            let cleaned = try await kernel.network.run([kernel.server.binary, "dataplane", "--cleanup"])
            #expect(cleaned.succeeded && cleaned.out.contains("of iptables"), "\(cleaned)")
            #expect(try await kernel.ask("127.96.7.1", seconds: 1) == "")
            let left = try await kernel.network.run(["iptables-save"])
            #expect(!left.out.contains("KUBE-"), "\(left)")
        }

        /// Keeps a connection and a flow, and begins new ones, until a file is there; then tells how many exchanges went
        /// well and what failed.
        private static let traffic = """
            import json, os, socket, sys, threading, time
            host, stop = sys.argv[1], sys.argv[2]
            done, failures = {"tcp": 0, "udp": 0, "new tcp": 0, "new udp": 0}, []
            request = b"GET /bytes/64 HTTP/1.1\\r\\nHost: x\\r\\n\\r\\n"
            def connection():
                return socket.create_connection((host, 80), timeout=10)
            def flow():
                made = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
                made.settimeout(10)
                made.connect((host, 53))
                return made
            def http(made):
                made.sendall(request)
                data = b""
                while data.count(b"\\r\\n\\r\\n") == 0 or len(data.split(b"\\r\\n\\r\\n", 1)[1]) < 64:
                    more = made.recv(4096)
                    if not more: raise OSError("closed")
                    data += more
            def datagram(made):
                made.send(b"hello")
                return made.recv(100)
            def loop(name, step):
                while not os.path.exists(stop):
                    try:
                        step()
                        done[name] += 1
                    except Exception as error:
                        failures.append(f"{name}: {error!r}")
                        return
                    time.sleep(0.01)
            kept, lasting = connection(), flow()
            server = datagram(lasting)
            def same():
                if datagram(lasting) != server: raise OSError("another server")
            def fresh(make, exchange):
                made = make()
                exchange(made)
                made.close()
            steps = {"tcp": lambda: http(kept), "udp": same,
                     "new tcp": lambda: fresh(connection, http), "new udp": lambda: fresh(flow, datagram)}
            threads = [threading.Thread(target=loop, args=item) for item in steps.items()]
            for thread in threads: thread.start()
            for thread in threads: thread.join()
            print(json.dumps({"done": done, "failures": failures}))
            """

        private struct Traffic: Decodable {
            var done: [String: Int]
            var failures: [String]
        }

        @Test func `established TCP and UDP flows outlive kill -9 and the restart, while new ones begin`() async throws
        {
            guard Program.find("python3") != nil else { return print("skipped: the traffic is made with python3") }
            try await KernelServer.with { kernel in
                var programs: [Program] = []
                for (name, address) in [("one", "127.0.1.1"), ("two", "127.0.1.2")] {
                    programs.append(
                        try kernel.network.start([
                            kernel.server.binary, "echo", "--name", name, "--listen", "\(address):8001",
                            "--listen-udp", "\(address):5301",
                        ]))
                }
                let outcome: Result<Void, any Error>
                do { outcome = .success(try await keepTraffic(kernel, &programs)) } catch { outcome = .failure(error) }
                for program in programs { await program.stop() }
                try outcome.get()
            }
        }

        private func keepTraffic(_ kernel: KernelServer, _ programs: inout [Program]) async throws {
            try await kernel.service(
                "web",
                spec: #""clusterIP":"127.96.7.1","ports":[{"name":"http","port":80},"#
                    + #"{"name":"dns","port":53,"protocol":"UDP"}]"#,
                ports: #"{"name":"http","port":8001},{"name":"dns","port":5301,"protocol":"UDP"}"#,
                endpoints: ["127.0.1.1", "127.0.1.2"])
            try await eventually(within: .seconds(60), "the Service") { try await kernel.ask("127.96.7.1") != "" }
            let stop = kernel.server.file("stop")
            let traffic = try kernel.network.start(["python3", "-c", Self.traffic, "127.96.7.1", stop])
            programs.append(traffic)
            for _ in 0..<2 {
                try await kernel.killDataPlane()
                // Beyond the first reconciliation of the new one: it follows changes.
                let name = "probe\(Int.random(in: 0..<1_000_000))"
                try await kernel.service(
                    name, spec: #""ports":[{"port":80}],"externalIPs":["127.96.8.8"]"#, ports: #"{"port":8001}"#,
                    endpoints: ["127.0.1.1"])
                try await eventually(within: .seconds(60), "a Service of the next data plane") {
                    try await kernel.ask("127.96.8.8") != ""
                }
                try await kernel.send("DELETE", "/api/v1/namespaces/default/services/\(name)", "{}")
                try await eventually(within: .seconds(60), "its end") {
                    try await kernel.ask("127.96.8.8", seconds: 1) == ""
                }
            }
            #expect(FileManager.default.createFile(atPath: stop, contents: nil))
            let output = try await traffic.ended()
            let result = try JSONDecoder().decode(Traffic.self, from: Data(output.out.utf8))
            #expect(result.failures == [] && result.done.values.allSatisfy { $0 > 10 }, "\(result)")
        }

        @Test
        func `a load-balancer address is served by the node where its ipMode is VIP, and left to others as Proxy`()
            async throws
        {
            try await KernelServer.with { kernel in
                try await kernel.network.run(["ip", "route", "add", "203.0.113.0/24", "dev", "lo", "src", "127.0.0.1"])
                let backend = try kernel.network.start([
                    kernel.server.binary, "echo", "--name", "one", "--listen", "127.0.1.1:8001",
                ])
                let outcome: Result<Void, any Error>
                do { outcome = .success(try await compareModes(kernel)) } catch { outcome = .failure(error) }
                await backend.stop()
                try outcome.get()
            }
        }

        private func compareModes(_ kernel: KernelServer) async throws {
            try await kernel.service(
                "shop",
                spec: #""type":"LoadBalancer","loadBalancerClass":"example.com/other","ports":[{"port":80}]"#,
                ports: #"{"port":8001}"#, endpoints: ["127.0.1.1"])
            func publish(_ first: String, _ second: String) async throws {
                try await kernel.send(
                    "PATCH", "/api/v1/namespaces/default/services/shop/status",
                    #"{"status":{"loadBalancer":{"ingress":[{"ip":"203.0.113.5","ipMode":"\#(first)"},"#
                        + #"{"ip":"203.0.113.6","ipMode":"\#(second)"}]}}}"#)
            }
            try await publish("VIP", "Proxy")
            try await eventually(within: .seconds(60), "the VIP") { try await kernel.ask("203.0.113.5") != "" }
            #expect(try await kernel.ask("203.0.113.6", seconds: 1) == "")
            try await publish("Proxy", "VIP")
            try await eventually(within: .seconds(60), "the other VIP") { try await kernel.ask("203.0.113.6") != "" }
            #expect(try await kernel.ask("203.0.113.5", seconds: 1) == "")
        }
    }
}
