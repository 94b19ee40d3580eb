package import NetworkTypes

/// Takes numbers in network order from the front of bytes that somebody else wrote.
///
/// What asks for more than there is gets nil, and nothing is taken.
package struct BGPReader: Sendable {
    package private(set) var rest: ArraySlice<UInt8>

    package init(_ bytes: ArraySlice<UInt8>) { rest = bytes }

    package var count: Int { rest.count }
    package var isEmpty: Bool { rest.isEmpty }

    package mutating func byte() -> UInt8? { rest.popFirst() }

    package mutating func uint16() -> UInt16? {
        guard let bytes = take(2) else { return nil }
        return bytes.reduce(0) { $0 << 8 | UInt16($1) }
    }

    package mutating func uint32() -> UInt32? {
        guard let bytes = take(4) else { return nil }
        return bytes.reduce(0) { $0 << 8 | UInt32($1) }
    }

    package mutating func take(_ count: Int) -> ArraySlice<UInt8>? {
        guard count <= rest.count else { return nil }
        let taken = rest.prefix(count)
        rest = rest.dropFirst(count)
        return taken
    }

    /// A prefix as routes are written (RFC 4271, section 4.3): its length in bits and just as many bytes as that needs.
    /// Bits beyond the length are ignored. nil when the length does not fit the family, or bytes are missing.
    package mutating func prefix(_ family: IPFamily) -> CIDR? {
        guard let length = rest.first.map(Int.init), length <= family.bitWidth else { return nil }
        let count = (length + 7) / 8
        guard rest.count > count else { return nil }
        rest.removeFirst()
        var bytes = Array(rest.prefix(count))
        rest = rest.dropFirst(count)
        bytes.append(contentsOf: repeatElement(0, count: family.bitWidth / 8 - count))
        return IPAddress(bytes: bytes).flatMap { CIDR(address: $0, prefixLength: length)?.masked }
    }

    /// Prefixes up to the end; nil when one of them cannot be read.
    package mutating func prefixes(_ family: IPFamily) -> [CIDR]? {
        var result: [CIDR] = []
        while !isEmpty {
            guard let prefix = prefix(family) else { return nil }
            result.append(prefix)
        }
        return result
    }
}
