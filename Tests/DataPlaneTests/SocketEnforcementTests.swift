import BPF
import Conntrack
import KubeModel
import Logging
import Netlink
import NetworkTypes
import Testing
import TrafficModel

@testable import DataPlane

@Suite("Sockets are led to endpoints by programs, in front of the kernel mode") struct SocketEnforcementTests {
    private let system = SimulatedBPF(host: 1)
    private let node = NodeIdentity(name: "node-1", nodePortAddresses: [IPAddress("192.0.2.1")!])

    private func place(group: UInt64 = 7) -> SocketPlace {
        SocketPlace(group: ControlGroup(path: "/group", identifier: group), files: "/bpf", host: 1)
    }

    private func enforcement(
        group: UInt64 = 7, room: SocketMaps.Room = .init(), policy: MasqueradePolicy = .init(),
        sockets: (any LedSockets)? = SimulatedLedSockets()
    ) throws -> SocketEnforcement {
        try SocketEnforcement(
            system, at: place(group: group), policy: policy, sockets: sockets, room: room,
            logger: Logger(label: "test"), pauses: .init(links: 0, maps: 0, retry: 0))
    }

    /// Sockets that are flows, and nothing else.
    private final class SimulatedLedSockets: LedSockets {
        let flows: SimulatedFlows
        init(_ flows: Set<Flow> = []) { self.flows = SimulatedFlows(flows) }
        func follow(_ connected: BPFObject?) {}
        func tidy() {}
        func delete(_ filter: FlowFilter, where isStale: (Flow) -> Bool) throws(NetlinkError) -> Int {
            try flows.delete(filter, where: isStale)
        }
    }

    private func service(
        _ name: String = "web", _ ip: String = "10.96.0.1", affinity: Int? = nil, _ endpoints: String...
    ) -> ServiceEntry {
        let slots = endpoints.map { ServiceEndpoint(address: SocketAddress($0)!) }
        return ServiceEntry(
            key: NamespacedName(namespace: "shop", name: name), clusterIPs: [IPAddress(ip)!],
            affinitySeconds: affinity,
            ports: [
                ServicePortEntry(name: "t", port: 80, nodePort: 30080, endpoints: slots),
                ServicePortEntry(name: "u", transport: .udp, port: 53, endpoints: slots),
            ])
    }

    private func enforce(_ enforcement: inout SocketEnforcement, _ services: ServiceEntry...) {
        enforcement.enforce(
            EnforcementBatch(services.map { ServiceChange(key: $0.key, before: nil, after: $0) }, on: node))
    }

    private func socket(_ cookie: UInt64 = 100, namespace: UInt64 = 1) -> SimulatedSocket {
        SimulatedSocket(cookie: cookie, namespace: namespace)
    }

    /// Where a call leads.
    private func lead(
        _ hook: BPFHook, _ socket: SimulatedSocket, _ address: String, _ transport: UInt8 = 6
    ) throws -> SocketAddress? {
        let address = SocketAddress(address)!
        var call = SocketCall(socket, address.ip.bytes, address.port.rawValue, transport: transport)
        guard try system.run(hook, &call) else { return nil }
        return IPAddress(bytes: call.address).map { SocketAddress(ip: $0, port: Port(call.port)) }
    }

