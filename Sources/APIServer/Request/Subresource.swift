/// What can follow an object's name in a path.
enum Subresource: String, Sendable {
    case status
    /// Of a Namespace: takes `spec.finalizers`.
    case finalize
    /// `autoscaling/v1 Scale` of an object that has replicas.
    case scale
    /// Of a Pod: a deletion that disruption budgets can refuse.
    case eviction
    /// Of a Pod: a node for it.
    case binding
    /// Of a CertificateSigningRequest: whether it may be signed.
    case approval
    /// Of a Pod or a Service: what answers there.
    case proxy
    /// Of a Pod: containers that are added to it while it runs.
    case ephemeralcontainers
    // What needs a kubelet or an issuer of tokens: answered with 501.
    case attach, exec, log, portforward, resize, token

    /// Whether it is a document that is posted, and nothing that could be read.
    var isPosted: Bool { self == .binding || self == .eviction }

    /// - Parameter path: everything behind the name; the path that a proxied request asks for is left out.
    init?(path: String) {
        self.init(rawValue: path.hasPrefix("proxy/") ? "proxy" : path)
    }
}
