/// What a request's target becomes for the upstream: nginx' `rewrite … break`.
package struct TargetRewrite: Sendable, Hashable {
    package enum Part: Sendable, Hashable {
        case text([UInt8])
        /// What a group of the route's pattern has captured, from 1 to 9; nothing where there is none.
        case group(Int)
    }

    /// Decoded: it is escaped as a whole.
    package var path: [Part]
    /// What stands behind the question mark; nil for the request's own alone.
    package var arguments: [Part]?
    /// The request's arguments go on, behind the others.
    package var keepsArguments: Bool
    /// Value of `X-Forwarded-Prefix`, in place of the client's; nil leaves that.
    package var forwardedPrefix: [UInt8]?

    package init(
        path: [Part], arguments: [Part]? = nil, keepsArguments: Bool = true, forwardedPrefix: [UInt8]? = nil
    ) {
        self.path = path
        self.arguments = arguments
        self.keepsArguments = keepsArguments
        self.forwardedPrefix = forwardedPrefix
    }
}
