/// What a table holds.
package struct NFListing: Hashable, Sendable {
    /// A set as the kernel describes it.
    package struct ListedSet: Hashable, Sendable {
        package var flags: UInt32
        package var keyType: UInt32
        package var keyLength: UInt32
        /// Nil for a set of keys.
        package var dataType: UInt32?
        package var dataLength: UInt32

        package init(
            flags: UInt32, keyType: UInt32, keyLength: UInt32, dataType: UInt32? = nil, dataLength: UInt32 = 0
        ) {
            self.flags = flags
            self.keyType = keyType
            self.keyLength = keyLength
            self.dataType = dataType
            self.dataLength = dataLength
        }

        /// What the kernel would say of a set that was just added.
        package init(_ set: NFSet) {
            self.init(flags: set.flags, keyType: set.key.id, keyLength: set.key.length)
            switch set.content {
            case .keys: break
            case .map(let type): (dataType, dataLength) = (type.id, type.length)
            case .verdicts: (dataType, dataLength) = (NFSet.verdictType, 16)
            }
        }

        /// Whether it is the same set, whatever it holds.
        package func isLike(_ other: ListedSet) -> Bool {
            flags == other.flags && keyType == other.keyType && keyLength == other.keyLength
                && dataType == other.dataType && (dataType == NFSet.verdictType || dataLength == other.dataLength)
        }
    }

    /// The generation that it was listed at.
    package var generation: UInt32
    package var chains: [String: NFChain] = [:]
    /// The comments of the rules of each chain, in order.
    package var rules: [String: [String]] = [:]
    package var sets: [String: ListedSet] = [:]
    package var elements: [String: [NFElement]] = [:]
    package var flowtables: [String: NFFlowtable] = [:]

    package init(generation: UInt32) { self.generation = generation }
}
