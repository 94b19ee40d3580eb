/// How an upstream's endpoints share its requests.
package enum UpstreamBalancing: Sendable, Hashable {
    /// One after the other.
    case roundRobin
    /// Whoever has the fewest requests under way.
    case leastRequests
    /// Of two drawn by lot, the one whose answers are awaited for a shorter time, times the requests under way.
    case peakEWMA
    /// Requests with the same key go to the same endpoint, as long as that has no more than its share.
    case hash(HashKey)
}

/// What of a request says where it goes.
package struct HashKey: Sendable, Hashable {
    package enum Part: Sendable, Hashable {
        case text([UInt8])
        /// As the listener has it: of the peer, or of the PROXY protocol's header.
        case clientAddress
        /// A field's first value; the name is in lower case.
        case field([UInt8])
        case cookie([UInt8])
        /// An argument of the query, as it is written there.
        case argument([UInt8])
        /// Path and query as they were sent.
        case pathAndQuery
        case path
        case query
        /// Without the port.
        case host
        case method
        case scheme
    }

    package var parts: [Part]

    package init(_ parts: [Part]) { self.parts = parts }
}
