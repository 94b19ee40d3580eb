/// What a key or mapped data is. The kernel only wants lengths; the numbers tell `nft` how to show them.
package struct NFDataType: Hashable, Sendable {
    package var id: UInt32
    /// Bytes; in a concatenation each part is padded to four.
    package var length: UInt32
    /// The lengths of the parts of a concatenation, unpadded.
    package var parts: [UInt32]

    private init(id: UInt32, length: UInt32) {
        self.id = id
        self.length = length
        parts = [length]
    }

    package static let ipv4Address = NFDataType(id: 7, length: 4)
    package static let ipv6Address = NFDataType(id: 8, length: 16)
    package static let transport = NFDataType(id: 12, length: 1)
    package static let port = NFDataType(id: 13, length: 2)
    /// A number without a meaning of its own, in this machine's order.
    package static let mark = NFDataType(id: 19, length: 4)

    /// At most five parts.
    package static func concatenation(_ parts: NFDataType...) -> NFDataType {
        precondition(parts.count <= 5, "six bits for each part")
        var result = NFDataType(
            id: parts.reduce(0) { $0 << 6 | $1.id }, length: parts.reduce(0) { $0 + ($1.length + 3) & ~3 })
        result.parts = parts.map(\.length)
        return result
    }
}
