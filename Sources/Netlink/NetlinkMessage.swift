/// One message as it came from the kernel.
package struct NetlinkMessage: Hashable, Sendable {
    /// What a message is to netlink itself; other types belong to the family.
    package enum Kind: Hashable, Sendable {
        case nothing
        /// An error, or with number 0 an acknowledgement.
        case answer
        /// The end of a listing.
        case done
        case overrun
        case data
    }

    package var type: UInt16
    package var flags: NetlinkFlags
    package var sequence: UInt32
    /// The socket that asked; 0 is the kernel.
    package var port: UInt32
    /// After the header, without padding.
    package var payload: ArraySlice<UInt8>

    package var kind: Kind {
        switch type {
        case 1: .nothing
        case 2: .answer
        case 3: .done
        case 4: .overrun
        default: .data
        }
    }

    /// Takes the first message off `bytes`; nil when they are used up.
    package static func next(_ bytes: inout ArraySlice<UInt8>) throws(NetlinkError) -> NetlinkMessage? {
        guard !bytes.isEmpty else { return nil }
        guard bytes.count >= 16 else { throw .malformed("a header of \(bytes.count) bytes") }
        let start = bytes.startIndex
        let length = Int(bytes.host(UInt32.self, at: 0))
        guard length >= 16, length <= bytes.count else { throw .malformed("a length of \(length)") }
        let message = NetlinkMessage(
            type: bytes.host(UInt16.self, at: 4), flags: NetlinkFlags(rawValue: bytes.host(UInt16.self, at: 6)),
            sequence: bytes.host(UInt32.self, at: 8), port: bytes.host(UInt32.self, at: 12),
            payload: bytes[(start + 16)..<(start + length)])
        bytes = bytes.dropFirst((length + 3) & ~3)
        return message
    }

    /// What an answer (`Kind.answer`) says; nil where it acknowledges.
    package func refusal() throws(NetlinkError) -> KernelRefusal? {
        guard payload.count >= 20 else { throw .malformed("an answer of \(payload.count) bytes") }
        let error = Int32(bitPattern: payload.host(UInt32.self, at: 0))
        guard error != 0 else { return nil }
        guard error > .min else { throw .malformed("an error of \(error)") }
        var refusal = KernelRefusal(number: abs(error), sequence: payload.host(UInt32.self, at: 12))
        guard flags.contains(.extendedAcknowledgement) else { return refusal }
        let repeated = flags.contains(.capped) ? 16 : (Int(payload.host(UInt32.self, at: 4)) + 3) & ~3
        guard repeated >= 16, repeated <= payload.count - 4 else { throw .malformed("an answer to \(repeated) bytes") }
        refusal.take(NetlinkAttributes(payload.dropFirst(4 + repeated)))
        return refusal
    }

    /// What the end of a listing (`Kind.done`) says; nil where all went well.
    package var refusalAtEnd: KernelRefusal? {
        guard payload.count >= 4 else { return nil }
        let error = Int32(bitPattern: payload.host(UInt32.self, at: 0))
        guard (Int32.min + 1..<0).contains(error) else { return nil }
        var refusal = KernelRefusal(number: -error, sequence: sequence)
        if flags.contains(.extendedAcknowledgement) { refusal.take(NetlinkAttributes(payload.dropFirst(4))) }
        return refusal
    }
}

extension KernelRefusal {
    /// Attributes that make no sense are left out: the number says what matters.
    fileprivate mutating func take(_ attributes: NetlinkAttributes) {
        var attributes = attributes
        while let attribute = try? attributes.next() {
            switch attribute.type {
            case 1: text = attribute.text
            case 2: offset = attribute.host(UInt32.self).map { Int($0) }
            default: break
            }
        }
    }
}

extension ArraySlice<UInt8> {
    /// An integer in this machine's order; the caller has looked that it is there.
    func host<Value: FixedWidthInteger>(_: Value.Type, at offset: Int) -> Value {
        withUnsafeBytes { $0.loadUnaligned(fromByteOffset: offset, as: Value.self) }
    }
}
