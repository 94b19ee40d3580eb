import Netlink
import NetworkTypes
import Testing

@testable import IPVS

/// The bytes are those of `struct` and attributes in <linux/ip_vs.h> on a machine with the low byte first.
@Suite("Messages of IPVS, byte for byte") struct IPVSMessageTests {
    static let web = VirtualServer.Key(transport: 6, address: SocketAddress("10.96.0.10:80")!)
    static let webHead: [UInt8] = [
        0x08, 0, 0x01, 0, 0x02, 0, 0, 0,  // family: 2
        0x06, 0, 0x02, 0, 0x06, 0, 0, 0,  // protocol: 6 (u16, padded)
        0x14, 0, 0x03, 0, 10, 96, 0, 10, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,  // address
        0x06, 0, 0x04, 0, 0, 80, 0, 0,  // port, in network order
    ]

    private func bytes(_ change: IPVSChange) -> [UInt8] {
        var writer = NetlinkWriter()
        IPVSMessage.write(change, &writer)
        return writer.bytes
    }

    /// The family's attribute is a u16, so padded as the protocol's is.
    private var head: [UInt8] {
        var head = Self.webHead
        head[0] = 6
        return head
    }

    @Test func `a new virtual server names its scheduler, flags, persistence and mask`() {
        let server = VirtualServer(
            key: Self.web, scheduler: .maglevHashing, flags: [.persistent, .fallback, .owned], persistence: 300)
        let body: [UInt8] =
            head + [
                0x07, 0, 0x06, 0, 0x6D, 0x68, 0, 0,  // "mh"
                0x0C, 0, 0x07, 0, 0x29, 0, 0, 0, 0xFF, 0xFF, 0xFF, 0xFF,  // flags and which are meant
                0x08, 0, 0x08, 0, 0x2C, 0x01, 0, 0,  // 300 s
                0x08, 0, 0x09, 0, 0xFF, 0xFF, 0xFF, 0xFF,  // each client by itself
            ]
        let envelope: [UInt8] = [UInt8(body.count + 4), 0, 0x01, 0x80]
        #expect(bytes(.addServer(server)) == [1, 1, 0, 0] + envelope + body)
        #expect(bytes(.changeServer(server)) == [2, 1, 0, 0] + envelope + body)
        #expect(bytes(.removeServer(Self.web)) == [3, 1, 0, 0, UInt8(head.count + 4), 0, 0x01, 0x80] + head)
    }

