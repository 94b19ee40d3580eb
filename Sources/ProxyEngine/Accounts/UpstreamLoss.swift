/// How an upstream failed a request.
package enum UpstreamLoss: UInt8, Sendable, CaseIterable {
    /// It could not be connected.
    case connect
    case connectTimeout
    /// It closed or broke.
    case broken
    case responseTimeout
    /// It sent what is no response.
    case malformed
    /// It sent what cannot be said to this client.
    case uncarriable
    /// It has not looked at the request, and says so (RFC 9113 sections 6.8 and 8.7).
    case refused
    /// There is nobody to ask.
    case noEndpoint
    /// It has as many requests as it may.
    case overloaded

    /// It speaks against the endpoint.
    var isFailure: Bool {
        switch self {
        case .connect, .connectTimeout, .broken, .responseTimeout, .malformed: true
        case .uncarriable, .refused, .noEndpoint, .overloaded: false
        }
    }

    /// For a line of the log, after the endpoint's name.
    var words: String {
        switch self {
        case .connect: "could not be connected"
        case .connectTimeout: "did not take a connection in time"
        case .broken: "closed the connection before its answer was whole"
        case .responseTimeout: "did not answer in time"
        case .malformed: "answered with what is no HTTP response"
        case .uncarriable: "answered with what cannot be passed on to this client"
        case .refused: "refused the request"
        case .noEndpoint: "has no endpoint to ask"
        case .overloaded: "has as many requests as it may"
        }
    }
}
