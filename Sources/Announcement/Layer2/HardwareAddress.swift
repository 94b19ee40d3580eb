/// The address of an interface on an Ethernet (IEEE 802, 48 bits).
package struct HardwareAddress: Hashable, Sendable, CustomStringConvertible {
    /// The six bytes, the first on the wire highest.
    package let bits: UInt64

    /// - Parameter bits: only the lower 48 count.
    package init(bits: UInt64) { self.bits = bits & 0xFFFF_FFFF_FFFF }

    /// Nil unless there are six bytes.
    package init?(_ bytes: some Collection<UInt8>) {
        guard bytes.count == 6 else { return nil }
        bits = bytes.reduce(0) { $0 << 8 | UInt64($1) }
    }

    package static let broadcast = HardwareAddress(bits: .max)

    /// To whom IPv6 multicast goes (RFC 2464, 7): the last four bytes are the group's.
    package static func multicast(ofGroupEndingIn last: UInt32) -> HardwareAddress {
        HardwareAddress(bits: 0x3333_0000_0000 | UInt64(last))
    }

    /// Whether it names one interface, which no group and no broadcast does.
    package var isUnicast: Bool { bits & 0x0100_0000_0000 == 0 && bits != 0 }

    package var bytes: [UInt8] { (0..<6).map { UInt8(truncatingIfNeeded: bits >> UInt64(40 - 8 * $0)) } }

    package var description: String {
        bytes.map { $0 < 16 ? "0" + String($0, radix: 16) : String($0, radix: 16) }.joined(separator: ":")
    }
}
