import KubeModel
import NetworkTypes
import Testing
import TrafficModel

@Suite("The table of Services") struct ServiceTableTests {
    private func addresses(_ table: ServiceTable, _ name: String = "web", port: Int = 0) -> [String] {
        table[Sample.key(name)]?.ports[port].usableEndpoints().map(\.address.description) ?? []
    }

    @Test func endpointsJoinTheirServiceInEitherOrder() {
        let service = Sample.service("web")
        let slice = Sample.slice("web-1", of: "web", [Sample.endpoint("10.1.0.2"), Sample.endpoint("10.1.0.1")])
        var late = ServiceTable()
        late.setSlice(slice)
        late.setService(service)
        var early = ServiceTable()
        early.setService(service)
        early.setSlice(slice)
        #expect(addresses(late) == ["10.1.0.1:8080", "10.1.0.2:8080"])
        #expect(late[Sample.key("web")] == early[Sample.key("web")])
    }

    @Test func onlyPortsOfTheSameNameAndProtocolJoin() {
        let table = ServiceTable(
            services: [
                Sample.service(
                    "web",
                    ports: [
                        ServicePort(name: "a", protocol: "TCP", port: 80),
                        ServicePort(name: "a", protocol: "UDP", port: 80),
                        ServicePort(name: "b", protocol: "TCP", port: 81),
                    ])
            ],
            slices: [
                Sample.slice(
                    "1", of: "web", ports: [EndpointPort(name: "a", port: 1, protocol: "UDP")],
                    [Sample.endpoint("10.1.0.1")])
            ])
        #expect(addresses(table, port: 0) == [])
        #expect(addresses(table, port: 1) == ["10.1.0.1:1"])
        #expect(addresses(table, port: 2) == [])
    }

    /// KEP-1669: terminating endpoints are used only when nothing else is ready.
    @Test(
        arguments: [
            ([("10.1.0.1", true, true, false), ("10.1.0.2", false, true, true)], ["10.1.0.1:8080"]),
            ([("10.1.0.1", false, true, true), ("10.1.0.2", false, false, true)], ["10.1.0.1:8080"]),
            ([("10.1.0.1", false, false, false)], []),
            // Serving without terminating or ready does not exist in a rolling update: it is an unready Pod.
            ([("10.1.0.1", false, true, false)], []),
        ] as [([(String, Bool, Bool, Bool)], [String])])
    func endpointsThatGetTraffic(states: [(String, Bool, Bool, Bool)], expected: [String]) {
        let endpoints = states.map { Sample.endpoint($0.0, ready: $0.1, serving: $0.2, terminating: $0.3) }
        let table = ServiceTable(
            services: [Sample.service("web")], slices: [Sample.slice("1", of: "web", endpoints)])
        #expect(addresses(table) == expected)
    }

    @Test func absentConditionsCountAsReady() {
        let table = ServiceTable(
            services: [Sample.service("web")],
            slices: [Sample.slice("1", of: "web", [Endpoint(addresses: ["10.1.0.1"])])])
        #expect(addresses(table) == ["10.1.0.1:8080"])
    }

    @Test func anEndpointInTwoSlicesCountsOnceWithItsBestState() {
        let table = ServiceTable(
            services: [Sample.service("web")],
            slices: [
                Sample.slice("1", of: "web", [Sample.endpoint("10.1.0.1", ready: false)]),
                Sample.slice("2", of: "web", [Sample.endpoint("10.1.0.1")]),
            ])
        #expect(addresses(table) == ["10.1.0.1:8080"])
    }

    @Test func localPolicyKeepsToTheNodeWithTheSameFallback() {
        let here = NodeIdentity(name: "here")
        let entry = ServicePortEntry(
            port: Port(rawValue: 80),
            endpoints: [
                ServiceEndpoint(
                    address: SocketAddress(ip: .loopbackV4, port: Port(rawValue: 1)), isReady: false,
                    isTerminating: true, nodeName: "here"),
                ServiceEndpoint(address: SocketAddress(ip: .loopbackV4, port: Port(rawValue: 2)), nodeName: "there"),
            ])
        #expect(entry.usableEndpoints(policy: .local, on: here).map(\.address.port.rawValue) == [1])
        #expect(entry.usableEndpoints(policy: .cluster, on: here).map(\.address.port.rawValue) == [2])
        #expect(entry.usableEndpoints(policy: .local, on: NodeIdentity(name: "elsewhere")).isEmpty)
        #expect(entry.usableEndpoints(family: .v6).isEmpty)
    }

