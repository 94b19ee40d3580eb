/// Which annotations guard access: let some in and others not, by address, password, certificate, method, rate or filter, or
/// by a piece of configuration that may do any of it. What is not known for sure is judged by the words in its name, and
/// rather taken for a guard: a guard that nobody enforces is an open door. Pure.
enum IngressGuard {
    enum Verdict: Hashable, Sendable {
        case guards
        /// An ingress controller's that guards nothing.
        case harmless
        /// No ingress controller's.
        case foreign
    }

    /// - Parameter isPublic: pomerium was told to let everybody in.
    static func verdict(domain: Substring, name: Substring, value: String, isPublic: Bool) -> Verdict {
        let domain = domain.lowercased()
        let name = name.lowercased()
        if isBystander(domain, name) { return .foreign }
        let isKnown = isController(domain)
        let guards: Bool
        if let special = special(domain, name, value, isPublic: isPublic) {
            guards = special
        } else if companions.contains(name) || isOff(name, value) {
            guards = false
        } else {
            guards = isKnown && parts.contains { name.contains($0) } && !isOfCORS(name) || hasGuardWord(name)
        }
        return guards ? .guards : isKnown ? .harmless : .foreign
    }

    // MARK: Whose it is

    /// The domains under which ingress controllers take annotations.
    private static let controllers: Set<String> = [
        "ingress.kubernetes.io", "haproxy.org", "nginx.org", "nginx.com", "appprotect.f5.com", "appprotectdos.f5.com",
        "konghq.com", "projectcontour.io", "ingress.cilium.io", "ingress.appscode.com", "getambassador.io",
        "k8s.apisix.apache.org", "haproxy-ingress.github.io", "zalando.org", "higress.io", "ingress.pomerium.io",
        "cloud.google.com", "networking.gke.io", "oci-native-ingress.oraclecloud.com", "haproxy.router.openshift.io",
        "ingress.citrix.com", "ingress.bluemix.net", "traffic.martlet.dev",
    ]

    /// Also with a name in front, as in `nginx.ingress.kubernetes.io`.
    private static func isController(_ domain: String) -> Bool {
        controllers.contains(domain) || domain.hasSuffix(".ingress.kubernetes.io")
    }

    /// Domains of what looks at Ingresses without proxying for them, and domains below these.
    private static let bystanders = [
        "cert-manager.io", "external-dns.alpha.kubernetes.io", "kubectl.kubernetes.io", "app.kubernetes.io", "helm.sh",
        "argoproj.io", "fluxcd.io", "kustomize.config.k8s.io", "stakater.com", "emberstack.com", "kyverno.io",
        "gatekeeper.sh", "gethomepage.dev", "hajimari.io", "prometheus.io", "datadoghq.com", "grafana.com", "cattle.io",
        "hashicorp.com", "backstage.io",
    ]

    private static func isBystander(_ domain: String, _ name: String) -> Bool {
        // Of Kubernetes' own only these are addressed to ingress controllers.
        if domain == "kubernetes.io" { return !name.hasPrefix("ingress.") || name == "ingress.class" }
        return bystanders.contains { domain == $0 || domain.hasSuffix("." + $0) }
    }

    // MARK: Single ones

    /// What holds for one family only; nil leaves it to the words.
    private static func special(_ domain: String, _ name: String, _ value: String, isPublic: Bool) -> Bool? {
        switch (domain, name) {
        case ("traffic.martlet.dev", _): true  // Whoever writes one of ours expects an effect.
        case ("kubernetes.io", "ingress.allow-http"): value.lowercased() == "false"
        case ("cloud.google.com", "armor-config"), ("cloud.google.com", "backend-config"): true
        case ("ingress.pomerium.io", "allow_public_unauthenticated_access"): !isPublic
        case ("ingress.pomerium.io", _): isPublic ? nil : true
        case ("appprotect.f5.com", _), ("appprotectdos.f5.com", _): !isOff(name, value)
        case ("traefik.ingress.kubernetes.io", "router.tls.options"): true
        case ("traefik.ingress.kubernetes.io", "router.entrypoints"): !isUsualEntryPoints(value)
        case ("zalando.org", "skipper-filter"), ("zalando.org", "skipper-predicate"), ("zalando.org", "skipper-routes"),
            ("zalando.org", "ratelimit"):
            true
        case ("alb.ingress.kubernetes.io", _) where name.hasPrefix("conditions."): true
        case ("k8s.apisix.apache.org", "plugin-config-name"): true
        case ("haproxy-ingress.github.io", _) where name.hasPrefix("config-"): true
        case ("getambassador.io", "config"): true
        case ("konghq.com", "override"), ("konghq.com", "methods"), ("konghq.com", "snis"): true
        case ("konghq.com", _) where name.hasPrefix("headers."): true
        default: nil
        }
    }

