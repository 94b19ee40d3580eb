/// Encodes netlink messages one after the other into bytes (netlink(7)): headers and integers in this machine's order
/// unless said otherwise, everything padded to four bytes.
package struct NetlinkWriter: Sendable {
    /// The longest payload of one attribute: its length, with its header, has 16 bits.
    package static let longestAttribute = 0xFFFF - 4

    package private(set) var bytes: [UInt8] = []

    package init(capacity: Int = 0) { bytes.reserveCapacity(capacity) }

    package var count: Int { bytes.count }

    /// Makes room for other messages; the memory stays.
    package mutating func removeAll() { bytes.removeAll(keepingCapacity: true) }

    // MARK: Messages

    /// Begins a message.
    ///
    /// - Returns: where it begins, for `endMessage`.
    package mutating func beginMessage(type: UInt16, flags: NetlinkFlags, sequence: UInt32) -> Int {
        let start = bytes.count
        append(UInt32(0))
        append(type)
        append(flags.rawValue)
        append(sequence)
        append(UInt32(0))
        return start
    }

    package mutating func endMessage(_ start: Int) {
        pad()
        patch(UInt32(truncatingIfNeeded: bytes.count - start), at: start)
    }

    package mutating func message(
        type: UInt16, flags: NetlinkFlags, sequence: UInt32, _ body: (inout NetlinkWriter) -> Void
    ) {
        let start = beginMessage(type: type, flags: flags, sequence: sequence)
        body(&self)
        endMessage(start)
    }

    /// Adds flags to a message that was begun at `start`.
    package mutating func add(_ flags: NetlinkFlags, toMessageAt start: Int) {
        let old = bytes.withUnsafeBytes { $0.loadUnaligned(fromByteOffset: start + 6, as: UInt16.self) }
        patch(old | flags.rawValue, at: start + 6)
    }

    // MARK: Attributes

    /// Begins an attribute that holds attributes.
    ///
    /// - Returns: where it begins, for `endNested`.
    package mutating func beginNested(_ type: UInt16) -> Int { beginAttribute(type | 0x8000) }

    package mutating func endNested(_ start: Int) { endAttribute(start) }

    package mutating func nested(_ type: UInt16, _ body: (inout NetlinkWriter) -> Void) {
        let start = beginNested(type)
        body(&self)
        endNested(start)
    }

    package mutating func beginAttribute(_ type: UInt16) -> Int {
        let start = bytes.count
        append(UInt16(0))
        append(type)
        return start
    }

    package mutating func endAttribute(_ start: Int) {
        let length = bytes.count - start
        precondition(length <= 0xFFFF, "an attribute of \(length) bytes: the caller splits")
        patch(UInt16(truncatingIfNeeded: length), at: start)
        pad()
    }

    package mutating func attribute(_ type: UInt16, _ payload: some Collection<UInt8>) {
        let start = beginAttribute(type)
        bytes.append(contentsOf: payload)
        endAttribute(start)
    }

    /// Text with the zero that the kernel wants at its end.
    package mutating func attribute(_ type: UInt16, text: String) {
        let start = beginAttribute(type)
        bytes.append(contentsOf: text.utf8)
        bytes.append(0)
        endAttribute(start)
    }

    package mutating func attribute(_ type: UInt16, host value: some FixedWidthInteger) {
        let start = beginAttribute(type)
        append(value)
        endAttribute(start)
    }

    /// Netfilter's integers are in network order.
    package mutating func attribute(_ type: UInt16, bigEndian value: some FixedWidthInteger) {
        attribute(type, host: value.bigEndian)
    }

    // MARK: Bytes

    /// In this machine's order.
    package mutating func append(_ value: some FixedWidthInteger) {
        withUnsafeBytes(of: value) { bytes.append(contentsOf: $0) }
    }

    package mutating func append(contentsOf payload: some Collection<UInt8>) { bytes.append(contentsOf: payload) }

    private mutating func pad() {
        while bytes.count & 3 != 0 { bytes.append(0) }
    }

    private mutating func patch(_ value: some FixedWidthInteger, at offset: Int) {
        bytes.withUnsafeMutableBytes { $0.storeBytes(of: value, toByteOffset: offset, as: type(of: value)) }
    }
}
