import Foundation
import Glibc
import Synchronization
import TestSupport
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
                  failureThreshold: 1

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

            func isUnmarked() async throws -> Bool {
                for slice in ["web-1", "bare-1"] where try await !annotation(slice).isEmpty { return false }
                return true
            }

            func version(_ slice: String) async throws -> String {
                try await server.kubectl("get", "endpointslice", slice, "-o", "jsonpath={.metadata.resourceVersion}")
            }

            /// Names of the backends that answered, each on a connection of its own.
            func answers(_ url: String, _ headers: [String] = []) async throws -> Set<String> {
                let count = 12
                // All at once: those that a hanging one gets cost its time once.
                let output = try await Program.run(
                    "curl",
                    ["--silent", "--parallel", "--parallel-immediate", "--max-time", "1", "-H", "Connection: close"]
                        + headers + Array(repeating: url, count: count))
                let names = output.out.split(separator: "\n").map { String($0.prefix { $0 != " " }) }
                return Set(names).union(names.count < count ? ["nobody"] : [])
            }

            func byClusterIP() async throws -> Set<String> { try await answers("http://127.96.0.77/") }

            func byProxy() async throws -> Set<String> {
                try await answers("http://127.0.0.1:\(family.httpPort)/", ["-H", "Host: web.example.com"])
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
                    try await shop.isUnmarked()
                }
                #expect(try await shop.conditions("web-1") == authored)
                one.signal(SIGCONT)
                try await shop.expectAll(["one"], [shop.first], "the one that is back")

                // Without the check the author's word counts again, whatever was found.
                try await server.kubectl("delete", "hc", "live")
                try await eventually(within: .seconds(60), "the author's conditions") {
                    let conditions = try await shop.conditions("web-1")
                    let isUnmarked = try await shop.isUnmarked()
                    return conditions == authored && isUnmarked
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

        /// A Service with one endpoint, and its check, which may take it out.
        private static func single(_ name: String, _ address: String, _ port: Int, _ handler: String) -> String {
            """
            apiVersion: v1
            kind: Service
            metadata: {name: \(name)}
            spec: {ports: [{name: main, port: 80}]}
            ---
            apiVersion: discovery.k8s.io/v1
            kind: EndpointSlice
            metadata: {name: \(name)-1, labels: {kubernetes.io/service-name: \(name)}}
            addressType: IPv4
            ports: [{name: main, port: \(port)}]
            endpoints: [{addresses: ["\(address)"], conditions: {ready: true}}]
            ---
            apiVersion: traffic.martlet.dev/v1
            kind: HealthCheck
            metadata: {name: \(name)}
            spec:
              targetRefs: [{name: \(name)}]
              \(handler)
              periodSeconds: 1
              failureThreshold: 1
              allFailedPolicy: StopServing
            ---

            """
        }

        @Test func `HTTPS, TCP and gRPC are asked as they are to be, and may stop a Service`() async throws {
            let isServing = Mutex(true)
            let grpc = RawListener { peer in
                _ = peer.receive()
                func frame(_ type: UInt8, _ flags: UInt8, _ stream: UInt8, _ payload: [UInt8]) -> [UInt8] {
                    [0, 0, UInt8(payload.count), type, flags, 0, 0, 0, stream] + payload
                }
                let trailer = [0, 11] + Array("grpc-status".utf8) + [1, UInt8(ascii: "0")]
                let status: UInt8 = isServing.withLock { $0 } ? 1 : 2
                // SETTINGS, `:status: 200`, HealthCheckResponse, the trailer (RFC 9113, RFC 7541).
                _ = peer.send(
                    frame(4, 0, 0, []) + frame(1, 4, 1, [0x88]) + frame(0, 0, 1, [0, 0, 0, 0, 2, 8, status])
                        + frame(1, 5, 1, trailer))
                _ = peer.readToEnd()
            }
            let family = try await Family.start()
            var backend: Backend?
            do {
                let server = family.server
                let tcp = try await family.backend("tcp", on: "127.0.33.1")
                backend = tcp
                let own = try #require(URL(string: server.url)?.port)
                func secure(_ path: String) -> String {
                    Self.single(
                        "secure", "127.0.0.1", own,
                        "httpGet: {scheme: HTTPS, port: main, path: \(path), host: a.example}")
                }
                @Sendable func isReady(_ name: String) async throws -> Bool {
                    try await server.kubectl(
                        "get", "endpointslice", "\(name)-1", "-o", "jsonpath={.endpoints[0].conditions.ready}")
                        == "true"
                }
                @Sendable func healthy(_ name: String) async throws -> String {
                    try await server.kubectl(
                        "get", "hc", name, "-o", "jsonpath={.status.conditions[?(@.type=='Healthy')].reason}")
                }
                func expect(_ names: [String], _ reason: String, ready: Bool) async throws {
                    for name in names {
                        try await eventually(within: .seconds(60), "\(name): \(reason)") {
                            guard try await healthy(name) == reason else { return false }
                            return try await isReady(name) == ready
                        }
                    }
                }
                try await family.apply(
                    secure("/livez") + Self.single("tcp", tcp.address, Int(tcp.port), "tcpSocket: {port: main}")
                        + Self.single("grpc", "127.0.0.1", grpc.port, "grpc: {port: \(grpc.port), service: shop}"))
                try await expect(["secure", "tcp", "grpc"], "NoEndpointFails", ready: true)
                await tcp.program.stop()
                isServing.withLock { $0 = false }
                try await family.apply(secure("/no-such-thing"))
                try await expect(["secure", "tcp", "grpc"], "AllEndpointsFailing", ready: false)
                let events = try await server.kubectl("get", "events", "--field-selector", "reason=EndpointUnhealthy")
                for why in ["statuscode: 40", "refused", "NOT_SERVING"] { #expect(events.contains(why), "\(events)") }
                let again = try await family.backend("tcp", on: tcp.address, port: tcp.port)
                backend = again
                isServing.withLock { $0 = true }
                try await family.apply(secure("/livez"))
                try await expect(["secure", "tcp", "grpc"], "NoEndpointFails", ready: true)

                let refused = try await server.tryKubectl(
                    ["apply", "-f", "-"],
                    input: Self.single(
                        "tcp", "169.254.169.254", 80, #"httpGet: {port: 99999, path: "/ HTTP/1.1", host: "a\r\nX: y"}"#
                    ).replacing("periodSeconds: 1", with: "periodSeconds: 0").replacing(
                        "failureThreshold: 1", with: "failureThreshold: 1000000000"))
                for field in [
                    "endpoints[0].addresses[0]", "spec.periodSeconds", "spec.failureThreshold", "spec.httpGet.port",
                    "spec.httpGet.path", "spec.httpGet.host",
                ] { #expect(refused.err.contains(field), "\(refused)") }
            } catch {
                await backend?.program.stop()
                await family.stop()
                throw error
            }
            await backend?.program.stop()
            await family.stop()
        }
    }
}
