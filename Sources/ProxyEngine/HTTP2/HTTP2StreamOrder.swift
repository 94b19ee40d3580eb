/// Which streams a client has passed over. Identifiers only grow, and opening one closes those below it that were not used
/// (RFC 9113 section 5.1.1): nghttp2 knows the highest only, and takes a head below it for a late one of a stream that we
/// have reset. Pure.
struct HTTP2StreamOrder {
    /// As many gaps as are remembered. Clients of libraries leave none.
    static let capacity = 16

    private var highest: Int32 = -1
    private var skipped: [ClosedRange<Int32>] = []

    init() {}

    /// A head with this identifier begins.
    ///
    /// - Returns: false when the stream was passed over before: a connection error.
    mutating func admits(_ id: Int32) -> Bool {
        guard id > highest else { return !skipped.contains { $0.contains(id) } }
        if id - 2 > highest {
            if skipped.count == Self.capacity { skipped.removeFirst() }
            skipped.append(highest + 1...id - 1)
        }
        highest = id
        return true
    }
}
