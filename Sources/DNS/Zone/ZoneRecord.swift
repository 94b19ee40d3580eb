package import NetworkTypes

/// One record of a zone. Its time to live is the zone's.
package struct ZoneRecord: Hashable, Sendable {
    package var name: DomainName
    package var type: RecordType
    /// As it travels, names in it uncompressed.
    package var data: [UInt8]

    package init(name: DomainName, type: RecordType, data: [UInt8]) {
        self.name = name
        self.type = type
        self.data = data
    }

    /// An A or AAAA record, as the address is.
    package static func address(_ name: DomainName, _ ip: IPAddress) -> ZoneRecord {
        ZoneRecord(name: name, type: ip.family == .v4 ? .a : .aaaa, data: ip.bytes)
    }

    /// RFC 2782.
    package static func service(
        _ name: DomainName, priority: UInt16 = 0, weight: UInt16, port: Port, target: DomainName
    ) -> ZoneRecord {
        var data: [UInt8] = []
        for value in [priority, weight, port.rawValue] { data.append(bigEndian: value) }
        return ZoneRecord(name: name, type: .srv, data: data + target.wire)
    }

    package static func alias(_ name: DomainName, of target: DomainName) -> ZoneRecord {
        ZoneRecord(name: name, type: .cname, data: target.wire)
    }

    package static func pointer(_ name: DomainName, to target: DomainName) -> ZoneRecord {
        ZoneRecord(name: name, type: .ptr, data: target.wire)
    }

    package static func nameServer(_ name: DomainName, _ target: DomainName) -> ZoneRecord {
        ZoneRecord(name: name, type: .ns, data: target.wire)
    }

    /// One string of at most 255 bytes; more is cut off.
    package static func text(_ name: DomainName, _ text: String) -> ZoneRecord {
        let bytes = Array(text.utf8.prefix(255))
        return ZoneRecord(name: name, type: .txt, data: [UInt8(bytes.count)] + bytes)
    }
}

extension DomainName {
    /// Where the PTR record of an address lives: below `in-addr.arpa` (RFC 1035, 3.5) or `ip6.arpa` (RFC 3596, 2.5).
    package static func reverse(of ip: IPAddress) -> DomainName {
        var wire: [UInt8] = []
        wire.reserveCapacity(74)
        for byte in ip.bytes.reversed() {
            switch ip.family {
            case .v4:
                let digits = Array(String(byte).utf8)
                wire.append(UInt8(digits.count))
                wire += digits
            case .v6:
                for nibble in [byte & 0xf, byte >> 4] {
                    wire += [1, nibble < 10 ? UInt8(ascii: "0") + nibble : UInt8(ascii: "a") + nibble - 10]
                }
            }
        }
        return DomainName(trusted: wire + (ip.family == .v4 ? v4Reverse : v6Reverse).wire)
    }

    /// `in-addr.arpa.`
    package static let v4Reverse = DomainName(trusted: [7] + Array("in-addr".utf8) + [4] + Array("arpa".utf8) + [0])
    /// `ip6.arpa.`
    package static let v6Reverse = DomainName(trusted: [3] + Array("ip6".utf8) + [4] + Array("arpa".utf8) + [0])
}
