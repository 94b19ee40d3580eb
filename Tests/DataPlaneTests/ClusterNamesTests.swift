import DNS
import KubeModel
import NetworkTypes
import TestSupport
import Testing
import TrafficModel

@testable import DataPlane

@Suite("Names of Services") struct ClusterNamesTests {
    static let domain = name("cluster.local")

    static func name(_ text: String) -> DomainName {
        guard let name = try? DomainName(text) else { preconditionFailure("\(text) is a name") }
        return name
    }

    static func source(
        _ key: String = "web", type: String? = nil, clusterIPs: [String]? = nil, externalName: String? = nil,
        ports: [ServicePort] = [], slices: [EndpointSlice] = []
    ) -> NameSource {
        var service = Service(metadata: ObjectMeta(name: key, namespace: "shop"), spec: ServiceSpec())
        service.spec?.type = type
        service.spec?.clusterIPs = clusterIPs
        service.spec?.clusterIP = clusterIPs?.first
        service.spec?.externalName = externalName
        service.spec?.ports = ports
        return NameSource(service: ServiceEntry(service), slices: slices.compactMap { EndpointSliceEntry($0) })
    }

    static func slice(
        _ type: String, ports: [EndpointPort] = [], _ endpoints: [Endpoint]
    ) -> EndpointSlice {
        EndpointSlice(
            metadata: ObjectMeta(
                name: "web-1", namespace: "shop", labels: [EndpointSliceEntry.serviceNameLabel: "web"]),
            addressType: type, endpoints: endpoints, ports: ports)
    }

    /// The records as `name type data`, the names without the domain.
    static func lines(_ source: NameSource) -> Set<String> {
        Set(ServiceNames(source, domain: domain).records.map(line))
    }

    static func line(_ record: ZoneRecord) -> String {
        func short(_ name: DomainName) -> String { name.description.replacing(".svc.cluster.local.", with: "") }
        func target(_ bytes: ArraySlice<UInt8>) -> String {
            var name = WireName()
            return name.take(Array(bytes).span, at: 0) ? short(name.name()) : "?"
        }
        let data =
            switch record.type {
            case .a, .aaaa: IPAddress(bytes: record.data).map { "\($0)" } ?? "?"
            case .srv:
                [0, 2, 4].map { "\(Int(record.data[$0]) << 8 | Int(record.data[$0 + 1]))" }.joined(separator: " ") + " "
                    + target(record.data[6...])
            case .txt: String(decoding: record.data.dropFirst(), as: UTF8.self)
            default: target(record.data[...])
            }
        return "\(short(record.name)) \(record.type) \(data)"
    }

