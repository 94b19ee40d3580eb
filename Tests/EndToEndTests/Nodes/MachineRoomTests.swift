import Foundation
import Synchronization
import Testing

extension EndToEnd {
    /// Machines that serve each other and the world, as the README's walk-through has them.
    @Suite(
        "Machines that serve the world", .serialized,
        .enabled(if: OwnNetwork.isAvailable, "needs root, ip and iptables"))
    struct MachineRoomTests {
        private static let shop = """
            apiVersion: v1
            kind: Service
            metadata: {name: shop}
            spec:
              type: NodePort
              selector: {app: shop}
              ports: [{port: 80, targetPort: 9001, nodePort: 30080}]
            ---
            apiVersion: networking.k8s.io/v1
            kind: IngressClass
            metadata: {name: martlet}
            spec: {controller: martlet.dev/ingress}
            ---
            apiVersion: networking.k8s.io/v1
            kind: Ingress
            metadata: {name: shop}
            spec:
              ingressClassName: martlet
              rules:
              - host: shop.example.com
                http:
                  paths:
                  - path: /
                    pathType: Prefix
                    backend: {service: {name: shop, port: {number: 80}}}
            """

        @Test func `root serves ports 80 and 443 of the machine, the API and node ports without a flag`() async throws {
            try await MachineCluster.with(2) { cluster in
                try await cluster.up()
                try await cluster.backend("shop-1", on: 0, node: "one")
                let output = try await cluster.kubectl("apply", "--validate=false", "-f", "-", input: Self.shop)
                try #require(output.succeeded, "\(output)")
                let host = "Host: shop.example.com"
                for address in [MachineRoom.address(0), "[\(MachineRoom.address6(0))]"] {
                    for scheme in ["http", "https"] {
                        try await eventually(within: .seconds(30), "\(scheme) on \(address)") {
                            try await cluster.status(from: 1, "-H", host, "\(scheme)://\(address)/") == "200"
                        }
                    }
                }
                try await eventually(within: .seconds(30), "the node port") {
                    try await cluster.status(from: 1, "http://\(MachineRoom.address(0)):30080/") == "200"
                }
                // The certificate is for the address that clients use; nobody without credentials gets further.
                let authority = cluster.folder.appending(path: "server/ca.crt").path
                let api = try await cluster.room.machines[1].run(
                    ["curl", "-sS", "--cacert", authority, "https://\(MachineRoom.address(0)):6443/api/v1/nodes"])
                #expect(api.out.contains("Unauthorized"), "\(api)")
                try await eventually(within: .seconds(30), "the addresses of the Ingress") {
                    try await cluster.kubectl(
                        "get", "ingress", "shop", "-o", "jsonpath={.status.loadBalancer.ingress[*].ip}"
                    ).out == "\(MachineRoom.address(0)) \(MachineRoom.address6(0))"
                }
                // The cluster IP belongs to the machine.
                let ip = try await cluster.kubectl("get", "service", "shop", "-o", "jsonpath={.spec.clusterIP}").out
                #expect(try await cluster.status(from: 0, "http://\(ip)/") == "200")
            }
        }

