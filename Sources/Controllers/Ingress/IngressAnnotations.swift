/// The annotations by which other ingress controllers are told what Ingress itself has no field for, read for one
/// purpose: whoever brings his Ingresses along must not find a guarded route open.
///
/// One that guards access and is not honoured closes its Ingress; others are told about and otherwise passed over.
struct IngressAnnotations: Hashable, Sendable {
    /// Keys of annotations that guard access, in order.
    private(set) var guards: [String] = []
    /// Keys of other controllers' annotations that change nothing here, in order.
    private(set) var ignored: [String] = []
    /// What the backends speak, as an `appProtocol`: of ingress-nginx' `backend-protocol`.
    private(set) var backendProtocol: String?
    /// A `backend-protocol` that was taken for another one.
    private(set) var approximatedProtocol: String?
    /// What is wanted of connections to backends and cannot be had, as a sentence: a `backend-protocol` that is not spoken, or
    /// that the backend's certificate is verified.
    private(set) var unsupportedProtocol: String?

    init(_ annotations: [String: String]) {
        for (key, value) in annotations.sorted(by: { $0.key < $1.key }) {
            guard let slash = key.firstIndex(of: "/"), Self.isController(key[..<slash]) else { continue }
            if key == "nginx.ingress.kubernetes.io/backend-protocol" {
                readProtocol(value)
            } else if key == "nginx.ingress.kubernetes.io/proxy-ssl-verify", value.lowercased() != "off" {
                unsupportedProtocol = "proxy-ssl-verify \(value) is not supported"
            } else if Self.isGuard(key[key.index(after: slash)...], value: value) {
                guards.append(key)
            } else {
                ignored.append(key)
            }
        }
    }

    private mutating func readProtocol(_ value: String) {
        switch value.uppercased() {
        case "HTTP": backendProtocol = "http"
        case "AUTO_HTTP":
            backendProtocol = "http"
            approximatedProtocol = "backend-protocol AUTO_HTTP is taken as HTTP: TLS is not tried out"
        case "HTTPS": backendProtocol = "https"
        case "GRPC": backendProtocol = "grpc"
        case "GRPCS": backendProtocol = "grpcs"
        default:
            unsupportedProtocol =
                unsupportedProtocol
                ?? "backend-protocol \(value) is not supported (HTTP, HTTPS, GRPC and GRPCS are)"
        }
    }

    /// The domains under which ingress controllers take annotations.
    private static let controllers: Set<String> = [
        "ingress.kubernetes.io", "haproxy.org", "nginx.org", "nginx.com", "appprotect.f5.com", "konghq.com",
        "projectcontour.io", "ingress.cilium.io", "ingress.appscode.com", "getambassador.io", "k8s.apisix.apache.org",
        "haproxy-ingress.github.io", "zalando.org",
    ]

    /// Also with a name in front, as in `nginx.ingress.kubernetes.io`.
    private static func isController(_ domain: Substring) -> Bool {
        controllers.contains(String(domain)) || domain.hasSuffix(".ingress.kubernetes.io")
    }

    /// Parts of names that stand for letting some in and others not: by address, by password, by certificate, by a
    /// filter, or by a piece of configuration that may hold any of them.
    private static let guardWords = [
        "auth", "whitelist", "allowlist", "allow-list", "white-list", "denylist", "deny-list", "blacklist",
        "black-list",
        "block-list", "source-range", "inbound-cidrs", "snippet", "modsecurity", "owasp", "waf", "app-protect",
        "appprotect", "middlewares", "plugins", "jwt", "oidc", "policies", "satisfy", "allowed-source", "tls-client",
        "client-ca",
    ]

    /// Companions that guard nothing by themselves.
    private static let companions: Set<String> = [
        "auth-realm", "auth-cache-key", "auth-cache-duration", "auth-keepalive", "auth-keepalive-requests",
        "auth-keepalive-timeout", "auth-keepalive-share-vars", "auth-response-headers", "auth-proxy-set-headers",
        "auth-method", "auth-request-redirect", "auth-always-set-cookie", "auth-signin", "auth-signin-redirect-param",
        "auth-secret-type", "auth-tls-error-page", "auth-tls-verify-depth",
        "auth-tls-pass-certificate-to-upstream", "enable-global-auth",
    ]

    private static func isGuard(_ name: Substring, value: String) -> Bool {
        let name = name.lowercased()
        guard !companions.contains(name), guardWords.contains(where: { name.contains($0) }) else { return false }
        return !isOff(name, value)
    }

    /// Values that say that nobody is kept out: none, off, or a list of everybody (which cert-manager writes to open
    /// its challenges in clusters that are closed by default).
    private static func isOff(_ name: String, _ value: String) -> Bool {
        let words = value.split { $0 == "," || $0 == " " || $0 == "\t" || $0 == "\n" }.map { $0.lowercased() }
        if words.isEmpty || words == ["false"] || words == ["off"] || words == ["none"] { return true }
        let admitsSome = ["whitelist", "allow", "source-range", "inbound-cidrs"].contains { name.contains($0) }
        return admitsSome && !name.contains("deny") && words.contains("0.0.0.0/0") && words.contains("::/0")
    }
}
