import NetworkTypes
import Testing

@testable import Announcement

@Suite("ARP packets") struct ARPPacketTests {
    /// Who has 192.0.2.1, asked by 192.0.2.9 at 52:54:00:00:00:09, as the wire has it.
    static let question: [UInt8] = [
        0, 1, 8, 0, 6, 4, 0, 1, 0x52, 0x54, 0, 0, 0, 9, 192, 0, 2, 9, 0, 0, 0, 0, 0, 0, 192, 0, 2, 1,
    ]

    @Test func `a question is read, and written as it was`() throws {
        let packet = try #require(ARPPacket(Self.question[...]))
        #expect(packet.operation == .request)
        #expect(packet.senderHardware.description == "52:54:00:00:00:09")
        #expect(packet.sender == IPAddress("192.0.2.9"))
        #expect(packet.target == IPAddress("192.0.2.1"))
        #expect(packet.bytes == Self.question)
    }

    @Test func `padding is passed over, and so is where the bytes lie`() {
        let padded = [7, 7] + Self.question + [UInt8](repeating: 0, count: 18)
        #expect(ARPPacket(padded.dropFirst(2)) == ARPPacket(Self.question[...]))
    }

    @Test(arguments: 0..<28)
    func `what is cut short is none`(length: Int) { #expect(ARPPacket(Self.question[..<length]) == nil) }

    @Test(arguments: [(1, 6), (2, 6), (3, 6), (4, 8), (5, 16), (6, 1), (7, 3), (7, 0)])
    func `other networks, protocols and operations are none`(offset: Int, value: UInt8) {
        var bytes = Self.question
        bytes[offset] = value
        #expect(ARPPacket(bytes[...]) == nil)
    }
}
