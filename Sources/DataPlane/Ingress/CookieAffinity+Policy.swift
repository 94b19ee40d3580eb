internal import KubeModel
internal import ProxyEngine

extension CookieAffinity {
    /// Reads a route's affinity, which the API server has found good.
    init(_ affinity: RouteBackendAffinity, isCanary: Bool = false) {
        var attributes = "; Path=\(affinity.path ?? "/")"
        if let domain = affinity.domain { attributes += "; Domain=\(domain)" }
        if let maxAge = affinity.maxAge { attributes += "; Max-Age=\(maxAge)" }
        let isConditional = affinity.sameSite == "None" && affinity.conditionalSameSiteNone == true
        if let sameSite = affinity.sameSite, !isConditional { attributes += "; SameSite=\(sameSite)" }
        attributes += "; HttpOnly"
        // Names made without a seed would tell the addresses to whoever tries them all.
        let seed = affinity.mode == "persistent" ? Array((affinity.seed ?? "").utf8) : []
        self.init(
            mode: seed.isEmpty ? .balanced : .persistent(seed: seed),
            name: Array((affinity.cookieName ?? "INGRESSCOOKIE").utf8),
            attributes: attributes.utf8.filter { 0x20..<0x7F ~= $0 },
            saysSameSiteNoneWhereKnown: isConditional, expires: affinity.expires,
            secure: affinity.secure.map { $0 ? .always : .never } ?? .asRequest,
            changesOnFailure: affinity.changeOnFailure ?? false, isCanary: isCanary)
    }
}
