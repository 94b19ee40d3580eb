/// A service that is asked of each request whether it may come. 2xx lets it in; 401 and 403 do not, and neither does anything
/// else, nor silence, which are 500.
package final class ExternalAuthentication: Sendable, Hashable {
    /// Index into ``ProxyConfiguration/upstreams``, of one that speaks HTTP/1.1; nil where nobody can be asked: every request is
    /// answered 503.
    package let upstream: Int?
    package let method: [UInt8]
    /// Path and query of the question.
    package let target: RequestText
    /// Its `Host`.
    package let host: RequestText
    /// Its `X-Auth-Request-Redirect`.
    package let redirect: RequestText
    /// Where clients are sent in place of 401.
    package let signIn: RequestText?
    /// Names in lower case of fields of the answer that go to the upstream with the request; a client's own never do.
    package let passedFields: [[UInt8]]

    package init(
        upstream: Int?, method: [UInt8] = Array("GET".utf8), target: RequestText, host: RequestText,
        redirect: RequestText = RequestText(parts: [.pathAndQuery]), signIn: RequestText? = nil,
        passedFields: [[UInt8]] = []
    ) {
        self.upstream = upstream
        self.method = method
        self.target = target
        self.host = host
        self.redirect = redirect
        self.signIn = signIn
        self.passedFields = passedFields
    }

    package static func == (left: ExternalAuthentication, right: ExternalAuthentication) -> Bool {
        left === right
            || left.upstream == right.upstream && left.method == right.method && left.target == right.target
                && left.host == right.host && left.redirect == right.redirect && left.signIn == right.signIn
                && left.passedFields == right.passedFields
    }

    package func hash(into hasher: inout Hasher) {
        hasher.combine(upstream)
        hasher.combine(target)
    }
}
