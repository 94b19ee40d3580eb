package import NetworkTypes

/// A neighbour solicitation or advertisement (RFC 4861, 4.3 and 4.4) with the IPv6 header before it.
package struct NeighbourMessage: Hashable, Sendable {
    package struct Flags: OptionSet, Hashable, Sendable {
        package let rawValue: UInt8

        package init(rawValue: UInt8) { self.rawValue = rawValue }

        package static let router = Flags(rawValue: 0x80)
        /// It answers a solicitation of the receiver's.
        package static let solicited = Flags(rawValue: 0x40)
        /// It replaces what the receiver has in its cache.
        package static let override = Flags(rawValue: 0x20)
    }

    package enum Kind: Hashable, Sendable {
        case solicitation
        case advertisement(Flags)
    }

    package var kind: Kind
    /// `::` where somebody looks whether an address is taken (RFC 4862, 5.4.2).
    package var source: IPAddress
    package var destination: IPAddress
    package var target: IPAddress
    /// The source's in a solicitation, the target's in an advertisement.
    package var hardware: HardwareAddress?

    package init(
        _ kind: Kind, from source: IPAddress, to destination: IPAddress, target: IPAddress,
        hardware: HardwareAddress? = nil
    ) {
        self.kind = kind
        self.source = source
        self.destination = destination
        self.target = target
        self.hardware = hardware
    }

    /// `ff02::1`.
    package static let allNodes = IPAddress(v6High: 0xFF02_0000_0000_0000, low: 1)

    /// The group in which an address is asked for (RFC 4291, 2.7.1).
    package static func solicitedNode(of address: IPAddress) -> IPAddress {
        IPAddress(v6High: 0xFF02_0000_0000_0000, low: 0x1_FF00_0000 | address.low & 0xFF_FFFF)
    }

    /// - Parameter bytes: the IPv6 packet; padding of the frame is passed over.
    /// - Returns: nil for everything else, and for what a receiver must discard silently (RFC 4861, 7.1).
    package init?(_ bytes: ArraySlice<UInt8>) {
        guard bytes.count >= 64 else { return nil }
        let at = bytes.startIndex
        let length = Int(bytes[at + 4]) << 8 | Int(bytes[at + 5])
        // A hop limit of 255 says that no router has forwarded it.
        guard bytes[at] >> 4 == 6, bytes[at + 6] == 58, bytes[at + 7] == 255, length >= 24, bytes.count >= 40 + length,
            let source = IPAddress(bytes: bytes[(at + 8)..<(at + 24)]),
            let destination = IPAddress(bytes: bytes[(at + 24)..<(at + 40)]),
            let target = IPAddress(bytes: bytes[(at + 48)..<(at + 64)])
        else { return nil }
        let message = bytes[(at + 40)..<(at + 40 + length)]
        guard bytes[at + 41] == 0, !target.isMulticast, !source.isMulticast,
            Self.checksum(message, from: source, to: destination) == 0
        else { return nil }
        let optionType: UInt8
        switch bytes[at + 40] {
        case 135: (kind, optionType) = (.solicitation, 1)
        case 136: (kind, optionType) = (.advertisement(Flags(rawValue: bytes[at + 44] & 0xE0)), 2)
        default: return nil
        }
        var hardware: HardwareAddress?
        var options = message.dropFirst(24)
        while let type = options.first {
            guard options.count >= 2 else { return nil }
            let size = Int(options[options.startIndex + 1]) * 8
            guard size > 0, size <= options.count else { return nil }
            if type == optionType, hardware == nil { hardware = HardwareAddress(options.dropFirst(2).prefix(6)) }
            options = options.dropFirst(size)
        }
        switch kind {
        case .solicitation where source.isUnspecified:
            guard destination == Self.solicitedNode(of: target), hardware == nil else { return nil }
        case .advertisement(let flags):
            guard !(flags.contains(.solicited) && destination.isMulticast), !source.isUnspecified else { return nil }
        case .solicitation: break
        }
        self.source = source
        self.destination = destination
        self.target = target
        self.hardware = hardware
    }

    /// The IPv6 packet with its checksum. All addresses must be IPv6.
    package var bytes: [UInt8] {
        var message: [UInt8]
        let optionType: UInt8
        switch kind {
        case .solicitation: (message, optionType) = ([135, 0, 0, 0, 0, 0, 0, 0], 1)
        case .advertisement(let flags): (message, optionType) = ([136, 0, 0, 0, flags.rawValue, 0, 0, 0], 2)
        }
        message += target.bytes
        if let hardware { message += [optionType, 1] + hardware.bytes }
        let sum = Self.checksum(message[...], from: source, to: destination)
        message[2] = UInt8(sum >> 8)
        message[3] = UInt8(sum & 0xFF)
        return [0x60, 0, 0, 0, 0, UInt8(message.count), 58, 255] + source.bytes + destination.bytes + message
    }

    /// ICMPv6's (RFC 4443, 2.3); 0 over a message that carries the right one.
    private static func checksum(_ message: ArraySlice<UInt8>, from source: IPAddress, to destination: IPAddress)
        -> UInt16
    {
        var sum = UInt64(message.count) + 58
        for word in [source.high, source.low, destination.high, destination.low] {
            sum += (word >> 48) + (word >> 32 & 0xFFFF) + (word >> 16 & 0xFFFF) + (word & 0xFFFF)
        }
        var isHigh = true
        for byte in message {
            sum += isHigh ? UInt64(byte) << 8 : UInt64(byte)
            isHigh.toggle()
        }
        while sum > 0xFFFF { sum = (sum & 0xFFFF) + (sum >> 16) }
        return ~UInt16(sum)
    }
}
