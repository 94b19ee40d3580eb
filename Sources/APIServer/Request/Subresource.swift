/// What can follow an object's name in a path.
enum Subresource: String, Sendable {
    case status
    /// Of a Namespace: takes `spec.finalizers`.
    case finalize
    /// `autoscaling/v1 Scale` of an object that has replicas.
    case scale
    /// Of a Pod: a deletion that disruption budgets can refuse.
    case eviction
    // What needs a kubelet, a scheduler or an issuer of tokens: answered with 501.
    case attach, binding, ephemeralcontainers, exec, log, portforward, proxy, resize, token

    /// - Parameter path: everything behind the name; the path that a proxied request asks for is left out.
    init?(path: String) {
        self.init(rawValue: path.hasPrefix("proxy/") ? "proxy" : path)
    }
}
