import Foundation
import Glibc
import KubeModel
import Testing

extension EndToEnd {
    /// systemd's units as endpoints, through the real processes: `martlet up` as root, and a systemd of the test's own.
    @Suite(
        "Units of systemd are backends", .serialized, .timeLimit(.minutes(5)),
        .enabled(
            if: SystemdMachine.isAvailable, "needs root, systemd, dbus-daemon, unshare, nsenter, ip and iptables"))
    struct UnitTests {
        private static let shop = """
            [Unit]
            DefaultDependencies=no
            [Service]
            ExecStart=/usr/bin/python3 -m http.server 8081 --bind 127.0.0.1
            """

        /// A server and a systemd in one network.
        private func with(
            units: [String: String], _ body: (KernelServer, SystemdMachine) async throws -> Void
        ) async throws {
            let network = try await OwnNetwork.make()
            let machine = try await SystemdMachine.start(network, units: units)
            let outcome: Result<Void, any Error>
            do {
                let server = try await MartletServer.start(
                    ["up", "--node-name", "edge"], network: network,
                    environment: ["DBUS_SYSTEM_BUS_ADDRESS": machine.busAddress])
                do {
                    try await body(KernelServer(network: network, server: server), machine)
                    outcome = .success(())
                } catch {
                    outcome = .failure(error)
                }
                await server.stop()
            } catch {
                await machine.stop()
                try await network.remove()
                throw error
            }
            await machine.stop()
            try await network.remove()
            try outcome.get()
        }

        private func register(_ kernel: KernelServer, _ flags: String...) async throws -> Program.Output {
            try await kernel.network.run(
                [kernel.server.binary, "register", "--kubeconfig", kernel.server.file("local.kubeconfig")] + flags)
        }

        private func pod(_ kernel: KernelServer, _ name: String = "shop-edge") async throws -> JSONValue {
            try JSONParser.parse(Array(try await kernel.get("/api/v1/namespaces/default/pods/\(name)").utf8))
        }

        private func condition(_ pod: JSONValue, _ type: String) -> JSONValue? {
            pod["status"]["conditions"].array?.first { $0["type"].string == type }
        }

        /// Waits for what the unit's condition says, and for what that makes of the endpoint.
        private func wait(
            _ kernel: KernelServer, _ status: String, _ reason: String, isReady: Bool, pod name: String = "shop-edge"
        ) async throws {
            do {
                try await eventually(within: .seconds(30), "\(name): \(reason)") {
                    let pod = try await pod(kernel, name)
                    let unit = condition(pod, PodUnit.condition)
                    return unit?["status"].string == status && unit?["reason"].string == reason
                        && condition(pod, "Ready")?["status"].string == (isReady ? "True" : "False")
                }
            } catch {
                let found = (try? await pod(kernel, name))?["status"]
                throw Program.Failure(description: "\(error): \(String(describing: found))")
            }
        }

        private func isServed(_ kernel: KernelServer) async throws -> Bool {
            try await kernel.network.run([
                "curl", "-s", "-o", "/dev/null", "-w", "%{http_code}", "--max-time", "2", "http://127.96.7.1/",
            ]).out == "200"
        }

        private func events(_ kernel: KernelServer) async throws -> [String: Int] {
            let list = try JSONParser.parse(Array(try await kernel.get("/api/v1/namespaces/default/events").utf8))
            var counts: [String: Int] = [:]
            for event in list["items"].array ?? [] where event["involvedObject"]["kind"].string == "Pod" {
                counts[event["reason"].string ?? "", default: 0] += event["count"].int ?? 1
            }
            return counts
        }

