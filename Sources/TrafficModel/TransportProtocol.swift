/// The transport protocol of a Service port.
package enum TransportProtocol: String, Hashable, Sendable, CaseIterable {
    case tcp = "TCP"
    case udp = "UDP"
    case sctp = "SCTP"

    /// Reads Kubernetes' spelling; absent means TCP. Nil for anything else.
    package init?(kubernetes name: String?) {
        guard let name, !name.isEmpty else {
            self = .tcp
            return
        }
        self.init(rawValue: name)
    }
}
