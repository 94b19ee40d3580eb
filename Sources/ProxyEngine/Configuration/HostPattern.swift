/// Which `Host` values a virtual host answers for (networking.k8s.io/v1 `IngressRule.host`).
package enum HostPattern: Sendable, Hashable, CustomStringConvertible {
    /// Every host that no other pattern matches.
    case any
    /// One name, compared without regard to ASCII case.
    case exact(String)
    /// `*.suffix`: exactly one more label in front of `suffix`. The payload is the suffix without `*.`.
    case wildcard(String)

    /// Reads an Ingress host: empty is ``any``, a leading `*.` makes a wildcard.
    package init(_ text: String) {
        if text.isEmpty || text == "*" {
            self = .any
        } else if text.hasPrefix("*.") {
            self = .wildcard(text.dropFirst(2).lowercased())
        } else {
            self = .exact(text.lowercased())
        }
    }

    package var description: String {
        switch self {
        case .any: "*"
        case .exact(let name): name
        case .wildcard(let suffix): "*." + suffix
        }
    }
}
