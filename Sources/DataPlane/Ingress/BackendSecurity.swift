import KubeModel
import ProxyEngine
import TrafficModel
import Transport

/// How the endpoints of a backend are spoken to: whether over TLS, and whom the L7 engine believes to be there. Pure.
enum BackendSecurity: Hashable {
    case plain
    case secured(UpstreamTLS)
    /// What is wanted cannot be had: nothing is sent there.
    case closed

    /// - Parameter secrets: that routes name, as far as they are there.
    init(_ backend: ServiceBackend, _ resolution: BackendResolution, secrets: [NamespacedName: NamedSecret]) {
        guard let wanted = backend.policy.tls else {
            self = resolution.tls(backend).map(Self.secured) ?? .plain
            return
        }
        guard var tls = resolution.tls(backend) else {
            self = wanted.verify == true ? .closed : .plain
            return
        }
        tls.policy.depth = Int32(clamping: wanted.depth ?? 1)
        tls.policy.ciphers = wanted.ciphers
        if let protocols = wanted.protocols {
            let lowest: TLSPolicy.Version = protocols.contains("TLSv1.2") ? .v12 : .v13
            let highest: TLSPolicy.Version = protocols.contains("TLSv1.3") ? .v13 : .v12
            tls.policy.versions = lowest...highest
        }
        tls.serverName = wanted.serverName ?? "\(backend.service.name).\(backend.service.namespace).svc"
        tls.sendsServerName = wanted.sendsServerName ?? false
        var secret: NamedSecret?
        if let name = wanted.secretName {
            let key = NamespacedName(namespace: backend.service.namespace, name: name)
            guard let found = secrets[key], !found.isWithoutTLS else {
                self = .closed
                return
            }
            guard (found.certificateChainPEM == nil) == (found.privateKeyPEM == nil) else {
                self = .closed
                return
            }
            secret = found
            tls.certificateChainPEM = found.certificateChainPEM
            tls.privateKeyPEM = found.privateKeyPEM
        }
        if wanted.verify == true {
            if secret == nil {
                tls.verification = .system
            } else if let pem = secret?.authoritiesPEM {
                tls.verification = .authorities(pem: pem)
            } else {
                self = .closed
                return
            }
        }
        self = .secured(tls)
    }
}