    @Test func `a Service has its cluster IPs of both families, its named ports, and the way back`() {
        let source = Self.source(
            clusterIPs: ["10.96.0.7", "fd00::7"],
            ports: [ServicePort(name: "http", port: 80), ServicePort(name: "dns", protocol: "UDP", port: 53)])
        #expect(
            Self.lines(source) == [
                "web.shop A 10.96.0.7", "web.shop AAAA fd00::7", "7.0.96.10.in-addr.arpa. PTR web.shop",
                "7.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.d.f.ip6.arpa. PTR web.shop",
                "_http._tcp.web.shop SRV 0 100 80 web.shop", "_dns._udp.web.shop SRV 0 100 53 web.shop",
            ])
        #expect(Self.lines(Self.source(clusterIPs: ["10.96.0.7"], ports: [ServicePort(port: 80)])).count == 2)
    }

    @Test func `a headless Service has its ready endpoints, each under a name of its own`() {
        let source = Self.source(
            clusterIPs: ["None"],
            slices: [
                Self.slice(
                    "IPv4", ports: [EndpointPort(name: "sql", port: 5432), EndpointPort(port: 99)],
                    [
                        Endpoint(addresses: ["10.1.0.1"], hostname: "first"), Endpoint(addresses: ["10.1.0.2"]),
                        Endpoint(addresses: ["10.1.0.3"], conditions: EndpointConditions(ready: false)),
                    ]),
                Self.slice("IPv6", [Endpoint(addresses: ["fd00::1:0"])]),
            ])
        #expect(
            Set(Self.lines(source).filter { !$0.contains("ip6.arpa") }) == [
                "web.shop A 10.1.0.1", "web.shop A 10.1.0.2", "first.web.shop A 10.1.0.1",
                "10-1-0-2.web.shop A 10.1.0.2",
                "web.shop AAAA fd00::1:0", "fd00--1-0.web.shop AAAA fd00::1:0",
                "1.0.1.10.in-addr.arpa. PTR first.web.shop", "2.0.1.10.in-addr.arpa. PTR 10-1-0-2.web.shop",
                "_sql._tcp.web.shop SRV 0 50 5432 first.web.shop", "_sql._tcp.web.shop SRV 0 50 5432 10-1-0-2.web.shop",
            ])
    }

    @Test func `an external name is an alias, one that is no name nothing`() {
        #expect(
            Self.lines(Self.source(type: "ExternalName", externalName: "www.example.com."))
                == ["web.shop CNAME www.example.com."])
        #expect(Self.lines(Self.source(type: "ExternalName", externalName: "")) == [])
        #expect(Self.lines(Self.source()) == [])
    }

    @Test func `a headless Service without endpoints exists, one that is gone does not`() {
        var names = ClusterNames(.init(domain: Self.domain), serial: 1)
        let source = Self.source(clusterIPs: ["None"])
        names.apply([(nil, source)])
        #expect(names.table[Self.name("web.shop.svc.cluster.local")]?.isEmpty == true)
        names.apply([(source, nil)])
        #expect(names.table[Self.name("web.shop.svc.cluster.local")] == nil)
        #expect(names.table[Self.name("svc.cluster.local")] == nil)
    }

    @Test func `whatever order changes come in, the names are those of the last state`() {
        var random = SeededRandom(seed: 35)
        func any() -> NameSource? {
            switch UInt8.random(in: 0..<5, using: &random) {
            case 0: nil
            case 1: Self.source(clusterIPs: ["10.96.0.\(UInt8.random(in: 1...3, using: &random))"])
            case 2: Self.source(type: "ExternalName", externalName: "www.example.com")
            case 3: Self.source(clusterIPs: ["None"])
            default:
                Self.source(
                    clusterIPs: ["None"],
                    slices: [
                        Self.slice(
                            "IPv4", ports: [EndpointPort(name: "sql", port: 5432)],
                            (1...UInt8.random(in: 1...4, using: &random)).map { Endpoint(addresses: ["10.1.0.\($0)"]) })
                    ])
            }
        }
        var names = ClusterNames(.init(domain: Self.domain), serial: 1)
        names.setNamespaces(["shop"])
        var last: NameSource?
        for _ in 0..<200 {
            let next = any()
            names.apply([(last, next)])
            last = next
            var fresh = ClusterNames(.init(domain: Self.domain), serial: 1)
            fresh.setNamespaces(["shop"])
            fresh.apply([(nil, last)])
            func state(_ names: ClusterNames) -> Set<String> {
                Set(names.table.nodes.flatMap { node in node.records.map(Self.line) + ["\(node.name)"] })
            }
            #expect(state(names) == state(fresh))
        }
        names.apply([(last, nil)])
        names.setNamespaces([])
        #expect(
            Set(names.table.nodes.map { "\($0.name)" }) == [
                "cluster.local.", "dns-version.cluster.local.",
            ])
    }

    @Test func `a change in the API reaches the names as what was before and what is now`() throws {
        let state = TrafficState()
        state.setService(
            NamespacedName(namespace: "shop", name: "web"),
            ServiceEntry(key: NamespacedName(namespace: "shop", name: "web"), form: .headless))
        #expect(state.takeNameChanges().changes.isEmpty)
        #expect(state.followNames().map(\.slices.count) == [0])
        let slice = Self.slice("IPv4", [Endpoint(addresses: ["10.1.0.1"])])
        let key = NamespacedName(namespace: "shop", name: "web-1")
        state.setSlice(key, EndpointSliceEntry(slice), trigger: 70)
        state.setSlice(
            key, EndpointSliceEntry(Self.slice("IPv4", [Endpoint(addresses: ["10.1.0.2"])])), trigger: 90)
        let (changes, triggers) = state.takeNameChanges()
        #expect(changes.count == 1)
        // It has waited since the first of them.
        #expect(triggers == [70])
        #expect(changes.first?.before?.slices == [])
        #expect(changes.first?.after?.slices.first?.endpoints.map(\.address.ip.description) == ["10.1.0.2"])
        #expect(state.takeNameChanges().changes.isEmpty)
        state.setSlice(key, nil)
        #expect(state.takeNameChanges().changes.first?.after?.slices == [])
    }

    @Test func `the servers of resolv.conf are asked, but not this one`() {
        let configuration = ResolverConfiguration(
            """
            # a comment
            search example.com
            nameserver 127.0.0.1
            nameserver\t192.0.2.53
            nameserver 192.0.2.53
            nameserver fe80::1%eth0
            nameserver
            options ndots:5
            """)
        let own = [SocketAddress(ip: .loopbackV4, port: 53)]
        #expect(configuration.upstreams(excluding: own, machine: []).map(\.description) == ["192.0.2.53:53"])
        #expect(configuration.upstreams(excluding: [], machine: []).count == 2)
    }

    @Test(arguments: [
        ("192.0.2.1", "0.0.0.0", false), ("192.0.2.1", "192.0.2.1", false), ("192.0.2.1", "127.0.0.1", true),
        ("192.0.2.9", "0.0.0.0", true), ("0.0.0.0", "127.0.0.1", false), ("0.0.0.0", "0.0.0.0", false),
        ("0.0.0.0", "192.0.2.1", true), ("::", "::1", false), ("2001:db8::1", "::", false),
        ("2001:db8::1", "0.0.0.0", true), ("::1", "0.0.0.0", true), ("127.0.0.53", "127.0.0.1", true),
    ])
    func `a server of resolv.conf that is this one, by whatever name, is not asked`(
        nameserver: String, listening: String, isAsked: Bool
    ) throws {
        let own = [SocketAddress(ip: try #require(IPAddress(listening)), port: 53)]
        let machine = Set(["127.0.0.1", "::1", "192.0.2.1", "2001:db8::1"].compactMap { IPAddress($0) })
        let configuration = ResolverConfiguration("nameserver \(nameserver)\n")
        #expect(configuration.upstreams(excluding: own, machine: machine).count == (isAsked ? 1 : 0))
        #expect(
            configuration.upstreams(excluding: own.map { SocketAddress(ip: $0.ip, port: 5353) }, machine: machine).count
                == 1)
    }

    @Test func `this machine's own addresses are no strangers`() throws {
        let own = try ["203.0.113.7", "2001:db8::7", "127.0.0.1"].map { try #require(IPAddress($0)) }
        let access = ClientAccess(own: own, limited: [])
        #expect(own.allSatisfy { access.standing(of: $0) == .trusted })
        #expect(access.standing(of: try #require(IPAddress("203.0.113.8"))) == .stranger)
        #expect(access.standing(of: try #require(IPAddress("2001:db8::8"))) == .stranger)
        #expect(access.trusted.count == ClientAccess.loopback.count + 2)
    }

    @Test func `private networks are answered, at a rate unless the address is this machine's own`() throws {
        let access = ClientAccess(own: [try #require(IPAddress("10.0.0.7"))], limited: [])
        #expect(access.standing(of: try #require(IPAddress("10.0.0.7"))) == .trusted)
        for near in ["10.0.0.8", "192.168.1.1", "172.31.0.1", "100.64.0.1", "169.254.0.1", "fe80::1", "fd00::1"] {
            #expect(access.standing(of: try #require(IPAddress(near))) == .near, "\(near)")
        }
    }

    @Test func `what changes no name is no news`() {
        var names = ClusterNames(.init(domain: Self.domain), serial: 7)
        func serial() -> UInt32 { names.data().zones[0].serial }
        let source = Self.source(clusterIPs: ["10.96.0.7"])
        let sliced = Self.source(
            clusterIPs: ["10.96.0.7"], slices: [Self.slice("IPv4", [Endpoint(addresses: ["10.1.0.1"])])])
        var news = [names.apply([(nil, source)]), names.setNamespaces(["shop"])]
        #expect(news == [true, true] && serial() == 9)
        news = [names.apply([(source, sliced)]), names.apply([]), names.setNamespaces(["shop"])]
        #expect(news == [false, false, false] && serial() == 9)
        news = [names.setNamespaces(["shop", "more"]), names.apply([(sliced, nil)])]
        #expect(news == [true, true] && serial() == 11)
    }

    @Test func `slices of a Service with a cluster IP are no news for names, those of a headless one are`() {
        let state = TrafficState()
        let key = NamespacedName(namespace: "shop", name: "web")
        let slice = NamespacedName(namespace: "shop", name: "web-1")
        state.setService(key, Self.source(clusterIPs: ["10.96.0.7"]).service)
        _ = state.followNames()
        state.setSlice(slice, EndpointSliceEntry(Self.slice("IPv4", [Endpoint(addresses: ["10.1.0.1"])])))
        #expect(!state.namesChanged.takeRaised())
        #expect(state.takeNameChanges().changes.isEmpty)
        // It becomes headless, with the slice that it has.
        state.setService(key, Self.source(clusterIPs: ["None"]).service)
        #expect(state.takeNameChanges().changes.map { $0.after?.slices.count } == [1])
        state.setSlice(slice, nil)
        #expect(state.namesChanged.takeRaised())
        #expect(state.takeNameChanges().changes.map { $0.after?.slices.count } == [0])
    }
}