        @Test func `of three nodes one dies under load, and its endpoints get no more traffic`() async throws {
            try await MachineCluster.with(4) { cluster in
                let lease = ["--node-lease-duration-seconds", "4"]
                try await cluster.up(
                    lease + ["--node-monitor-grace-period", "4s", "--node-monitor-period", "500ms"])
                _ = try await cluster.join(1, name: "two", lease)
                _ = try await cluster.join(2, name: "three", lease)
                try await cluster.backend("shop-2", on: 1, node: "two")
                try await cluster.backend("shop-3", on: 2, node: "three")
                let output = try await cluster.kubectl("apply", "--validate=false", "-f", "-", input: Self.shop)
                try #require(output.succeeded, "\(output)")
                // Every node serves all of it.
                for machine in 0..<3 {
                    for url in [
                        "http://\(MachineRoom.address(machine))/", "http://\(MachineRoom.address(machine)):30080/",
                    ] {
                        try await eventually(within: .seconds(60), url) {
                            try await cluster.status(from: 3, "-H", "Host: shop.example.com", url) == "200"
                        }
                    }
                }
                func ready() async throws -> String {
                    try await cluster.kubectl(
                        "get", "endpointslices", "-l", "kubernetes.io/service-name=shop", "-o",
                        "jsonpath={.items[*].endpoints[?(@.conditions.ready==true)].addresses[0]}"
                    ).out
                }
                #expect(try await ready().split(separator: " ").count == 2)

                let clock = ContinuousClock()
                let died = clock.now
                try await cluster.room.unplug(2)
                var failures = 0
                var lastFailure: ContinuousClock.Instant?
                // Until the death is known, and then some.
                var afterwards = 0
                while afterwards < 40 {
                    let isKnown = try await ready() == MachineRoom.address(1)
                    let status = try await cluster.status(
                        from: 3, "--connect-timeout", "1", "http://\(MachineRoom.address(0)):30080/")
                    if status != "200" {
                        failures += 1
                        lastFailure = clock.now
                        // What began before the slice changed may still end badly; nothing that begins later may.
                        if isKnown { afterwards = 0 }
                    } else if isKnown {
                        afterwards += 1
                    }
                    try #require(clock.now - died < .seconds(120), "the death of node three goes unnoticed")
                }
                let outage =
                    lastFailure.map { "\(failures) failed, the last one \($0 - died) after it" } ?? "none failed"
                print("    a node died under load: \(outage)")
                let node = try await cluster.kubectl(
                    "get", "node", "three", "-o", "jsonpath={.status.conditions[?(@.type==\"Ready\")].status}")
                #expect(node.out == "Unknown")
                // What is left serves, by whichever node.
                #expect(
                    try await cluster.status(
                        from: 3, "-H", "Host: shop.example.com", "http://\(MachineRoom.address(1))/") == "200")
            }
        }

        @Test(.enabled(if: Program.find("dig") != nil, "dig is not installed"))
        func `the cluster's address for DNS answers on every machine, as the Corefile says`() async throws {
            try await MachineCluster.with(2) { cluster in
                try await cluster.up(["--service-cluster-ip-range", "10.96.0.0/16", "--proxy-mode", "nftables"])
                _ = try await cluster.join(1, name: "two", ["--proxy-mode", "nftables"])
                let map = """
                    apiVersion: v1
                    kind: ConfigMap
                    metadata: {name: coredns, namespace: kube-system}
                    data:
                      Corefile: |
                        . {
                            kubernetes cluster.local
                            hosts /etc/coredns/NodeHosts {
                                fallthrough
                            }
                        }
                    """
                let output = try await cluster.kubectl("apply", "--validate=false", "-f", "-", input: map)
                try #require(output.succeeded, "\(output)")
                try await eventually(within: .seconds(30), "an endpoint of each machine") {
                    let text = try await cluster.kubectl(
                        "get", "endpointslices", "-n", "kube-system", "-l", "kubernetes.io/service-name=kube-dns", "-o",
                        "jsonpath={.items[*].endpoints[*].addresses[0]}"
                    ).out
                    return Set(text.split(separator: " ")).isSuperset(
                        of: [MachineRoom.address(0)[...], MachineRoom.address(1)[...]])
                }
                for machine in 0..<2 {
                    // A machine of the world has a way out; the packets never take it.
                    let route = ["ip", "route", "add", "10.96.0.0/16", "dev", "eth0"]
                    try #require(try await cluster.room.machines[machine].run(route).succeeded)
                    for name in ["one", "two"] {
                        try await eventually(within: .seconds(30), "machine \(machine) to know \(name)") {
                            let answer = try await cluster.room.machines[machine].run(
                                ["dig", "@10.96.0.10", "+short", "+time=1", "+tries=1", name])
                            return answer.out == MachineRoom.address(name == "one" ? 0 : 1) + "\n"
                        }
                    }
                }
            }
        }
    }
}
