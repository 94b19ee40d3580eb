/// Where requests are sent.
package struct RedirectRule: Sendable, Hashable {
    package enum Part: Sendable, Hashable {
        case text([UInt8])
        /// Path and query as they were sent.
        case pathAndQuery
        case path
        case query
        /// `?` where there is a query.
        case queryMark
        /// Without the port.
        case host
        /// A colon and the port that the client has named beside the host, if it has.
        case port
        case scheme
    }

    /// 300 to 308.
    package var status: Int32
    package var location: [Part]

    package init(status: Int32, location: [Part]) {
        self.status = status
        self.location = location
    }
}
