/// A set of keys, or a map from keys to data or verdicts.
package struct NFSet: Hashable, Sendable {
    package enum Content: Hashable, Sendable {
        case keys
        case map(NFDataType)
        case verdicts
    }

    package var name: String
    package var key: NFDataType
    package var content: Content
    /// Keys are the beginnings and ends of ranges.
    package var isInterval = false
    /// Rules add elements, which end after this many milliseconds unless they say otherwise.
    package var timeout: UInt64?
    /// The most elements; nil for any number. Sets that rules add to need a bound.
    package var size: UInt32?

    package init(_ name: String, key: NFDataType, content: Content = .keys) {
        self.name = name
        self.key = key
        self.content = content
    }

    /// NFT_SET_*.
    var flags: UInt32 {
        var flags: UInt32 = isInterval ? 0x4 : 0
        if content != .keys { flags |= 0x8 }
        if timeout != nil { flags |= 0x10 | 0x20 }
        if isInterval, key.parts.count > 1 { flags |= 0x80 }
        return flags
    }

    /// NFT_DATA_VERDICT.
    static let verdictType: UInt32 = 0xFFFF_FF00
}
