import Foundation
import Glibc
import Testing

extension EndToEnd {
    /// HealthChecks through the real processes: backends that hang (SIGSTOP) while their ports still take connections.
    @Suite("Health checks of endpoints", .serialized, .enabled(if: Program.find("dig") != nil, "dig is not installed"))
    struct HealthCheckTests {
        /// A family with two backends on one port, and what the tests ask of it.
        private struct Shop {
            let family: Family
            let dnsPort: UInt16
            let port: UInt16
            let backends: [Program]
            var server: MartletServer { family.server }
            let first: String
            let second: String

            /// A Service for cluster IP and Ingress and one for DNS, with slices written by hand.
            var manifest: String {
                IngressTrafficTests.classes
                    + """
                    apiVersion: v1
                    kind: Service
                    metadata: {name: web}
                    spec: {clusterIP: 127.96.0.77, ports: [{name: http, port: 80}]}
                    ---
                    apiVersion: v1
                    kind: Service
                    metadata: {name: bare}
                    spec: {clusterIP: None, ports: [{name: http, port: \(port)}]}
                    ---

                    """ + ["web", "bare"].map(slice).joined()
                    + IngressTrafficTests.ingress("web", host: "web.example.com", service: "web", class: "left")
            }

            func slice(_ service: String) -> String {
                """
                apiVersion: discovery.k8s.io/v1
                kind: EndpointSlice
                metadata: {name: \(service)-1, labels: {kubernetes.io/service-name: \(service)}}
                addressType: IPv4
                ports: [{name: http, port: \(port)}]
                endpoints:
                - {addresses: ["\(first)"]}
                - {addresses: ["\(second)"], conditions: {ready: true}, zone: east}
                ---

                """
            }

            func check(_ services: String) -> String {
                """
                apiVersion: traffic.martlet.dev/v1
                kind: HealthCheck
                metadata: {name: live}
                spec:
                  targetRefs: [\(services)]
                  httpGet: {path: /healthz, port: http}
                  periodSeconds: 1
                  failureThreshold: 2
                  successThreshold: 2

                """
            }

            func conditions(_ slice: String) async throws -> String {
                try await server.kubectl("get", "endpointslice", slice, "-o", "jsonpath={.endpoints[*].conditions}")
            }

            func annotation(_ slice: String) async throws -> String {
                try await server.kubectl(
                    "get", "endpointslice", slice, "-o",
                    "jsonpath={.metadata.annotations.traffic\\.martlet\\.dev/unhealthy-endpoints}")
            }

            func version(_ slice: String) async throws -> String {
                try await server.kubectl("get", "endpointslice", slice, "-o", "jsonpath={.metadata.resourceVersion}")
            }

            /// Names of the backends that answered.
            func answers(_ url: [String]) async throws -> Set<String> {
                var names: Set<String> = []
                for _ in 0..<12 {
                    let output = try await Program.run("curl", ["--silent", "--max-time", "2"] + url)
                    names.insert(output.succeeded ? String(output.out.prefix { $0 != " " }) : "nobody")
                }
                return names
            }

            func byClusterIP() async throws -> Set<String> { try await answers(["http://127.96.0.77/"]) }

            func byProxy() async throws -> Set<String> {
                try await answers(["-H", "Host: web.example.com", "http://127.0.0.1:\(family.httpPort)/"])
            }

            func byName() async throws -> Set<String> {
                let output = try await Program.run(
                    "dig", ["@127.0.0.1", "-p", "\(dnsPort)", "+short", "bare.default.svc.cluster.local"])
                return Set(output.out.split(separator: "\n").map(String.init))
            }

            /// Waits until every way leads to these and to nobody else.
            func expectAll(_ names: Set<String>, _ addresses: Set<String>, _ what: String) async throws {
                try await eventually(within: .seconds(60), "cluster IP: \(what)") { try await byClusterIP() == names }
                try await eventually(within: .seconds(60), "L7 proxy: \(what)") { try await byProxy() == names }
                try await eventually(within: .seconds(60), "DNS: \(what)") { try await byName() == addresses }
            }

            func stop() async {
                for backend in backends {
                    backend.signal(SIGCONT)
                    backend.signal(SIGTERM)
                }
                await family.stop()
            }
        }

        private static func withShop(_ number: Int, _ body: (Shop) async throws -> Void) async throws {
            let ports = try Family.freePorts(2)
            let family = try await Family.start(["--dns-port", "\(ports[0])"])
            let addresses = ["127.0.\(number).1", "127.0.\(number).2"]
            var backends: [Program] = []
            for (name, address) in zip(["one", "two"], addresses) {
                backends.append(
                    try Program(
                        family.server.binary, ["echo", "--name", name, "--listen", "\(address):\(ports[1])"]))
            }
            let shop = Shop(
                family: family, dnsPort: ports[0], port: ports[1], backends: backends, first: addresses[0],
                second: addresses[1])
            do {
                for backend in backends {
                    try await eventually(within: .seconds(20), "a backend") {
                        backend.output.out.contains("serving HTTP")
                    }
                }
                try await body(shop)
            } catch {
                await shop.stop()
                throw error
            }
            await shop.stop()
        }

