import KubeModel
import NetworkTypes
import ProxyEngine
import Testing
import TrafficModel
import Transport

@testable import DataPlane

@Suite("Backends that are to be verified are, or get nothing") struct BackendSecurityTests {
    private static let key = NamespacedName(namespace: "shop", name: "ca")
    private static let known = [key: NamedSecret(authoritiesPEM: [1])]

    private static func security(
        _ tls: RouteBackendTLS?, spoken: String? = "https", secrets: [NamespacedName: NamedSecret] = known
    ) -> BackendSecurity {
        let backend = ServiceBackend(
            service: NamespacedName(namespace: "shop", name: "web"), port: nil, policy: RouteBackendPolicy(tls: tls))
        return BackendSecurity(backend, .endpoints([], appProtocol: spoken), secrets: secrets)
    }

    @Test func `without a word about it nobody is verified`() {
        #expect(Self.security(nil) == .secured(UpstreamTLS()))
        #expect(Self.security(nil, spoken: "http") == .plain)
        #expect(Self.security(RouteBackendTLS(serverName: "a.example"), spoken: nil) == .plain)
    }

    @Test func `what is said is what the engine gets`() {
        var wanted = UpstreamTLS(
            serverName: "web.shop.svc", sendsServerName: false, verification: .authorities(pem: [1]))
        wanted.policy.depth = 1
        #expect(Self.security(RouteBackendTLS(verify: true, secretName: "ca")) == .secured(wanted))
        wanted.serverName = "a.example"
        wanted.sendsServerName = true
        wanted.policy = TLSPolicy(versions: .v13 ... .v13, ciphers: "AESGCM", depth: 3)
        #expect(
            Self.security(
                RouteBackendTLS(
                    verify: true, secretName: "ca", serverName: "a.example", sendsServerName: true, depth: 3,
                    protocols: ["TLSv1.3"], ciphers: "AESGCM")) == .secured(wanted))
        var system = UpstreamTLS(serverName: "web.shop.svc", sendsServerName: false, verification: .system)
        system.policy.depth = 1
        #expect(Self.security(RouteBackendTLS(verify: true)) == .secured(system))
    }

    @Test func `what cannot be had is closed`() {
        let verified = RouteBackendTLS(verify: true, secretName: "ca")
        #expect(Self.security(verified, secrets: [:]) == .closed)
        #expect(Self.security(RouteBackendTLS(secretName: "ca"), secrets: [:]) == .closed)
        #expect(Self.security(verified, spoken: "http") == .closed)
        #expect(Self.security(verified, spoken: nil) == .closed)
        #expect(
            Self.security(verified, secrets: [Self.key: NamedSecret(certificateChainPEM: [1], privateKeyPEM: [2])])
                == .closed)
        #expect(Self.security(verified, secrets: [Self.key: NamedSecret()]) == .closed)
        let half = NamedSecret(authoritiesPEM: [1], certificateChainPEM: [2])
        #expect(Self.security(verified, secrets: [Self.key: half]) == .closed)
    }

    @Test func `a backend that is closed has no endpoints, and another one of the same Service has`() {
        let endpoints = BackendResolution.endpoints([SocketAddress("10.0.0.1:8443")!], appProtocol: "https")
        let service = NamespacedName(namespace: "shop", name: "web")
        let verified = ServiceBackend(
            service: service, port: nil,
            policy: RouteBackendPolicy(tls: RouteBackendTLS(verify: true, secretName: "ca")))
        let plain = ServiceBackend(service: service, port: nil)
        #expect(ProxyConfiguration.Upstream(verified, endpoints, [:]).endpoints == [])
        #expect(ProxyConfiguration.Upstream(verified, endpoints, Self.known).endpoints.count == 1)
        #expect(ProxyConfiguration.Upstream(plain, endpoints, [:]).endpoints.count == 1)
        #expect(verified.upstreamName != plain.upstreamName)
    }

    @Test func `a Secret is read for what it is named for`() {
        let secret = Secret(data: ["ca.crt": "AQ==", "tls.crt": "Ag==", "tls.key": "Aw==", "password": "BA=="])
        #expect(NamedSecret(secret) == NamedSecret(authoritiesPEM: [1], certificateChainPEM: [2], privateKeyPEM: [3]))
        #expect(NamedSecret(Secret(data: ["ca.crt": "!"])) == nil)
        #expect(NamedSecret(Secret()) == NamedSecret())
    }
}
