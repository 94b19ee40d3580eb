/// A service that is asked of each request whether it may come (ingress-nginx' `auth-url`): 2xx lets it in, 401 and 403 do not,
/// and neither does anything else, nor silence.
public struct RouteExternalAuthentication: Codable, Hashable, Sendable {
    /// Whom to ask: see ``AuthenticationURL``.
    public var url: String
    /// The method of the question; GET without it.
    public var method: String?
    /// Where clients are sent with 302 in place of 401: a ``RequestTextTemplate`` that makes an absolute URL.
    public var signIn: String?
    /// Fields of the answer that go to the backend with the request. A client's own of these names never do.
    public var responseHeaders: [String]?
    /// A ``RequestTextTemplate`` for `X-Auth-Request-Redirect`; the request's path and query without it.
    public var requestRedirect: String?

    public init(
        url: String = "", method: String? = nil, signIn: String? = nil, responseHeaders: [String]? = nil,
        requestRedirect: String? = nil
    ) {
        self.url = url
        self.method = method
        self.signIn = signIn
        self.responseHeaders = responseHeaders
        self.requestRedirect = requestRedirect
    }

    public static let allMethods = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]
    /// How many fields of an answer may be passed on.
    public static let maxResponseHeaders = 64

    /// Names that are the proxy's to write, or that say where a request ends.
    private static let reserved: Set<String> = [
        "host", "connection", "content-length", "transfer-encoding", "te", "trailer", "upgrade", "expect", "keep-alive",
        "proxy-connection", "proxy", "x-forwarded-for", "x-forwarded-host", "x-forwarded-port", "x-forwarded-proto",
        "x-forwarded-scheme", "x-real-ip", "x-request-id", "x-scheme", "x-original-forwarded-for", "ssl-client-cert",
        "ssl-client-verify", "ssl-client-subject-dn", "ssl-client-issuer-dn",
    ]

    /// Whether a field of the answer may be passed on: letters, digits and hyphens.
    public static func isResponseHeader(_ name: String) -> Bool {
        (1...64).contains(name.utf8.count) && !reserved.contains(name.lowercased())
            && name.utf8.allSatisfy { ($0 | 0x20) &- 0x61 < 26 || $0 &- 0x30 < 10 || $0 == 0x2D }
    }

    /// What is wrong with a text for ``signIn``, in words that follow it; nil for a good one.
    public static func problem(ofSignIn text: String) -> String? {
        let isAbsolute = ["https://", "http://", "$scheme://", "$pass_access_scheme://"].contains {
            text.hasPrefix($0) && text.utf8.count > $0.utf8.count
        }
        guard isAbsolute else { return "is no absolute URL of http or https" }
        do {
            let parts = try RequestTextTemplate(text, isURL: true).parts
            return isHostFixed(parts) ? nil : "has a host that is neither its author's nor the request's"
        } catch {
            return error.description
        }
    }

    /// Whether the host is the author's or the request's own, so that nobody is sent to where somebody else wants him.
    private static func isHostFixed(_ parts: [RequestTextTemplate.Part]) -> Bool {
        let shape = parts.reduce("") { shape, part in
            switch part {
            case .text(let text): shape + text
            case .scheme: shape + "http"
            case .host, .authority: shape + "h"
            case .pathAndQuery, .path: shape + "/"
            default: shape + "$"
            }
        }
        guard let slashes = shape.firstRange(of: "://") else { return false }
        let authority = shape[slashes.upperBound...].prefix { $0 != "/" && $0 != "?" && $0 != "#" }
        return !authority.isEmpty && authority.first != ":" && !authority.contains("$") && !authority.contains("@")
    }
}