    @Test func `a connection leads to an endpoint, and the socket believes in the Service`() throws {
        var enforcement = try enforcement()
        enforce(&enforcement, service("web", "10.96.0.1", "10.1.0.1:8080"))
        let socket = socket()
        #expect(try lead(.connect4, socket, "10.96.0.1:80") == SocketAddress("10.1.0.1:8080"))
        #expect(try lead(.peerName4, socket, "10.1.0.1:8080") == SocketAddress("10.96.0.1:80"))
        #expect(try lead(.peerName4, socket, "10.1.0.2:8080") == SocketAddress("10.1.0.2:8080"))
        // Another socket that means the endpoint itself.
        #expect(try lead(.peerName4, self.socket(101), "10.1.0.1:8080") == SocketAddress("10.1.0.1:8080"))
        // The same socket, connected to the endpoint itself.
        #expect(try lead(.connect4, socket, "10.1.0.1:8080") == SocketAddress("10.1.0.1:8080"))
        #expect(try lead(.peerName4, socket, "10.1.0.1:8080") == SocketAddress("10.1.0.1:8080"))
        for other in ["10.96.0.1:81", "10.96.0.2:80"] {
            #expect(try lead(.connect4, socket, other) == SocketAddress(other))
        }
        #expect(try lead(.connect4, socket, "10.96.0.1:80", 17) == SocketAddress("10.96.0.1:80"), "no UDP there")
        #expect(try lead(.connect4, socket, "10.96.0.1:80", 132) == SocketAddress("10.96.0.1:80"), "nor SCTP")
        // A socket of IPv6 that speaks IPv4.
        #expect(
            try lead(.connect6, socket, "[::ffff:10.96.0.1]:80") == SocketAddress("[::ffff:10.1.0.1]:8080"))
        #expect(
            try lead(.peerName6, socket, "[::ffff:10.1.0.1]:8080") == SocketAddress("[::ffff:10.96.0.1]:80"))
    }

    @Test func `UDP that connects is led where somebody ends such sockets, and in this machine's namespace`() throws {
        var enforcement = try enforcement()
        enforce(&enforcement, service("web", "10.96.0.1", "10.1.0.1:53"))
        let service = SocketAddress("10.96.0.1:53")
        #expect(try lead(.connect4, socket(), "10.96.0.1:53", 17) == SocketAddress("10.1.0.1:53"))
        #expect(try lead(.connect4, socket(namespace: 55), "10.96.0.1:53", 17) == service)
        // Not connected: it can be led elsewhere.
        #expect(try lead(.send4, socket(namespace: 55), "10.96.0.1:53", 17) == SocketAddress("10.1.0.1:53"))
        // The next process finds a kernel that ends no sockets.
        var helpless = try self.enforcement(sockets: nil)
        enforce(&helpless, self.service("web", "10.96.0.1", "10.1.0.1:53"))
        #expect(try lead(.connect4, socket(), "10.96.0.1:53", 17) == service)
        #expect(try lead(.send4, socket(), "10.96.0.1:53", 17) == SocketAddress("10.1.0.1:53"))
        #expect(helpless.obstacles().map(\.reason) == ["SocketModePartial"])
    }

    @Test func `an endpoint that is two Services' answers a socket for one of them, the rules do the other`() throws {
        var enforcement = try enforcement()
        enforce(&enforcement, service("web", "10.96.0.1", "10.1.0.1:53"), service("api", "10.96.0.2", "10.1.0.1:53"))
        let socket = socket()
        let endpoint = SocketAddress("10.1.0.1:53")
        for _ in 0..<2 {
            #expect(try lead(.send4, socket, "10.96.0.1:53", 17) == endpoint)
            #expect(try lead(.send4, socket, "10.96.0.2:53", 17) == SocketAddress("10.96.0.2:53"))
        }
        #expect(try lead(.receive4, socket, "10.1.0.1:53", 17) == SocketAddress("10.96.0.1:53"))
        #expect(try lead(.send4, self.socket(101), "10.96.0.2:53", 17) == endpoint)
    }

    @Test func `sockets that believe in an endpoint that is gone are ended`() throws {
        func flow(_ service: String, _ endpoint: String) -> Flow {
            let own = SocketAddress("192.0.2.1:40000")!
            return Flow(
                original: FlowTuple(transport: 17, source: own, destination: SocketAddress(service)!),
                reply: FlowTuple(transport: 17, source: SocketAddress(endpoint)!, destination: own))
        }
        let (gone, stays) = (flow("10.96.0.1:53", "10.1.0.1:53"), flow("10.96.0.1:53", "10.1.0.2:53"))
        let orphan = flow("10.96.0.9:53", "10.1.0.9:53")
        let sockets = SimulatedLedSockets([gone, stays, orphan])
        var enforcement = try enforcement(sockets: sockets)
        let (before, after) = (
            service("web", "10.96.0.1", "10.1.0.1:53", "10.1.0.2:53"), service("web", "10.96.0.1", "10.1.0.2:53")
        )
        enforcement.enforce(
            EnforcementBatch(
                [ServiceChange(key: before.key, before: nil, after: before)], extent: .everything, on: node))
        #expect(sockets.flows.flows == [gone, stays])
        enforcement.enforce(
            EnforcementBatch([ServiceChange(key: before.key, before: before, after: after)], on: node))
        #expect(sockets.flows.flows == [stays])
    }

    @Test func `datagrams to one address go to one endpoint as long as that serves, and answers come from the Service`()
        throws
    {
        var enforcement = try enforcement()
        enforce(&enforcement, service("web", "10.96.0.1", "10.1.0.1:53", "10.1.0.2:53"))
        let socket = socket()
        let first = try #require(try lead(.send4, socket, "10.96.0.1:53", 17))
        for _ in 0..<30 { #expect(try lead(.send4, socket, "10.96.0.1:53", 17) == first) }
        #expect(try lead(.receive4, socket, "\(first)", 17) == SocketAddress("10.96.0.1:53"))
        #expect(try lead(.receive4, self.socket(9), "\(first)", 17) == first)
        let other = try #require(["10.1.0.1:53", "10.1.0.2:53"].first { $0 != first.description })
        enforce(&enforcement, service("web", "10.96.0.1", other))
        #expect(try lead(.send4, socket, "10.96.0.1:53", 17) == SocketAddress(other))
        #expect(try lead(.receive4, socket, other, 17) == SocketAddress("10.96.0.1:53"))
        // What is still under way from the old one.
        #expect(try lead(.receive4, socket, "\(first)", 17) == SocketAddress("10.96.0.1:53"))
    }

    @Test func `whoever is bound to a loopback address or to an interface goes by the rules`() throws {
        var enforcement = try enforcement()
        enforce(&enforcement, service("web", "10.96.0.1", "10.1.0.1:80"), service("six", "fd96::1", "[fd81::1]:80"))
        let (v4, v6) = (SocketAddress("10.96.0.1:80"), SocketAddress("[fd96::1]:80"))
        let bound = socket()
        bound.source = [127, 0, 0, 1]
        #expect(try lead(.connect4, bound, "10.96.0.1:80") == v4)
        bound.source = [10, 80, 0, 127]
        #expect(try lead(.connect4, bound, "10.96.0.1:80") != v4)
        bound.source = IPAddress.loopbackV6.bytes
        #expect(try lead(.connect6, bound, "[fd96::1]:80") == v6)
        bound.source = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 255, 255, 127, 0, 0, 1]
        #expect(try lead(.connect6, bound, "[fd96::1]:80") == v6)
        bound.source = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 255, 255, 10, 0, 0, 1]
        #expect(try lead(.connect6, bound, "[fd96::1]:80") != v6)
        let onDevice = socket()
        onDevice.device = 2
        #expect(try lead(.connect4, onDevice, "10.96.0.1:80") == v4)
    }

    @Test func `node ports are for this machine's namespace, cluster IPs for all`() throws {
        var enforcement = try enforcement()
        enforce(&enforcement, service("web", "10.96.0.1", "10.1.0.1:80"))
        let container = socket(namespace: 55)
        #expect(try lead(.connect4, container, "10.96.0.1:80") == SocketAddress("10.1.0.1:80"))
        #expect(try lead(.connect4, container, "192.0.2.1:30080") == SocketAddress("192.0.2.1:30080"))
        #expect(try lead(.connect4, socket(), "192.0.2.1:30080") == SocketAddress("10.1.0.1:80"))
    }

    @Test func `a network namespace keeps its endpoint until it was idle for the timeout`() throws {
        var enforcement = try enforcement()
        let ends = (1...9).map { "10.1.0.\($0):80" }
        func entry(_ ends: [String]) -> ServiceEntry {
            var entry = service("web", "10.96.0.1", affinity: 60)
            for port in entry.ports.indices {
                entry.ports[port].endpoints = ends.map { ServiceEndpoint(address: SocketAddress($0)!) }
            }
            return entry
        }
        enforce(&enforcement, entry(ends))
        var count: UInt32 = 0
        system.random = {
            count += 1
            return count
        }
        let first = try #require(try lead(.connect4, socket(), "10.96.0.1:80"))
        for cookie in UInt64(0)..<5 {
            system.nanoseconds += 50_000_000_000
            #expect(try lead(.connect4, socket(cookie), "10.96.0.1:80") == first)
        }
        #expect(try lead(.connect4, socket(namespace: 55), "10.96.0.1:80") != first, "another client")
        enforce(&enforcement, entry(ends.filter { $0 == first.description || $0.hasSuffix("9:80") }))
        #expect(try lead(.connect4, socket(), "10.96.0.1:80") == first)
        system.nanoseconds += 61_000_000_000
        count = 0
        let later = try #require(try lead(.connect4, socket(), "10.96.0.1:80"))
        enforce(&enforcement, entry(ends.filter { $0 != later.description }))
        #expect(try lead(.connect4, socket(), "10.96.0.1:80") != later, "it is gone")
    }

    @Test func `the next process takes over, and programs run in between`() throws {
        var first: SocketEnforcement? = try enforcement()
        first?.enforce(
            EnforcementBatch(
                [ServiceChange(key: service().key, before: nil, after: service("web", "10.96.0.1", "10.1.0.1:80"))],
                on: node))
        let connected = socket()
        #expect(try lead(.connect4, connected, "10.96.0.1:80") == SocketAddress("10.1.0.1:80"))
        first = nil
        #expect(try lead(.connect4, socket(), "10.96.0.1:80") == SocketAddress("10.1.0.1:80"))
        var next = try enforcement()
        #expect(try lead(.connect4, socket(), "10.96.0.1:80") == SocketAddress("10.1.0.1:80"), "nothing is said yet")
        enforce(&next, service("web", "10.96.0.1", "10.1.0.2:80"))
        #expect(try lead(.connect4, socket(), "10.96.0.1:80") == SocketAddress("10.1.0.2:80"))
        #expect(try lead(.peerName4, connected, "10.1.0.1:80") == SocketAddress("10.96.0.1:80"))
        // One for another control group, with other maps.
        var other = try enforcement(group: 8, room: .init(frontends: 16, endpoints: 16, memories: 16))
        enforce(&other, service("web", "10.96.0.1", "10.1.0.3:80"))
        #expect(other.trouble == nil)
        #expect(try SocketPlace.remove(place().folder, system))
        #expect(system.names(in: place().folder).isEmpty)
    }

    @Test func `what fails lets the programs go, and is tried again`() throws {
        var enforcement = try enforcement()
        enforce(&enforcement, service("web", "10.96.0.1", "10.1.0.1:80"))
        system.failures = [12, 12]
        enforce(&enforcement, service("web", "10.96.0.1", "10.1.0.2:80"))
        #expect(enforcement.trouble?.number == 12)
        #expect(enforcement.obstacles().map(\.reason) == ["SocketModeUnavailable"])
        #expect(try lead(.connect4, socket(), "10.96.0.1:80") == SocketAddress("10.96.0.1:80"), "by the rules")
        enforcement.audit()
        #expect(enforcement.trouble == nil && enforcement.obstacles().isEmpty)
        #expect(try lead(.connect4, socket(), "10.96.0.1:80") == SocketAddress("10.1.0.2:80"))
        // Once only: listing tells what is amiss, and mends it.
        system.failures = [12]
        enforce(&enforcement, service("web", "10.96.0.1", "10.1.0.3:80"))
        #expect(enforcement.trouble == nil)
        #expect(try lead(.connect4, socket(), "10.96.0.1:80") == SocketAddress("10.1.0.3:80"))
    }

    @Test func `what somebody took away is put back`() throws {
        var enforcement = try enforcement()
        enforce(&enforcement, service("web", "10.96.0.1", "10.1.0.1:80"))
        try SocketPlace.remove(place().folder, system)
        enforcement.audit()
        #expect(system.names(in: place().folder).count == BPFHook.allCases.count + SocketMaps.all(.init()).count)
        let map = try #require(system.open(place().path(of: SocketMaps.frontends)))
        for entry in system.entries(map) { _ = try system.remove(map, entry.key) }
        enforcement.audit()
        #expect(try lead(.connect4, socket(), "10.96.0.1:80") == SocketAddress("10.1.0.1:80"))
    }

    @Test func `what there is no room for is told, and goes by the rules`() throws {
        var enforcement = try enforcement(room: .init(frontends: 3, endpoints: 100, memories: 16))
        enforce(&enforcement, service("web", "10.96.0.1", "10.1.0.1:80"), service("api", "10.96.0.2", "10.1.0.2:80"))
        #expect(enforcement.obstacles().map(\.reason) == ["SocketModeFull"])
        #expect(enforcement.trouble == nil)
    }

    @Test func `a socket that is led is marked as long as it is, unless it has a mark`() throws {
        let programs = SocketPrograms(host: 1, mark: SocketTracking.mark)
        var maps: [String: BPFObject] = [:]
        for map in SocketMaps.all(.init(frontends: 4, endpoints: 4, memories: 4)) {
            maps[map.name] = try system.make(map)
        }
        let link = try system.attach(
            try system.load(programs.program(.connect4), maps: maps), to: place().group, at: .connect4)
        defer { withExtendedLifetime(link) {} }
        let key = FrontendKey(transport: .tcp, address: SocketAddress("10.96.0.1:80")!)
        for change in [
            SocketChange.setEndpoint(row: 1, number: 0, SocketAddress("10.1.0.1:80")!),
            .setFrontend(key, SocketFront(row: 1, count: 1, affinitySeconds: 0, isOfHostOnly: false)),
        ] { try change.carryOut(in: system, maps) }
        let (socket, own) = (socket(), self.socket(2))
        own.mark = 5
        #expect(try lead(.connect4, socket, "10.96.0.1:80") == SocketAddress("10.1.0.1:80"))
        #expect(socket.mark == SocketTracking.mark)
        _ = try lead(.connect4, socket, "10.9.9.9:80")
        #expect(socket.mark == 0)
        #expect(try lead(.connect4, own, "10.96.0.1:80") == SocketAddress("10.1.0.1:80"))
        #expect(own.mark == 5)
    }
}