    /// The names that Traefik's entry points have where nobody gave them others; another one may be for a network of its own.
    private static func isUsualEntryPoints(_ value: String) -> Bool {
        list(value).allSatisfy { $0 == "web" || $0 == "websecure" || $0 == "http" || $0 == "https" }
    }

    // MARK: Words

    /// Parts of names that stand for a guard in the annotations of ingress controllers.
    private static let parts = [
        "auth", "whitelist", "allowlist", "allow-list", "white-list", "denylist", "deny-list", "blacklist",
        "black-list",
        "block-list", "source-range", "inbound-cidrs", "snippet", "modsecurity", "owasp", "waf", "app-protect",
        "appprotect", "middlewares", "plugins", "jwt", "oidc", "policies", "satisfy", "allowed-source", "tls-client",
        "client-ca",
    ]

    /// Whole words that do so in anybody's.
    private static let words: Set<String> = [
        "auth", "auths", "authn", "authz", "authentication", "authenticate", "authenticated", "authorization",
        "authorize",
        "authorized", "basicauth", "forwardauth", "oauth", "oauth2", "oidc", "saml", "sso", "ldap", "jwt", "jwks",
        "mtls",
        "csrf", "captcha", "whitelist", "white", "allowlist", "allow", "allows", "allowed", "deny", "denied", "denies",
        "denylist", "blacklist", "black", "blocklist", "block", "blocked", "forbid", "forbidden", "restrict",
        "restricted",
        "acl", "acls", "waf", "wafv2", "webacl", "firewall", "modsecurity", "owasp", "armor", "bot", "rbac", "opa",
        "security", "limit", "limits", "limiting", "ratelimit", "throttle", "throttling", "quota", "ipfilter", "geoip",
        "cidr", "cidrs", "snippet", "snippets", "middleware", "middlewares", "policy", "policies", "password",
        "htpasswd",
    ]

    private static func hasGuardWord(_ name: String) -> Bool {
        !isOfCORS(name)
            && name.split { !("a"..."z" ~= $0 || "0"..."9" ~= $0) }.contains { words.contains(String($0)) }
    }

    /// What browsers are told of other origins keeps nobody out.
    private static func isOfCORS(_ name: String) -> Bool { name.contains("cors") && !name.contains("auth") }

    /// Companions that guard nothing by themselves.
    private static let companions: Set<String> = [
        "auth-realm", "auth-cache-key", "auth-cache-duration", "auth-keepalive", "auth-keepalive-requests",
        "auth-keepalive-timeout", "auth-keepalive-share-vars", "auth-response-headers", "auth-proxy-set-headers",
        "auth-method", "auth-request-redirect", "auth-always-set-cookie", "auth-signin", "auth-signin-redirect-param",
        "auth-secret-type", "auth-tls-error-page", "auth-tls-verify-depth",
        "auth-tls-pass-certificate-to-upstream", "enable-global-auth",
        // How fast a client is served.
        "limit-rate", "limit-rate-after",
        "manage-backend-security-group-rules",
        // The ciphers and versions of TLS.
        "ssl-policy",
    ]

    /// Values that say that nobody is kept out: none, off, or a list of everybody (which cert-manager writes to open
    /// its challenges in clusters that are closed by default).
    private static func isOff(_ name: String, _ value: String) -> Bool {
        let words = list(value)
        if words.isEmpty || words == ["false"] || words == ["off"] || words == ["none"] { return true }
        let admitsSome = ["whitelist", "allow", "source-range", "inbound-cidrs"].contains { name.contains($0) }
        return admitsSome && !name.contains("deny") && words.contains("0.0.0.0/0") && words.contains("::/0")
    }

    private static func list(_ value: String) -> [String] {
        value.split { $0 == "," || $0 == " " || $0 == "\t" || $0 == "\n" }.map { $0.lowercased() }
    }
}
