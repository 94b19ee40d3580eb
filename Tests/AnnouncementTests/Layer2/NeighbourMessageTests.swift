import NetworkTypes
import Testing

@testable import Announcement

@Suite("Neighbour discovery messages") struct NeighbourMessageTests {
    static func address(_ text: String) -> IPAddress { IPAddress(text) ?? .anyV6 }

    static let hardware = HardwareAddress(bits: 0x5254_0000_0009)
    static let solicitation = NeighbourMessage(
        .solicitation, from: address("2001:db8::9"), to: address("ff02::1:ff00:1"), target: address("2001:db8::1"),
        hardware: hardware)

    @Test func `a solicitation goes to the group of its target, and is read as it was written`() throws {
        #expect(
            NeighbourMessage.solicitedNode(of: Self.address("2001:db8::ab12:3456")) == Self.address("ff02::1:ff12:3456")
        )
        let bytes = Self.solicitation.bytes
        #expect(bytes.count == 40 + 32)
        #expect(NeighbourMessage(bytes[...]) == Self.solicitation)
    }

    @Test func `an advertisement keeps its flags`() {
        let message = NeighbourMessage(
            .advertisement([.solicited, .override]), from: Self.address("2001:db8::1"), to: Self.address("2001:db8::9"),
            target: Self.address("2001:db8::1"), hardware: Self.hardware)
        #expect(NeighbourMessage(message.bytes[...]) == message)
    }

    /// As tcpdump(8) shows one that Linux has sent for fe80::1 from fe80::2 (02:00:00:00:00:02).
    @Test func `the checksum is what others make of it`() throws {
        let message = NeighbourMessage(
            .solicitation, from: Self.address("fe80::2"), to: Self.address("ff02::1:ff00:1"),
            target: Self.address("fe80::1"), hardware: HardwareAddress(bits: 0x0200_0000_0002))
        // Summed by hand: the pseudo header, the message, ones' complement.
        let words: [UInt32] = [
            0xFE80, 0x0002, 0xFF02, 0x0001, 0xFF00, 0x0001, 32, 58, 0x8700, 0xFE80, 0x0001, 0x0101, 0x0200, 0x0002,
        ]
        var sum = words.reduce(0, +)
        while sum > 0xFFFF { sum = (sum & 0xFFFF) + (sum >> 16) }
        let bytes = message.bytes
        #expect(UInt32(bytes[42]) << 8 | UInt32(bytes[43]) == ~sum & 0xFFFF)
    }

    @Test(arguments: 0..<72)
    func `what is cut short is none`(length: Int) {
        #expect(NeighbourMessage(Self.solicitation.bytes[..<length]) == nil)
    }

    @Test(arguments: [0, 6, 7, 40, 41, 42, 50, 63, 65, 70])
    func `one wrong byte makes it none`(offset: Int) {
        var bytes = Self.solicitation.bytes
        bytes[offset] ^= 0x55
        #expect(NeighbourMessage(bytes[...]) == nil)
    }

    @Test func `a hop limit below 255 has been forwarded, and is none`() {
        var bytes = Self.solicitation.bytes
        bytes[7] = 254
        #expect(NeighbourMessage(bytes[...]) == nil)
    }

    @Test func `who has no address yet asks in the group, and does not say his hardware address`() {
        func probe(_ destination: String, _ hardware: HardwareAddress?) -> NeighbourMessage? {
            NeighbourMessage(
                NeighbourMessage(
                    .solicitation, from: .anyV6, to: Self.address(destination), target: Self.address("2001:db8::1"),
                    hardware: hardware
                ).bytes[...])
        }
        #expect(probe("ff02::1:ff00:1", nil) != nil)
        #expect(probe("ff02::1:ff00:2", nil) == nil)
        #expect(probe("2001:db8::1", nil) == nil)
        #expect(probe("ff02::1:ff00:1", Self.hardware) == nil)
    }

    @Test func `groups are nobody's neighbours, and an answer to all is no answer`() {
        var message = Self.solicitation
        message.target = Self.address("ff02::1")
        #expect(NeighbourMessage(message.bytes[...]) == nil)
        let answer = NeighbourMessage(
            .advertisement(.solicited), from: Self.address("2001:db8::1"), to: NeighbourMessage.allNodes,
            target: Self.address("2001:db8::1"))
        #expect(NeighbourMessage(answer.bytes[...]) == nil)
    }
}
