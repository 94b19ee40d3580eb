package import NetworkTypes

/// A message of the Address Resolution Protocol for IPv4 over Ethernet (RFC 826), without the frame around it.
package struct ARPPacket: Hashable, Sendable {
    package enum Operation: UInt16, Sendable {
        case request = 1
        case reply = 2
    }

    package var operation: Operation
    package var senderHardware: HardwareAddress
    /// 0.0.0.0 in a probe (RFC 5227, 2.1.1).
    package var sender: IPAddress
    package var targetHardware: HardwareAddress
    package var target: IPAddress

    package init(
        _ operation: Operation, from senderHardware: HardwareAddress, _ sender: IPAddress,
        to targetHardware: HardwareAddress, _ target: IPAddress
    ) {
        self.operation = operation
        self.senderHardware = senderHardware
        self.sender = sender
        self.targetHardware = targetHardware
        self.target = target
    }

    /// - Parameter bytes: from after the frame's header; padding at the end is passed over.
    /// - Returns: nil for what is cut short, of another network or protocol, or neither request nor reply.
    package init?(_ bytes: ArraySlice<UInt8>) {
        guard bytes.count >= 28 else { return nil }
        let at = bytes.startIndex
        guard bytes[at..<(at + 6)].elementsEqual([0, 1, 8, 0, 6, 4]),
            let operation = Operation(rawValue: UInt16(bytes[at + 6]) << 8 | UInt16(bytes[at + 7])),
            let senderHardware = HardwareAddress(bytes[(at + 8)..<(at + 14)]),
            let sender = IPAddress(bytes: bytes[(at + 14)..<(at + 18)]),
            let targetHardware = HardwareAddress(bytes[(at + 18)..<(at + 24)]),
            let target = IPAddress(bytes: bytes[(at + 24)..<(at + 28)])
        else { return nil }
        self.init(operation, from: senderHardware, sender, to: targetHardware, target)
    }

    /// The 28 bytes after the frame's header. Both addresses must be IPv4.
    package var bytes: [UInt8] {
        [0, 1, 8, 0, 6, 4, 0, UInt8(operation.rawValue)] + senderHardware.bytes + sender.bytes + targetHardware.bytes
            + target.bytes
    }
}