    @Test func aServiceIsReadInFull() throws {
        let service = Sample.service(
            "web", type: "LoadBalancer", ports: [ServicePort(name: "http", port: 80, nodePort: 30080)]
        ) { service in
            service.spec?.clusterIPs = ["10.0.0.1", "fd00::1"]
            service.spec?.externalIPs = ["192.0.2.9"]
            service.spec?.sessionAffinity = "ClientIP"
            service.spec?.externalTrafficPolicy = "Local"
            service.spec?.loadBalancerSourceRanges = ["198.51.100.0/24"]
            service.spec?.healthCheckNodePort = 30999
            service.status = ServiceStatus(
                loadBalancer: LoadBalancerStatus(ingress: [
                    LoadBalancerIngress(ip: "192.0.2.1", ipMode: "VIP"),
                    LoadBalancerIngress(ip: "192.0.2.2", ipMode: "Proxy"),
                ]))
        }
        let entry = ServiceEntry(service)
        #expect(entry.clusterIPs.map(\.description) == ["10.0.0.1", "fd00::1"])
        #expect(entry.externalIPs.map(\.description) == ["192.0.2.9"])
        #expect(entry.loadBalancerIPs.map(\.description) == ["192.0.2.1"])
        #expect(entry.loadBalancerSourceRanges == .only([CIDR("198.51.100.0/24")!]))
        #expect(entry.affinitySeconds == 10800)
        #expect(entry.externalTrafficPolicy == .local)
        #expect(entry.internalTrafficPolicy == .cluster)
        #expect(entry.healthCheckNodePort?.rawValue == 30999)
        #expect(entry.ports.first?.nodePort?.rawValue == 30080)
    }

    @Test func clusterIPServicesServeNoNodePortAndHeadlessOnesNoAddress() {
        let plain = ServiceEntry(
            Sample.service("web", ports: [ServicePort(port: 80, nodePort: 30080)]))
        #expect(plain.ports.first?.nodePort == nil)
        let headless = ServiceEntry(Sample.service("web", clusterIP: "None"))
        #expect(headless.form == .headless)
        #expect(headless.clusterIPs.isEmpty)
        let named = ServiceEntry(
            Sample.service("web", type: "ExternalName") { $0.spec?.externalName = "example.com" })
        #expect(named.form == .externalName("example.com"))
    }

    @Test func onlyRealChangesAreReported() {
        var table = ServiceTable()
        let isAdded = table.setService(Sample.service("web"))
        let afterService = table.takeChanges()
        let isAddedAgain = table.setService(Sample.service("web") { $0.metadata.resourceVersion = "2" })
        #expect((isAdded, isAddedAgain) == ([Sample.key("web")], []))
        #expect(afterService.map(\.key) == [Sample.key("web")])
        #expect(afterService.first?.before == nil && afterService.first?.after != nil)
        let slice = Sample.slice("1", of: "web", [Sample.endpoint("10.1.0.1")])
        let isJoined = table.setSlice(slice)
        let isJoinedAgain = table.setSlice(slice)
        let afterSlice = table.takeChanges()
        let afterThat = table.takeChanges()
        #expect((isJoined, isJoinedAgain) == ([Sample.key("web")], []))
        #expect(afterSlice.map(\.key) == [Sample.key("web")])
        #expect(afterSlice.first?.before?.ports.first?.endpoints.isEmpty == true)
        #expect(afterThat.isEmpty)
        let isLeft = table.removeSlice(NamespacedName(slice.metadata))
        #expect(isLeft == [Sample.key("web")])
        #expect(addresses(table).isEmpty)
        let isRemoved = table.removeService(Sample.key("web"))
        let isRemovedAgain = table.removeService(Sample.key("web"))
        #expect((isRemoved, isRemovedAgain) == ([Sample.key("web")], []))
    }

