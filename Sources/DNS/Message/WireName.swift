/// One name out of a message, in lower case, in a place of its own: reading another one costs no allocation.
package struct WireName: Sendable {
    private var storage = InlineArray<256, UInt8>(repeating: 0)
    /// 1 to 255 bytes, the last one 0.
    package private(set) var count = 1

    package init() {}

    package init(_ name: DomainName) {
        count = name.wire.count
        for index in 0..<count { storage[index] = name.wire[index] }
    }

    package subscript(index: Int) -> UInt8 { storage[index] }

    /// Reads the name at `offset` of a message, following compression (RFC 1035, 4.1.4).
    ///
    /// A pointer must point before the name or pointer that it continues, so that every chain ends; labels of other
    /// kinds (RFC 6891, 5) are refused.
    ///
    /// - Parameter followsPointers: false refuses every pointer.
    /// - Returns: where the message goes on behind the name; nil when it is malformed, and then the value means nothing.
    package mutating func read(_ message: Span<UInt8>, at offset: Int, followsPointers: Bool = true) -> Int? {
        var index = offset
        var lowest = offset
        var next: Int?
        count = 0
        while true {
            guard index < message.count else { return nil }
            let length = Int(message[index])
            if length == 0 {
                guard count < DomainName.maximumLength else { return nil }
                storage[count] = 0
                count += 1
                return next ?? index + 1
            }
            if length & 0xc0 == 0xc0 {
                guard followsPointers, index + 1 < message.count else { return nil }
                if next == nil { next = index + 2 }
                let target = (length & 0x3f) << 8 | Int(message[index + 1])
                guard target < lowest, target >= MessageHeader.size else { return nil }
                lowest = target
                index = target
                continue
            }
            guard length <= DomainName.maximumLabelLength, index + length < message.count,
                count + length + 1 < DomainName.maximumLength
            else { return nil }
            storage[count] = UInt8(length)
            for position in 1...length { storage[count + position] = message[index + position].asciiLowercased }
            count += length + 1
            index += length + 1
        }
    }

    /// Reads a name that stands alone, such as the target of a CNAME in zone data. The bytes must be a name in lower case.
    package mutating func take(_ bytes: Span<UInt8>, at offset: Int) -> Bool {
        read(bytes, at: offset, followsPointers: false) != nil
    }

    /// The place of the label behind the one at `index`.
    package func nextLabel(after index: Int) -> Int { index + 1 + Int(storage[index]) }

    /// Whether it is `other` or lies below it; if so, where `other` begins in it.
    package func suffix(_ other: [UInt8]) -> Int? {
        guard other.count <= count else { return nil }
        let start = count - other.count
        var index = 0
        while index < start { index += 1 + Int(storage[index]) }
        guard index == start else { return nil }
        for position in 0..<other.count where storage[start + position] != other[position] { return nil }
        return start
    }

    /// Whether it is the zone's name or lies below it; everything is within the root.
    package func isWithin(_ zone: DomainName) -> Bool { zone.wire.count == 1 || suffix(zone.wire) != nil }

    /// Whether it is exactly this name.
    package func equals(_ bytes: Span<UInt8>, at offset: Int = 0, count length: Int) -> Bool {
        guard length == count, offset + length <= bytes.count else { return false }
        for index in 0..<length where storage[index] != bytes[offset + index] { return false }
        return true
    }

    /// A copy that can be kept, from the label at `index` on.
    package func name(from index: Int = 0) -> DomainName {
        var wire: [UInt8] = []
        wire.reserveCapacity(count - index)
        for position in index..<count { wire.append(storage[position]) }
        return DomainName(trusted: wire)
    }

    /// A hash that outsiders cannot predict without the seed.
    package func hash(seed: UInt64) -> UInt64 { KeyedHash.hash(storage.span.extracting(first: count), seed: seed) }
}