        @Test func `an endpoint comes and goes with its unit`() async throws {
            try await with(units: ["shop.service": Self.shop]) { kernel, machine in
                try await kernel.send(
                    "POST", "/api/v1/namespaces/default/services",
                    #"{"metadata":{"name":"shop"},"spec":{"clusterIP":"127.96.7.1","selector":{"app":"shop"},"#
                        + #""ports":[{"port":80,"targetPort":8081}]}}"#)
                let flags = ["--unit", "shop.service", "--node", "edge", "--address", "127.0.0.1", "--port", "8081"]
                for _ in 0..<2 {
                    let output = try await register(
                        kernel, flags[0], flags[1], flags[2], flags[3], flags[4], flags[5], flags[6], flags[7],
                        "--label", "app=shop", "--probe-path", "/", "--probe-period", "1")
                    #expect(output.out == "pod/shop-edge registered\n", "\(output)")
                }
                try await wait(kernel, "False", "Inactive", isReady: false)
                #expect(try await !isServed(kernel))

                try await machine.systemctl("start", "shop.service")
                try await wait(kernel, "True", "Active", isReady: true)
                try await eventually(within: .seconds(10), "an answer") { try await isServed(kernel) }

                // It goes with the unit, not with its probe.
                try await machine.systemctl("stop", "shop.service")
                try await wait(kernel, "False", "Inactive", isReady: false)
                try await eventually(within: .seconds(10), "the endpoint to be unready") {
                    let path = "/apis/discovery.k8s.io/v1/namespaces/default/endpointslices"
                    let list = try JSONParser.parse(Array(try await kernel.get(path).utf8))
                    let endpoints = (list["items"].array ?? []).flatMap { $0["endpoints"].array ?? [] }
                    return endpoints.contains {
                        $0["targetRef"]["name"].string == "shop-edge" && $0["conditions"]["ready"] == false
                    }
                }
                #expect(try await !isServed(kernel))

                // Started again it has to pass its probe again, which is counted as a restart.
                try await machine.systemctl("start", "shop.service")
                try await wait(kernel, "True", "Active", isReady: true)
                try await eventually(within: .seconds(10), "an answer") { try await isServed(kernel) }
                let containers = try await pod(kernel)["status"]["containerStatuses"].array
                #expect(containers?.first?["restartCount"] == 1)

                // One that ends badly.
                try await machine.systemctl("kill", "--signal=ABRT", "shop.service")
                try await wait(kernel, "False", "Failed", isReady: false)
                let message = condition(try await pod(kernel), "Ready")?["message"].string ?? ""
                #expect(message.hasPrefix("unit shop.service on node edge has failed: "), "\(message)")

                let told = try await events(kernel)
                #expect(told["UnitFailed"] == 1 && told["UnitActive"] == 2, "\(told)")
                let removed = try await register(kernel, "--unit", "shop.service", "--node", "edge", "--remove")
                #expect(removed.out == "pod/shop-edge removed\n", "\(removed)")
                try await eventually(within: .seconds(40), "the Pod to be gone") {
                    try await pod(kernel)["reason"].string == "NotFound"
                }
                let again = try await register(kernel, "--unit", "shop.service", "--node", "edge", "--remove")
                #expect(again.succeeded && again.out == "pod/shop-edge is not registered\n", "\(again)")
            }
        }

        @Test func `a unit that nobody has, one that is masked, an instance, an alias and a bus that goes away`()
            async throws
        {
            let template = Self.shop.replacing("8081", with: "%i")
            try await with(units: ["shop@.service": template, "store.service": Self.shop]) { kernel, machine in
                func pod(_ name: String, _ unit: String, node: String? = "edge") async throws {
                    let place = node.map { #""nodeName":"\#($0)","# } ?? ""
                    try await kernel.send(
                        "POST", "/api/v1/namespaces/default/pods",
                        #"{"metadata":{"name":"\#(name)","annotations":{"traffic.martlet.dev/unit":"\#(unit)","#
                            + #""traffic.martlet.dev/address":"127.0.0.1"}},"spec":{\#(place)"#
                            + #""containers":[{"name":"a","image":"none"}]}}"#)
                }
                try await pod("missing", "nobody.service")
                try await wait(kernel, "False", "UnitNotFound", isReady: false, pod: "missing")
                // A file that comes later, and systemd is told of.
                try machine.write("nobody.service", Self.shop.replacing("8081", with: "8082"))
                try await machine.systemctl("daemon-reload")
                try await wait(kernel, "False", "Inactive", isReady: false, pod: "missing")
                try await machine.systemctl("start", "nobody.service")
                try await wait(kernel, "True", "Active", isReady: true, pod: "missing")

                try await pod("instance", "shop@8083.service")
                try await machine.systemctl("start", "shop@8083.service")
                try await wait(kernel, "True", "Active", isReady: true, pod: "instance")
                for (name, unit) in [("bad", "shop"), ("template", "shop@.service"), ("path", "../x.service")] {
                    try await pod(name, unit)
                    try await wait(kernel, "False", "InvalidUnit", isReady: false, pod: name)
                }
                // Nobody follows it, and it says so.
                try await pod("nowhere", "store.service", node: nil)
                try await pod("elsewhere", "store.service", node: "other")
                try await eventually(within: .seconds(20), "a word about both") {
                    let nowhere = condition(try await self.pod(kernel, "nowhere"), "Ready")?["reason"].string
                    let elsewhere = condition(try await self.pod(kernel, "elsewhere"), "Ready")?["message"].string
                    return nowhere == "UnitWithoutNode" && elsewhere?.contains("node other has not said so") == true
                }
                #expect(condition(try await self.pod(kernel, "elsewhere"), PodUnit.condition) == nil)

                // The annotation names another unit.
                try await kernel.send(
                    "PATCH", "/api/v1/namespaces/default/pods/missing",
                    #"{"metadata":{"annotations":{"traffic.martlet.dev/unit":"store.service"}}}"#)
                try await wait(kernel, "False", "Inactive", isReady: false, pod: "missing")

                // systemd replaces itself, and nothing changes for who listens.
                let before = try await self.pod(kernel, "instance")["metadata"]["resourceVersion"]
                try await machine.systemctl("daemon-reexec")
                try await machine.systemctl("start", "store.service")
                try await wait(kernel, "True", "Active", isReady: true, pod: "missing")
                #expect(try await self.pod(kernel, "instance")["metadata"]["resourceVersion"] == before)

                // Nobody to ask: not ready after a while, said once; it heals by itself.
                try await machine.systemctl("stop", "dbus.socket", "dbus.service")
                try await wait(kernel, "Unknown", "SystemdUnreachable", isReady: false, pod: "instance")
                _ = try await machine.run("systemctl", "start", "dbus.socket", "dbus.service")
                try await wait(kernel, "True", "Active", isReady: true, pod: "instance")
                let told = try await events(kernel)
                #expect(told["UnitSystemdUnreachable"] == 2, "once for each of two Pods with a unit: \(told)")
                #expect(told["UnitWithoutNode"] == 1 && told["UnitInvalidUnit"] == 3, "\(told)")
            }
        }
    }
}
