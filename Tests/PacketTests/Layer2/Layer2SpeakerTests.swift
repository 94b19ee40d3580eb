import Announcement
import Foundation
import NetworkTypes
import Synchronization
import Testing

private let isAvailable: Bool = {
    guard geteuid() == 0, let namespace = try? Namespace() else { return false }
    return (try? namespace.command(["ip", "link", "show"])) != nil
}()

/// A speaker on real wires: a node with interfaces that come and go, and a machine at the other end of each.
@Suite("Announcing on interfaces that come and go", .serialized, .enabled(if: isAvailable, "needs root and ip"))
struct Layer2SpeakerTests {
    private static let address = "192.0.2.100"
    private static let address6 = "2001:db8::100"

    private final class Bench: Sendable {
        let node: Namespace
        let client: Namespace
        let speaker: Layer2Speaker
        private let reports: Reports

        private final class Reports: Sendable {
            let list = Mutex<[Layer2Speaker.Report]>([])
        }

        init() throws {
            (node, client) = (try Namespace(), try Namespace())
            let reports = Reports()
            self.reports = reports
            speaker = try node.run {
                try Layer2Speaker { report in reports.list.withLock { $0.append(report) } }
            }
            speaker.setDeadline(Layer2Speaker.now + .seconds(3600))
        }

        deinit { speaker.stop() }

        /// A wire between the two, `far` at the client's end.
        func plug(_ near: String, _ far: String, network: Int) throws {
            try node.configure("link add \(near) type veth peer name \(far) netns \(client.path)")
            try client.configure(
                "link set \(far) up", "addr add 192.0.\(network).1/24 dev \(far)",
                "addr add 2001:db8:\(network - 2)::1/64 dev \(far) nodad")
            // Nobody answers sooner.
            try client.sysctl([
                "ipv4/neigh/\(far)/retrans_time_ms": "100", "ipv6/neigh/\(far)/retrans_time_ms": "100",
            ])
            try node.configure("link set \(near) up")
        }

        /// Whom the client finds behind an address on one of its interfaces; nil for nobody.
        func found(_ address: String, on device: String) throws -> String? {
            try client.command(["ip", "neigh", "flush", "to", address, "dev", device])
            try client.configure("neigh replace \(address) dev \(device) use")
            for _ in 0..<40 {
                let text = try client.command(["ip", "neigh", "show", address, "dev", device])
                if text.contains("REACHABLE") || text.contains("STALE") {
                    let words = text.split(separator: " ")
                    return words.firstIndex(of: "lladdr").map { String(words[$0 + 1]) }
                }
                if text.contains("FAILED") || text.isEmpty { return nil }
                usleep(100_000)
            }
            return nil
        }

        func hardware(of near: String) throws -> String {
            let words = try node.command(["ip", "-o", "link", "show", near]).split(separator: " ")
            return try #require(words.firstIndex(of: "link/ether").map { String(words[$0 + 1]) })
        }

        var conflicts: [Layer2Answerer.Conflict] {
            reports.list.withLock { list in
                list.compactMap { if case .conflict(let conflict) = $0 { conflict } else { nil } }
            }
        }
    }

    private func table(_ choice: InterfaceChoice) throws -> [IPAddress: InterfaceChoice] {
        [try #require(IPAddress(Self.address)): choice, try #require(IPAddress(Self.address6)): choice]
    }

    @Test func `an address is found on the named interface alone, and again when that goes and comes back`()
        async throws
    {
        let bench = try Bench()
        try bench.plug("lan0", "far0", network: 2)
        await bench.speaker.setTable(try table(.named(["lan1"])))
        for address in [Self.address, Self.address6] { #expect(try bench.found(address, on: "far0") == nil) }

        for _ in 0..<2 {
            try bench.plug("lan1", "far1", network: 3)
            let hardware = try bench.hardware(of: "lan1")
            for address in [Self.address, Self.address6] {
                #expect(try await eventually { try bench.found(address, on: "far1") == hardware }, "\(address)")
                #expect(try bench.found(address, on: "far0") == nil)
            }
            try bench.node.configure("link del lan1")
        }
        // Where nobody names interfaces, all that lead out of the machine are meant.
        await bench.speaker.setTable(try table(.outer))
        let hardware = try bench.hardware(of: "lan0")
        for address in [Self.address, Self.address6] {
            #expect(try await eventually { try bench.found(address, on: "far0") == hardware }, "\(address)")
        }
    }

    @Test func `another machine that has the address is noticed upon the take-over, and when it takes it later`()
        async throws
    {
        let bench = try Bench()
        try bench.plug("lan0", "far0", network: 2)
        try bench.client.configure(
            "addr add \(Self.address)/32 dev far0", "addr add \(Self.address6)/128 dev far0 nodad")
        let other = try bench.client.command(["ip", "-o", "link", "show", "far0"])
        await bench.speaker.setTable(try table(.named(["lan0"])))
        #expect(await eventually { Set(bench.conflicts.map(\.address)).count == 2 }, "\(bench.conflicts)")
        for conflict in bench.conflicts {
            #expect(conflict.link == "lan0" && other.contains(conflict.hardware.description))
        }
        // Nobody any more; then another comes, and its kernel asks whether the address is free: it is told that it is not.
        try bench.client.configure("addr del \(Self.address6)/128 dev far0")
        try bench.client.configure("addr add \(Self.address6)/64 dev far0")
        #expect(
            try await eventually {
                try bench.client.command(["ip", "-6", "addr", "show", "dev", "far0"]).contains("dadfailed")
            })
    }
}
