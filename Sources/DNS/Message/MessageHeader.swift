/// The twelve bytes before everything (RFC 1035, 4.1.1).
package struct MessageHeader: Hashable, Sendable {
    package static let size = 12

    package enum Flag {
        package static let response: UInt16 = 0x8000
        package static let authoritative: UInt16 = 0x0400
        package static let truncated: UInt16 = 0x0200
        package static let recursionDesired: UInt16 = 0x0100
        package static let recursionAvailable: UInt16 = 0x0080
        package static let checkingDisabled: UInt16 = 0x0010
    }

    package var id: UInt16
    package var flags: UInt16
    package var questionCount: UInt16
    package var answerCount: UInt16
    package var authorityCount: UInt16
    package var additionalCount: UInt16

    package var isResponse: Bool { flags & Flag.response != 0 }
    package var isTruncated: Bool { flags & Flag.truncated != 0 }
    package var opcode: UInt16 { flags >> 11 & 0xf }
    /// The lower four bits of the response code.
    package var code: UInt16 { flags & 0xf }

    /// Nil for fewer than twelve bytes.
    package init?(_ message: Span<UInt8>) {
        guard message.count >= Self.size else { return nil }
        id = message.u16(at: 0)
        flags = message.u16(at: 2)
        questionCount = message.u16(at: 4)
        answerCount = message.u16(at: 6)
        authorityCount = message.u16(at: 8)
        additionalCount = message.u16(at: 10)
    }
}

extension Span<UInt8> {
    /// Two bytes in network order; both must be there.
    package func u16(at index: Int) -> UInt16 { UInt16(self[index]) << 8 | UInt16(self[index + 1]) }

    /// Four bytes in network order; all must be there.
    package func u32(at index: Int) -> UInt32 { UInt32(u16(at: index)) << 16 | UInt32(u16(at: index + 2)) }
}

extension [UInt8] {
    /// Adds a number in network order.
    package mutating func append(bigEndian value: some FixedWidthInteger) {
        Swift.withUnsafeBytes(of: value.bigEndian) { append(contentsOf: $0) }
    }
}
