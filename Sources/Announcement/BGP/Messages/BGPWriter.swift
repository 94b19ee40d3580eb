package import NetworkTypes

/// Collects bytes in network order.
package struct BGPWriter: Sendable {
    package private(set) var bytes: [UInt8] = []

    package init() {}

    package mutating func byte(_ value: UInt8) { bytes.append(value) }

    package mutating func uint16(_ value: UInt16) {
        bytes.append(UInt8(value >> 8))
        bytes.append(UInt8(truncatingIfNeeded: value))
    }

    package mutating func uint32(_ value: UInt32) {
        uint16(UInt16(value >> 16))
        uint16(UInt16(truncatingIfNeeded: value))
    }

    package mutating func append(_ more: some Sequence<UInt8>) { bytes.append(contentsOf: more) }

    /// A prefix as routes are written; bits beyond its length are written as zeros.
    package mutating func prefix(_ prefix: CIDR) {
        byte(UInt8(prefix.prefixLength))
        append(prefix.first.bytes.prefix((prefix.prefixLength + 7) / 8))
    }

    /// How many bytes ``prefix(_:)`` writes for it.
    package static func size(of prefix: CIDR) -> Int { 1 + (prefix.prefixLength + 7) / 8 }
}