    @Test func `a real server comes with its virtual one, translated, and without thresholds`() {
        let real = RealServer(SocketAddress("10.1.2.3:8080")!, weight: 1)
        let address: [UInt8] = [
            0x14, 0, 0x01, 0, 10, 1, 2, 3, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
            0x06, 0, 0x02, 0, 0x1F, 0x90, 0, 0,
            0x06, 0, 0x0B, 0, 0x02, 0, 0, 0,
        ]
        let full: [UInt8] =
            address + [
                0x08, 0, 0x03, 0, 0, 0, 0, 0, 0x08, 0, 0x04, 0, 1, 0, 0, 0, 0x08, 0, 0x05, 0, 0, 0, 0, 0, 0x08, 0,
                0x06, 0, 0, 0, 0, 0,
            ]
        let service: [UInt8] = [UInt8(head.count + 4), 0, 0x01, 0x80] + head
        #expect(
            bytes(.addReal(real, Self.web)) == [5, 1, 0, 0] + service + [UInt8(full.count + 4), 0, 0x02, 0x80] + full)
        #expect(bytes(.changeReal(real, Self.web)).first == 6)
        #expect(
            bytes(.removeReal(real.address, Self.web))
                == [7, 1, 0, 0] + service + [UInt8(address.count + 4), 0, 0x02, 0x80] + address)
    }

    @Test func `IPv6 has its own family, and a length for a mask`() throws {
        let key = VirtualServer.Key(transport: 17, address: SocketAddress("[fd96::a]:53")!)
        let written = bytes(.addServer(VirtualServer(key: key, scheduler: .roundRobin)))
        let service = try #require(try NetlinkAttributes(written[4...]).first(1)).attributes
        #expect(try service.first(1)?.host(UInt16.self) == 10)
        #expect(try service.first(3)?.payload.elementsEqual(key.address.ip.bytes) == true)
        #expect(try service.first(9)?.host(UInt32.self) == 128)
    }

    /// The message as the kernel would list it.
    private func listed(_ change: IPVSChange, extra: (inout NetlinkWriter) -> Void = { _ in }) throws -> NetlinkMessage
    {
        var writer = NetlinkWriter()
        writer.message(type: 33, flags: .multipart, sequence: 1) { writer in
            IPVSMessage.write(change, &writer)
            extra(&writer)
        }
        var bytes = writer.bytes[...]
        return try #require(try NetlinkMessage.next(&bytes))
    }

    @Test(arguments: ["10.96.0.10:80", "[fd96::a]:53"])
    func `what is listed is read as it was written`(text: String) throws {
        let address = try #require(SocketAddress(text))
        let key = VirtualServer.Key(transport: 132, address: address)
        let server = VirtualServer(
            key: key, scheduler: .leastConnections, flags: [.persistent, .hashed], persistence: 9)
        let read = try IPVSMessage.server(try listed(.addServer(server)))
        #expect(
            read == VirtualServer(key: key, scheduler: .leastConnections, flags: .persistent, persistence: 9),
            "what the kernel adds by itself is left out")
        let real = RealServer(address, weight: 7)
        var writer = NetlinkWriter()
        writer.message(type: 33, flags: .multipart, sequence: 1) { writer in
            GenericNetlink.header(command: 5, version: 1, &writer)
            writer.nested(2) { writer in
                writer.attribute(1, Array(address.ip.bytes) + [UInt8](repeating: 0, count: 16 - address.ip.bytes.count))
                writer.attribute(2, bigEndian: address.port.rawValue)
                writer.attribute(4, host: UInt32(7))
                writer.attribute(7, host: UInt32(3))
                writer.attribute(8, host: UInt32(4))
            }
        }
        var bytes = writer.bytes[...]
        let message = try #require(try NetlinkMessage.next(&bytes))
        #expect(
            try IPVSMessage.real(message, family: address.ip.family)
                == RealServer.Standing(real, active: 3, inactive: 4),
            "kernels before 3.18 leave the family out")
    }

    @Test func `what makes no sense is an error`() throws {
        var writer = NetlinkWriter()
        writer.message(type: 33, flags: .multipart, sequence: 1) { GenericNetlink.header(command: 1, version: 1, &$0) }
        var bytes = writer.bytes[...]
        let message = try #require(try NetlinkMessage.next(&bytes))
        #expect(throws: NetlinkError.self) { try IPVSMessage.server(message) }
        #expect(throws: NetlinkError.self) { try IPVSMessage.real(message, family: .v4) }
    }

    @Test func `a device and its address`() {
        var writer = NetlinkWriter()
        LinkMessage.dummy("kube-ipvs0", &writer)
        let name: [UInt8] = [0x0F, 0, 3, 0] + Array("kube-ipvs0".utf8) + [0, 0]
        #expect(
            writer.bytes == [UInt8](repeating: 0, count: 16) + name + [0x10, 0, 18, 0x80, 0x0A, 0, 1, 0]
                + Array("dummy".utf8) + [0, 0, 0])
        writer.removeAll()
        LinkMessage.claim(7, name: "kube-ipvs0", owner: "us", &writer)
        #expect(
            writer.bytes == [0, 0, 0, 0, 7, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0] + name + [
                0x07, 0, 20, 0, 0x75, 0x73, 0, 0,
            ])
        writer.removeAll()
        LinkMessage.address(IPAddress("10.96.0.1")!, on: 5, &writer)
        #expect(writer.bytes == [2, 32, 0, 0, 5, 0, 0, 0, 8, 0, 2, 0, 10, 96, 0, 1, 8, 0, 1, 0, 10, 96, 0, 1])
    }
}