    @Test func `a Service that is again what it was did not change`() {
        var table = ServiceTable(services: [Sample.service("web")], slices: [])
        _ = table.takeChanges()
        let slice = Sample.slice("1", of: "web", [Sample.endpoint("10.1.0.1")])
        table.setSlice(slice)
        table.removeSlice(NamespacedName(slice.metadata))
        #expect(table.takeChanges().isEmpty)
        table.removeService(Sample.key("web"))
        let changes = table.takeChanges()
        #expect(changes.map(\.key) == [Sample.key("web")])
        #expect(changes.first?.after == nil)
    }

    @Test func `what was meant to keep something out does so although its name is unknown`() {
        let service = Sample.service("web", type: "LoadBalancer") { service in
            service.spec?.externalTrafficPolicy = "SomethingNew"
            service.status = ServiceStatus(
                loadBalancer: LoadBalancerStatus(ingress: [
                    LoadBalancerIngress(ip: "192.0.2.1", ipMode: "SomethingNew"),
                    LoadBalancerIngress(ip: "192.0.2.2", ipMode: "Proxy"), LoadBalancerIngress(ip: "192.0.2.3"),
                ]))
        }
        let entry = ServiceEntry(service)
        #expect(entry.externalTrafficPolicy == .local && entry.internalTrafficPolicy == .cluster)
        #expect(entry.loadBalancerIPs == [IPAddress("192.0.2.3")!])
    }

    @Test func `a health check port belongs to load balancers that keep to the node`() {
        let local = Sample.service("web", type: "LoadBalancer") { service in
            service.spec?.externalTrafficPolicy = "Local"
            service.spec?.healthCheckNodePort = 32000
        }
        #expect(ServiceEntry(local).healthCheckNodePort == Port(rawValue: 32000))
        let wide = Sample.service("web", type: "LoadBalancer") { $0.spec?.healthCheckNodePort = 32000 }
        #expect(ServiceEntry(wide).healthCheckNodePort == nil)
    }

    @Test func aSliceThatMovesToAnotherServiceLeavesTheFirst() {
        var table = ServiceTable(
            services: [Sample.service("a"), Sample.service("b")],
            slices: [Sample.slice("1", of: "a", [Sample.endpoint("10.1.0.1")])])
        _ = table.takeChanges()
        table.setSlice(Sample.slice("1", of: "b", [Sample.endpoint("10.1.0.1")]))
        #expect(addresses(table, "a").isEmpty)
        #expect(addresses(table, "b") == ["10.1.0.1:8080"])
        let changes = table.takeChanges()
        #expect(changes.map(\.key) == [Sample.key("a"), Sample.key("b")])
    }

    @Test func nonsenseInASliceIsLeftOut() {
        let table = ServiceTable(
            services: [Sample.service("web")],
            slices: [
                Sample.slice("1", of: "web", type: "FQDN", [Sample.endpoint("example.com")]),
                Sample.slice("2", of: "web", [Sample.endpoint("not an address"), Endpoint(addresses: [])]),
                Sample.slice(
                    "3", of: "web", ports: [EndpointPort(name: "http", port: 70000)], [Sample.endpoint("10.1.0.1")]),
            ])
        #expect(addresses(table).isEmpty)
    }

    @Test(
        arguments: [
            (ServicePortSelector.number(80), BackendResolution.endpoints([], appProtocol: nil)),
            (.name("http"), .endpoints([], appProtocol: nil)), (.number(81), .missingPort),
            (.name("other"), .missingPort), (.name("dns"), .missingPort),
        ])
    func backendsResolveByNumberOrName(port: ServicePortSelector, expected: BackendResolution) {
        let table = ServiceTable(
            services: [
                Sample.service(
                    "web",
                    ports: [ServicePort(name: "http", port: 80), ServicePort(name: "dns", protocol: "UDP", port: 53)])
            ], slices: [])
        #expect(table.resolve(ServiceBackend(service: Sample.key("web"), port: port)) == expected)
        #expect(table.resolve(ServiceBackend(service: Sample.key("none"), port: port)) == .missingService)
    }

    @Test func externalNamesResolveToTheirName() {
        let table = ServiceTable(
            services: [
                Sample.service("web", type: "ExternalName", ports: []) { $0.spec?.externalName = "example.com" }
            ], slices: [])
        let backend = ServiceBackend(service: Sample.key("web"), port: .number(443))
        #expect(table.resolve(backend) == .externalName("example.com", Port(rawValue: 443)))
    }
}
