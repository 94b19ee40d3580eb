/// One attribute of a message.
package struct NetlinkAttribute: Hashable, Sendable {
    /// Without the flags that share its field.
    package var type: UInt16
    /// Without padding.
    package var payload: ArraySlice<UInt8>

    /// The attributes inside.
    package var attributes: NetlinkAttributes { NetlinkAttributes(payload) }

    /// An integer in this machine's order; nil where the payload has another length.
    package func host<Value: FixedWidthInteger>(_: Value.Type) -> Value? {
        payload.count == MemoryLayout<Value>.size ? payload.host(Value.self, at: 0) : nil
    }

    /// An integer in network order, as netfilter has it; nil where the payload has another length.
    package func bigEndian<Value: FixedWidthInteger>(_: Value.Type) -> Value? {
        host(Value.self).map { Value(bigEndian: $0) }
    }

    /// Up to the first zero, as UTF-8 with replacements.
    package var text: String { String(decoding: payload.prefix { $0 != 0 }, as: UTF8.self) }
}

/// The attributes in a piece of a message, read one at a time.
package struct NetlinkAttributes: Sendable {
    private var rest: ArraySlice<UInt8>

    package init(_ bytes: ArraySlice<UInt8>) { rest = bytes }

    /// The next one; nil when there are none left.
    package mutating func next() throws(NetlinkError) -> NetlinkAttribute? {
        // Padding at the end is no attribute.
        guard rest.count >= 4 else {
            guard rest.allSatisfy({ $0 == 0 }) else { throw .malformed("an attribute of \(rest.count) bytes") }
            return nil
        }
        let start = rest.startIndex
        let length = Int(rest.host(UInt16.self, at: 0))
        guard length >= 4, length <= rest.count else { throw .malformed("an attribute's length of \(length)") }
        let attribute = NetlinkAttribute(
            type: rest.host(UInt16.self, at: 2) & 0x3FFF, payload: rest[(start + 4)..<(start + length)])
        rest = rest.dropFirst((length + 3) & ~3)
        return attribute
    }

    /// The first of a type.
    package func first(_ type: UInt16) throws(NetlinkError) -> NetlinkAttribute? {
        var attributes = self
        while let attribute = try attributes.next() {
            if attribute.type == type { return attribute }
        }
        return nil
    }

    package func forEach(_ body: (NetlinkAttribute) throws(NetlinkError) -> Void) throws(NetlinkError) {
        var attributes = self
        while let attribute = try attributes.next() { try body(attribute) }
    }
}
