import Testing

@testable import Announcement

@Suite("Hardware addresses") struct HardwareAddressTests {
    @Test func `bytes go in and come out in the order of the wire`() throws {
        let address = try #require(HardwareAddress([0x02, 0, 0x5E, 0x10, 0xAB, 0xFF]))
        #expect(address.description == "02:00:5e:10:ab:ff")
        #expect(address.bytes == [0x02, 0, 0x5E, 0x10, 0xAB, 0xFF])
        #expect(HardwareAddress([1, 2, 3]) == nil)
    }

    @Test func `groups, the broadcast and nothing at all are not unicast`() throws {
        #expect(try #require(HardwareAddress([0x52, 0x54, 0, 1, 2, 3])).isUnicast)
        #expect(!HardwareAddress.broadcast.isUnicast)
        #expect(!HardwareAddress(bits: 0).isUnicast)
        #expect(!HardwareAddress.multicast(ofGroupEndingIn: 0xFF00_0001).isUnicast)
        #expect(HardwareAddress.multicast(ofGroupEndingIn: 0xFF00_0001).description == "33:33:ff:00:00:01")
    }
}
