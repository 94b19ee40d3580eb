/// An element of a set or map.
package struct NFElement: Hashable, Sendable {
    package enum Data: Hashable, Sendable {
        case none
        case value(NFValue)
        case verdict(NFVerdict)
    }

    package var key: NFValue
    package var data: Data
    /// The key is the first one after a range (in sets with `NFSet.isInterval`).
    package var isIntervalEnd: Bool

    package init(_ key: NFValue, _ data: Data = .none, isIntervalEnd: Bool = false) {
        self.key = key
        self.data = data
        self.isIntervalEnd = isIntervalEnd
    }
}
