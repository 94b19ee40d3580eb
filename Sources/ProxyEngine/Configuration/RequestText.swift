/// Text that is written for each request, with what the request has in it.
package struct RequestText: Sendable, Hashable {
    package enum Part: Sendable, Hashable {
        case text([UInt8])
        case clientAddress
        /// In lower case.
        case field([UInt8])
        case cookie([UInt8])
        case argument([UInt8])
        /// As they were sent.
        case pathAndQuery
        /// The same, with all but letters, digits and `-._~` escaped.
        case escapedPathAndQuery
        case path
        case query
        /// Without the port.
        case host
        /// As the client has named it, with its port.
        case authority
        case method
        case scheme
    }

    package var parts: [Part]

    package init(parts: [Part]) { self.parts = parts }
}
