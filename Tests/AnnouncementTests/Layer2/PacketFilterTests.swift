import NetworkTypes
import Testing

@testable import Announcement

@Suite("What the kernel lets through") struct PacketFilterTests {
    private func arp(_ sender: UInt32, _ target: UInt32, operation: UInt8 = 1) -> [UInt8] {
        var bytes = ARPPacket(
            .request, from: HardwareAddress(bits: 1), IPAddress(v4: sender), to: HardwareAddress(bits: 0),
            IPAddress(v4: target)
        ).bytes
        bytes[7] = operation
        return bytes
    }

    @Test func `ARP that asks for or claims an address of the range`() {
        let filter = PacketFilter.arp(100, 200)
        for (sender, target, isHeard) in [
            (1, 100, true), (1, 150, true), (1, 200, true), (1, 99, false), (1, 201, false), (100, 1, true),
            (200, 300, true), (99, 201, false), (201, 99, false),
        ] as [(UInt32, UInt32, Bool)] {
            #expect((filter.run(arp(sender, target)) > 0) == isHeard, "\(sender) \(target)")
        }
        #expect(filter.run(arp(1, 150, operation: 2)) > 0)
        #expect(filter.run(arp(1, 150, operation: 3)) == 0)
        #expect(filter.run(Array(arp(1, 150).prefix(20))) == 0)
    }

    @Test func `neighbour discovery that nobody forwarded`() {
        var bytes = NeighbourMessageTests.solicitation.bytes
        #expect(PacketFilter.neighbours.run(bytes) >= 72)
        bytes[40] = 136
        #expect(PacketFilter.neighbours.run(bytes) > 0)
        for (offset, value) in [(40, 134), (40, 137), (6, 17), (7, 64)] as [(Int, UInt8)] {
            var other = NeighbourMessageTests.solicitation.bytes
            other[offset] = value
            #expect(PacketFilter.neighbours.run(other) == 0)
        }
        #expect(PacketFilter.nothing.run(bytes) == 0)
    }
}
