import Conntrack
import Foundation
import Netlink
import NetworkTypes
import Testing

@Suite("Tracked flows are deleted from the kernel by what they are", .serialized)
struct ConntrackTests {
    static let isAvailable: Bool = {
        guard geteuid() == 0 else {
            print("tests of conntrack are skipped: namespaces need root")
            return false
        }
        return true
    }()

    private func flow(
        _ transport: UInt8, _ family: IPFamily, client: UInt64, port: UInt16, to service: String, via endpoint: String
    ) throws -> Flow {
        let network = try #require(IPAddress(family == .v4 ? "172.20.0.0" : "fd20::"))
        let source = SocketAddress(ip: try #require(network.advanced(by: client)), port: Port(port))
        let (destination, answering) = (try #require(SocketAddress(service)), try #require(SocketAddress(endpoint)))
        return Flow(
            original: FlowTuple(transport: transport, source: source, destination: destination),
            reply: FlowTuple(transport: transport, source: answering, destination: source))
    }

    /// Puts flows into the kernel's table, as a packet of each would.
    private func insert(_ flows: some Sequence<Flow>) throws {
        let socket = try NetlinkSocket(.netfilter)
        var writer = NetlinkWriter(capacity: 64 << 10)
        func tuple(_ type: UInt16, _ tuple: FlowTuple, _ writer: inout NetlinkWriter) {
            let isV4 = tuple.source.ip.family == .v4
            writer.nested(type) { writer in
                writer.nested(1) {
                    $0.attribute(isV4 ? 1 : 3, tuple.source.ip.bytes)
                    $0.attribute(isV4 ? 2 : 4, tuple.destination.ip.bytes)
                }
                writer.nested(2) {
                    $0.attribute(1, host: tuple.transport)
                    $0.attribute(2, bigEndian: tuple.source.port.rawValue)
                    $0.attribute(3, bigEndian: tuple.destination.port.rawValue)
                }
            }
        }
        for flow in flows {
            writer.message(
                type: 0x100, flags: [.request, .create, .exclusive], sequence: socket.nextSequence()
            ) { writer in
                writer.append(UInt8(flow.original.source.ip.family == .v4 ? 2 : 10))
                writer.append(UInt8(0))
                writer.append(UInt16(0))
                tuple(1, flow.original, &writer)
                tuple(2, flow.reply, &writer)
                writer.attribute(7, bigEndian: UInt32(600))
                if flow.original.transport == FlowTuple.sctp {
                    // The kernel wants to know the state and the tags of the association.
                    writer.nested(4) { writer in
                        writer.nested(3) { writer in
                            writer.attribute(1, host: UInt8(4))
                            writer.attribute(2, bigEndian: UInt32(1))
                            writer.attribute(3, bigEndian: UInt32(2))
                        }
                    }
                }
            }
            if writer.count > 48 << 10 {
                try socket.send(writer.bytes)
                writer.removeAll()
            }
        }
        if writer.count > 0 { try socket.send(writer.bytes) }
        // What was refused is in the socket's buffer.
        while let answer = try socket.receive(wait: false) {
            var rest = answer
            while let message = try NetlinkMessage.next(&rest) {
                if message.kind == .answer, let refusal = try message.refusal() { throw refusal }
            }
        }
    }

    private func count(in namespace: Namespace) throws -> Int {
        let text = try namespace.run {
            try String(contentsOfFile: "/proc/sys/net/netfilter/nf_conntrack_count", encoding: .utf8)
        }
        return try #require(Int(text.trimmingCharacters(in: .whitespacesAndNewlines)))
    }

    @Test(.enabled(if: isAvailable), arguments: IPFamily.allCases, [FlowTuple.udp, FlowTuple.sctp])
    func `stale flows of an address are deleted, all others stay`(family: IPFamily, transport: UInt8) throws {
        let (service, other) = family == .v4 ? ("10.96.0.1:53", "10.96.0.2:53") : ("[fd96::1]:53", "[fd96::2]:53")
        let (old, new) = family == .v4 ? ("10.81.0.1:53", "10.81.0.2:53") : ("[fd81::1]:53", "[fd81::2]:53")
        let namespace = try Namespace()
        let ports: [UInt16] = Array(2000..<2050)
        try namespace.run {
            let stale = try ports.map { try flow(transport, family, client: 1, port: $0, to: service, via: old) }
            let right = try ports.map { try flow(transport, family, client: 2, port: $0, to: service, via: new) }
            let foreign = try ports.map { try flow(transport, family, client: 3, port: $0, to: other, via: old) }
            try insert(stale + right + foreign)
            let filter = FlowFilter(transport: transport, destination: try #require(SocketAddress(service)))
            let flows = try KernelFlows()
            var seen: [Flow] = []
            let answering = try #require(SocketAddress(new))
            let deleted = try flows.delete(filter) { flow in
                seen.append(flow)
                return flow.reply.source != answering
            }
            #expect(deleted == 50)
            let seenFlows = Set(seen.map(\.original))
            #expect(seenFlows == Set((stale + right).map(\.original)))
            var left: [FlowTuple] = []
            let all = FlowFilter(family: family, transport: transport)
            let none = try flows.delete(all) { flow in
                left.append(flow.original)
                return false
            }
            #expect(none == 0)
            #expect(Set(left) == Set((right + foreign).map(\.original)))
        }
    }

    @Test(.enabled(if: isAvailable))
    func `among a hundred thousand flows of others only the stale ones are touched`() throws {
        let namespace = try Namespace()
        try namespace.run {
            let foreign = 100_000
            var others: [Flow] = []
            for number in 0..<foreign {
                // No two are alike, and none is to the Service.
                let (client, port) = (UInt64(1 + number / 50_000), UInt16(1024 + number % 50_000))
                others.append(
                    try flow(
                        FlowTuple.udp, .v4, client: client, port: port, to: "10.96.9.9:53", via: "10.81.9.9:53"))
            }
            try insert(others)
            #expect(try count(in: namespace) == foreign)
            let mine = try (UInt16(3000)..<3020).map { (port: UInt16) throws -> Flow in
                try flow(FlowTuple.udp, .v4, client: 9, port: port, to: "10.96.0.1:53", via: "10.81.0.1:53")
            }
            try insert(mine)
            let flows = try KernelFlows()
            var told = 0
            let clock = ContinuousClock()
            let began = clock.now
            let deleted = try flows.delete(
                FlowFilter(transport: FlowTuple.udp, destination: try #require(SocketAddress("10.96.0.1:53")))
            ) { _ in
                told += 1
                return true
            }
            print("20 of 100,020 flows were found and deleted in \(clock.now - began)")
            #expect(deleted == 20 && told == 20)
            #expect(try count(in: namespace) == foreign)
        }
    }
}