        @Test func `a slice written by hand loses an endpoint that fails, everywhere, and gets it back`() async throws {
            try await Self.withShop(31) { shop in
                let (server, one, two) = (shop.server, shop.backends[0], shop.backends[1])
                try await shop.family.apply(shop.manifest)
                try await shop.expectAll(["one", "two"], [shop.first, shop.second], "both at first")
                let authored = try await shop.conditions("web-1")
                try await shop.family.apply(shop.check("{name: web}, {name: bare}"))
                try await eventually(within: .seconds(60), "a status") {
                    let table = try await server.kubectl("get", "hc", "live", "--no-headers")
                    return table.split(separator: " ").prefix(7).joined(separator: " ")
                        == "live web,bare HTTP:http/healthz 4 0 True True"
                }
                #expect(try await shop.conditions("web-1") == authored)

                // One hangs.
                two.signal(SIGSTOP)
                try await shop.expectAll(["one"], [shop.first], "without the one that hangs")
                #expect(try await shop.annotation("web-1") == #"[{"address":"\#(shop.second)","ready":true}]"#)
                let slice = try await server.kubectl("get", "endpointslice", "web-1", "-o", "jsonpath={.endpoints[1]}")
                #expect(slice.contains(#""serving":false"#) && slice.contains(#""zone":"east""#), "\(slice)")
                try await eventually(within: .seconds(60), "Events and a status") {
                    let events = try await server.kubectl(
                        "get", "events", "--field-selector", "reason=EndpointUnhealthy")
                    let table = try await server.kubectl("get", "hc", "live", "--no-headers")
                    return events.contains("service/web") && events.contains("service/bare")
                        && events.contains("\(shop.second), port \(shop.port), fails its health check")
                        && table.split(separator: " ").prefix(7).joined(separator: " ")
                            == "live web,bare HTTP:http/healthz 4 2 True False"
                }

                // Whoever takes over knows what was found, and writes nothing for it.
                let before = try await shop.version("web-1")
                for child in try await ProcessTests.children(of: server.program.pid) {
                    let command = try await Program.run("ps", ["-o", "args=", "-p", "\(child)"])
                    if command.out.contains("health-check") { kill(child, SIGKILL) }
                }
                // A new check has a status once the new controller works.
                try await shop.family.apply(
                    shop.check("{name: nobody}").replacing("name: live", with: "name: other"))
                try await eventually(within: .seconds(60), "the next controller") {
                    try await server.kubectl("get", "hc", "other", "-o", "jsonpath={.status.conditions[0].reason}")
                        == "TargetNotFound"
                }
                #expect(try await shop.version("web-1") == before)
                #expect(try await shop.byClusterIP() == ["one"])

                // It comes back, and the slice is as it was.
                two.signal(SIGCONT)
                try await shop.expectAll(["one", "two"], [shop.first, shop.second], "both again")
                #expect(try await shop.conditions("web-1") == authored)
                #expect(try await shop.annotation("web-1").isEmpty)

                // When all fail, nobody is taken out.
                one.signal(SIGSTOP)
                two.signal(SIGSTOP)
                try await eventually(within: .seconds(60), "that all fail") {
                    try await server.kubectl(
                        "get", "hc", "live", "-o", "jsonpath={.status.conditions[?(@.type=='Healthy')].reason}")
                        == "AllEndpointsFailing"
                }
                try await eventually(within: .seconds(60), "nobody to be out") {
                    try await shop.annotation("web-1").isEmpty && shop.annotation("bare-1").isEmpty
                }
                #expect(try await shop.conditions("web-1") == authored)
                one.signal(SIGCONT)
                try await shop.expectAll(["one"], [shop.first], "the one that is back")

                // Without the check the author's word counts again, whatever was found.
                try await server.kubectl("delete", "hc", "live")
                try await eventually(within: .seconds(60), "the author's conditions") {
                    try await shop.conditions("web-1") == authored && shop.annotation("web-1").isEmpty
                        && shop.annotation("bare-1").isEmpty
                }
            }
        }

        @Test func `slices made from selectors keep their marks while their Pods change`() async throws {
            try await Self.withShop(32) { shop in
                func pod(_ name: String, _ address: String) -> String {
                    """
                    apiVersion: v1
                    kind: Pod
                    metadata:
                      name: \(name)
                      labels: {app: web}
                      annotations: {traffic.martlet.dev/address: "\(address)"}
                    spec:
                      containers: [{name: main, image: none, ports: [{name: http, containerPort: \(shop.port)}]}]
                    ---

                    """
                }
                try await shop.family.apply(
                    pod("one", shop.first) + pod("two", shop.second)
                        + """
                        apiVersion: v1
                        kind: Service
                        metadata: {name: web}
                        spec:
                          clusterIP: 127.96.0.77
                          selector: {app: web}
                          ports: [{name: http, port: 80, targetPort: http}]
                        ---

                        """ + shop.check("{name: web}"))
                try await eventually(within: .seconds(60), "both") { try await shop.byClusterIP() == ["one", "two"] }
                shop.backends[1].signal(SIGSTOP)
                try await eventually(within: .seconds(60), "one alone") { try await shop.byClusterIP() == ["one"] }
                // The endpoints controller writes the slice for a third Pod, and the second stays out.
                try await shop.family.apply(pod("three", "127.0.32.3"))
                let mark = "traffic\\.martlet\\.dev/unhealthy-endpoints"
                try await eventually(within: .seconds(60), "the third endpoint, and two out") {
                    let marks = try await shop.server.tryKubectl([
                        "get", "endpointslices", "-l", "kubernetes.io/service-name=web", "-o",
                        "jsonpath={.items[*].metadata.annotations.\(mark)}",
                    ])
                    return marks.out.contains(shop.second) && marks.out.contains("127.0.32.3")
                        && !marks.out.contains(shop.first)
                }
                try await eventually(within: .seconds(60), "one alone, still") {
                    try await shop.byClusterIP() == ["one"]
                }
                shop.backends[1].signal(SIGCONT)
                try await eventually(within: .seconds(60), "both again") {
                    try await shop.byClusterIP() == ["one", "two"]
                }
            }
        }
    }
}
