import KubeModel

/// Annotations about what is done with requests before a backend sees them, and with what is answered: ingress-nginx', and
/// ours of the same names, which come first. Pure.
struct FilterAnnotations: Hashable, Sendable {
    private static let names =
        [
            "proxy-body-size", "enable-cors", "cors-allow-origin", "cors-allow-methods", "cors-allow-headers",
            "cors-expose-headers", "cors-allow-credentials", "cors-max-age", "permanent-redirect",
            "permanent-redirect-code",
            "temporal-redirect", "temporal-redirect-code", "ssl-redirect", "force-ssl-redirect",
            "whitelist-source-range",
            "allowlist-source-range", "denylist-source-range", "upstream-vhost", "limit-rps", "limit-rpm",
            "limit-burst-multiplier", "limit-connections", "limit-whitelist", "limit-allowlist",
        ] + BasicAuthenticationAnnotations.names + ExternalAuthenticationAnnotations.names

    /// All that are read here.
    static let keys = AnnotationReader.keys(names, prefix: AnnotationReader.nginx)
        .union(AnnotationReader.keys(names, prefix: AnnotationReader.martlet))

    /// nil where nothing is said.
    private(set) var filters: RouteFilters?
    /// What is not as it should be, each a sentence that begins with the annotation's key.
    let problems: [String]
    /// Those of them about guards: nobody may come in.
    let closing: [String]
    /// The annotation that names the Secret with passwords.
    let passwordsKey: String
    /// The annotation that names the service that is asked.
    let externalKey: String

    /// - Parameter namespace: of the Ingress.
    init(_ annotations: [String: String], namespace: String = "") {
        var reader = AnnotationReader(annotations, prefixes: [AnnotationReader.martlet, AnnotationReader.nginx])
        var filters = RouteFilters()
        filters.maxBodyBytes = reader.size("proxy-body-size")
        filters.cors = Self.cors(&reader)
        filters.redirect = Self.redirect(&reader)
        if reader.boolean("force-ssl-redirect") == true {
            filters.httpsRedirect = "Always"
        } else if reader.boolean("ssl-redirect") == false {
            filters.httpsRedirect = "Never"
        }
        if let host = reader["upstream-vhost"] {
            if Self.isHost(host) {
                filters.upstreamHost = host
            } else {
                reader.refuse("upstream-vhost", "is no host name with or without a port")
            }
        }
        var told = reader.problems
        var guards = GuardAnnotations(annotations)
        filters.sources = guards.sources(&told)
        filters.clientLimits = guards.clientLimits(&told)
        let passwords = BasicAuthenticationAnnotations(annotations, namespace: namespace)
        filters.basicAuthentication = passwords.policy
        passwordsKey = passwords.secretKey
        let external = ExternalAuthenticationAnnotations(annotations)
        filters.externalAuthentication = external.policy
        externalKey = external.key
        problems = told + passwords.problems + external.problems
        var closed = guards.problems + passwords.closing + external.closing
        if passwords.satisfiesAny, passwords.policy != nil, external.policy != nil {
            closed.append(
                "\(externalKey): beside a password, satisfy any is not there, so that nobody is let in")
        }
        closing = closed
        if passwords.satisfiesAny, closing.isEmpty { filters.satisfy = "any" }
        if !guards.problems.isEmpty { filters.sources = RouteSources(allow: []) }
        if !filters.isEmpty { self.filters = filters }
    }

    // MARK: Elsewhere

    /// A temporal one comes first where both are asked for, as in ingress-nginx.
    private static func redirect(_ reader: inout AnnotationReader) -> RouteRedirect? {
        for (name, usual) in [("temporal-redirect", 302), ("permanent-redirect", 301)] {
            guard let location = reader[name] else { continue }
            let status = reader.number("\(name)-code", from: 300, to: 308) ?? usual
            guard RouteRedirect.parts(of: location) != nil else {
                reader.refuse(
                    name,
                    "is no absolute URL of http or https with no variables but $request_uri, $uri, $args, $is_args, $host and"
                        + " $scheme")
                continue
            }
            return RouteRedirect(location: location, status: status)
        }
        return nil
    }

    private static func isHost(_ text: String) -> Bool {
        text.utf8.count <= 259
            && text.wholeMatch(of: /([0-9A-Za-z._-]+|\[[0-9A-Fa-f:.]+\])(:[0-9]{1,5})?/) != nil
    }

    // MARK: Other origins

    private static func cors(_ reader: inout AnnotationReader) -> RouteCORS? {
        guard reader.boolean("enable-cors") == true else { return nil }
        var cors = RouteCORS()
        cors.origins = origins(&reader)
        cors.methods = reader.text("cors-allow-methods", of: 256, "is no list of methods") {
            AnnotationReader.isLetter($0) || $0 == 0x2C || $0 == 0x20 || $0 == 0x2A
        }
        cors.headers = reader.text("cors-allow-headers", of: 512, "is no list of header names", where: isList)
        cors.exposedHeaders = reader.text("cors-expose-headers", of: 512, "is no list of header names", where: isList)
        // What is neither yes nor no is no yes.
        cors.credentials =
            reader.boolean("cors-allow-credentials") ?? (reader["cors-allow-credentials"] == nil ? nil : false)
        cors.maxAge = reader.number("cors-max-age", from: 0)
        return cors
    }

    private static func isList(_ byte: UInt8) -> Bool {
        AnnotationReader.isToken(byte) || byte == 0x2C || byte == 0x20
    }

    /// Origins between commas; those that are none are passed over, as in ingress-nginx.
    private static func origins(_ reader: inout AnnotationReader) -> [String]? {
        guard let text = reader["cors-allow-origin"] else { return nil }
        let entries = AnnotationReader.entries(text)
        if entries.contains("*") { return ["*"] }
        let good = entries.filter(isOrigin)
        for wrong in entries where !isOrigin(wrong) {
            reader.tell("cors-allow-origin", "\(AnnotationReader.quoted(wrong)) is no origin, so that it has no effect")
        }
        if good.count > 256 {
            reader.tell("cors-allow-origin", "has more than 256 origins, of which the first count")
        }
        // None that is good is none that may.
        return Array(good.prefix(256))
    }

    private static func isOrigin(_ text: String) -> Bool {
        let pattern = /[a-z][a-z0-9+.\-]*:\/\/(\*\.)?([0-9A-Za-z._\-]+|\[[0-9A-Fa-f:.]+\])(:[0-9]{1,5})?/
        return text.utf8.count <= 256 && text.wholeMatch(of: pattern) != nil
    }
}
