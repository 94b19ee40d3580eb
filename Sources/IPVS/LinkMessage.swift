internal import Netlink
internal import NetworkTypes

/// Messages about interfaces and their addresses (rtnetlink(7), <linux/if_link.h>, <linux/if_addr.h>).
enum LinkMessage {
    static let newLink: UInt16 = 16
    static let deleteLink: UInt16 = 17
    static let getLink: UInt16 = 18
    static let setLink: UInt16 = 19
    static let newAddress: UInt16 = 20
    static let deleteAddress: UInt16 = 21
    static let getAddress: UInt16 = 22

    private static let name: UInt16 = 3
    private static let information: UInt16 = 18
    private static let kind: UInt16 = 1
    private static let alias: UInt16 = 20

    /// struct ifinfomsg, of which only the index says something.
    private static func header(index: UInt32 = 0, _ writer: inout NetlinkWriter) {
        writer.append(UInt32(0))
        writer.append(index)
        writer.append(UInt64(0))
    }

    /// For a new device that leads nowhere. Linux takes no alias with it.
    static func dummy(_ device: String, _ writer: inout NetlinkWriter) {
        header(&writer)
        writer.attribute(name, text: device)
        writer.nested(information) { $0.attribute(kind, text: "dummy") }
    }

    /// Gives a device another name, and lets it say whose it is. It stays switched off: its addresses are the machine's all
    /// the same, and whoever looks for addresses that others may use passes over it.
    static func claim(_ index: UInt32, name device: String, owner: String, _ writer: inout NetlinkWriter) {
        header(index: index, &writer)
        writer.attribute(name, text: device)
        writer.attribute(alias, text: owner)
    }

    static func named(_ device: String, _ writer: inout NetlinkWriter) {
        header(&writer)
        writer.attribute(name, text: device)
    }

    static func index(_ index: UInt32, _ writer: inout NetlinkWriter) { header(index: index, &writer) }

    /// What an answer to `getLink` says.
    static func link(_ message: NetlinkMessage) throws(NetlinkError) -> (index: UInt32, owner: String) {
        guard message.payload.count >= 16 else { throw .malformed("a link of \(message.payload.count) bytes") }
        let index = message.payload.withUnsafeBytes { $0.loadUnaligned(fromByteOffset: 4, as: UInt32.self) }
        return (index, try NetlinkAttributes(message.payload.dropFirst(16)).first(alias)?.text ?? "")
    }

    // MARK: Addresses

    /// An address as it is known to the kernel: struct ifaddrmsg, and the address.
    static func address(_ address: IPAddress, on index: UInt32, _ writer: inout NetlinkWriter) {
        let isV4 = address.family == .v4
        writer.append(UInt8(isV4 ? 2 : 10))
        writer.append(UInt8(isV4 ? 32 : 128))
        // Without asking whether somebody else has it (IFA_F_NODAD): on this device nobody answers.
        writer.append(UInt8(isV4 ? 0 : 0x02))
        writer.append(UInt8(0))
        writer.append(index)
        writer.attribute(2, address.bytes)
        writer.attribute(1, address.bytes)
    }

    static func allAddresses(_ writer: inout NetlinkWriter) {
        writer.append(contentsOf: [UInt8](repeating: 0, count: 8))
    }

    /// What a message of a listing says; nil for addresses of a link, and for what is no address.
    static func address(_ message: NetlinkMessage) throws(NetlinkError) -> (index: UInt32, address: IPAddress)? {
        guard message.payload.count >= 8 else { throw .malformed("an address of \(message.payload.count) bytes") }
        let index = message.payload.withUnsafeBytes { $0.loadUnaligned(fromByteOffset: 4, as: UInt32.self) }
        let attributes = NetlinkAttributes(message.payload.dropFirst(8))
        // The own end of a connection between two, where there is one.
        let (own, other) = (try attributes.first(2), try attributes.first(1))
        guard let bytes = own ?? other, let address = IPAddress(bytes: bytes.payload),
            !(address.family == .v6 && address.isLinkLocalUnicast)
        else { return nil }
        return (index, address)
    }
}
