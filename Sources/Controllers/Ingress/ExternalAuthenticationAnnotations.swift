import KubeModel

/// ingress-nginx' annotations about a service that is asked whether requests may come, `auth-url` with its companions, and ours of the
/// same names, which come first. Pure.
///
/// They guard access: what of them cannot be honoured as it is written closes the routes.
struct ExternalAuthenticationAnnotations: Hashable, Sendable {
    private static let companions = [
        "auth-method", "auth-signin", "auth-signin-redirect-param", "auth-response-headers", "auth-request-redirect",
        "auth-proxy-set-headers",
    ]
    /// Those that change nothing: how connections are kept is the proxy's own matter, cookies are always set.
    private static let silent = [
        "auth-keepalive", "auth-keepalive-requests", "auth-keepalive-timeout", "auth-keepalive-share-vars",
        "auth-always-set-cookie",
    ]
    private static let caching = ["auth-cache-key", "auth-cache-duration"]
    static let names = ["auth-url"] + companions + silent + caching

    /// nil where nobody is asked.
    private(set) var policy: RouteExternalAuthentication?
    /// What has no effect, each a sentence that begins with the annotation's key.
    let problems: [String]
    /// What lets nobody in, likewise.
    let closing: [String]
    /// The annotation that names the service.
    let key: String

    init(_ annotations: [String: String]) {
        var reader = AnnotationReader(twins: annotations)
        var guards = AnnotationReader(
            annotations, prefixes: [AnnotationReader.martlet, AnnotationReader.nginx],
            consequence: "so that nobody is let in")
        key = reader.key("auth-url")
        for name in Self.caching where reader[name] != nil {
            reader.tell(name, "answers are not kept: the service is asked about each request")
        }
        guard let url = guards["auth-url"] else {
            for name in Self.companions where reader[name] != nil {
                reader.tell(name, "has no effect without auth-url")
            }
            problems = reader.problems
            closing = []
            return
        }
        var policy = RouteExternalAuthentication(url: url)
        do {
            _ = try AuthenticationURL(url)
        } catch {
            guards.refuse("auth-url", error.description)
        }
        policy.method = guards.word("auth-method", of: RouteExternalAuthentication.allMethods)
        policy.signIn = Self.signIn(&guards)
        policy.responseHeaders = Self.responseHeaders(&guards)
        if let text = guards["auth-request-redirect"] {
            do {
                _ = try RequestTextTemplate(text, isURL: false)
                policy.requestRedirect = text
            } catch {
                guards.refuse("auth-request-redirect", error.description)
            }
        }
        if guards["auth-proxy-set-headers"] != nil {
            guards.refuse(
                "auth-proxy-set-headers", "is not there: the service would not be asked what it is to be asked")
        }
        problems = reader.problems
        closing = guards.problems
        if closing.isEmpty { self.policy = policy }
    }

    /// With the URL that was asked for as an argument, unless there is one of its name.
    private static func signIn(_ reader: inout AnnotationReader) -> String? {
        guard let text = reader["auth-signin"] else { return nil }
        let name = reader.token("auth-signin-redirect-param", of: "an argument") ?? "rd"
        let query = text.firstIndex(of: "?").map { text[text.index(after: $0)...] }
        let names = (query ?? "").split(separator: "&").map { $0.prefix { $0 != "=" } }
        var whole = text
        if !names.contains(name[...]) {
            whole += (query.map { $0.isEmpty ? "" : "&" } ?? "?") + "\(name)=$scheme://$http_host$escaped_request_uri"
        }
        if let problem = RouteExternalAuthentication.problem(ofSignIn: whole) {
            reader.refuse("auth-signin", problem)
            return nil
        }
        return whole
    }

    private static func responseHeaders(_ reader: inout AnnotationReader) -> [String]? {
        guard let text = reader["auth-response-headers"] else { return nil }
        let names = AnnotationReader.entries(text)
        if names.count > RouteExternalAuthentication.maxResponseHeaders {
            reader.refuse(
                "auth-response-headers", "has more than \(RouteExternalAuthentication.maxResponseHeaders) names")
        }
        if let wrong = names.first(where: { !RouteExternalAuthentication.isResponseHeader($0) }) {
            reader.refuse(
                "auth-response-headers",
                "has \(AnnotationReader.quoted(wrong)), which is no name of a field that may be passed on")
        }
        return names.isEmpty ? nil : names
    }
}
