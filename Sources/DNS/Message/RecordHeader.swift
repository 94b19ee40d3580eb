/// What stands before a record's data (RFC 1035, 4.1.3), its owner's name skipped.
package struct RecordHeader: Hashable, Sendable {
    package var type: RecordType
    package var recordClass: UInt16
    /// As it came. One with the highest bit set counts as 0 where it is a time (RFC 2181, 8).
    package var ttl: UInt32
    package var ttlOffset: Int
    package var dataStart: Int
    package var dataEnd: Int

    /// Seconds.
    package var lifetime: UInt32 { ttl > 0x7fff_ffff ? 0 : ttl }

    /// The record whose owner's name begins at `offset`; nil when it runs out of the message or the name is malformed.
    package init?(_ message: Span<UInt8>, at offset: Int) {
        guard let end = Self.skipName(message, at: offset), end + 10 <= message.count else { return nil }
        type = RecordType(rawValue: message.u16(at: end))
        recordClass = message.u16(at: end + 2)
        ttl = message.u32(at: end + 4)
        ttlOffset = end + 4
        dataStart = end + 10
        dataEnd = dataStart + Int(message.u16(at: end + 8))
        guard dataEnd <= message.count else { return nil }
    }

    /// Behind the name at `offset`, whose pointer is not followed.
    package static func skipName(_ message: Span<UInt8>, at offset: Int) -> Int? {
        var index = offset
        while index < message.count {
            let length = Int(message[index])
            if length == 0 { return index + 1 }
            if length & 0xc0 == 0xc0 { return index + 2 <= message.count ? index + 2 : nil }
            guard length <= DomainName.maximumLabelLength else { return nil }
            index += 1 + length
            guard index - offset < DomainName.maximumLength else { return nil }
        }
        return nil
    }
}
