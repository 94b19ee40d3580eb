import KubeModel
import Testing

@testable import Controllers

@Suite("Annotations about TLS with backends") struct BackendTLSAnnotationsTests {
    private static let nginx = "nginx.ingress.kubernetes.io/proxy-ssl-"
    private static let martlet = "traffic.martlet.dev/proxy-ssl-"

    private static func read(_ annotations: [String: String], prefix: String = nginx) -> BackendTLSAnnotations {
        BackendTLSAnnotations(
            Dictionary(uniqueKeysWithValues: annotations.map { (prefix + $0.key, $0.value) }), namespace: "shop")
    }

    @Test(arguments: [nginx, martlet])
    func `they are read under both prefixes, and close nothing`(prefix: String) {
        let all = [
            "secret": "shop/backend", "verify": "on", "verify-depth": "2", "name": "Web.example.com",
            "server-name": "on", "protocols": "TLSv1.3 TLSv1.2", "ciphers": "ECDHE+AESGCM",
        ]
        let read = Self.read(all, prefix: prefix)
        #expect(read.problems == [] && read.refusal == nil)
        #expect(
            read.tls
                == RouteBackendTLS(
                    verify: true, secretName: "backend", serverName: "web.example.com", sendsServerName: true, depth: 2,
                    ciphers: "ECDHE+AESGCM"))
        let keys = Dictionary(uniqueKeysWithValues: all.map { (prefix + $0.key, $0.value) })
        let annotations = IngressAnnotations(keys, namespace: "shop")
        #expect(annotations.guards == [] && annotations.ignored == [] && annotations.unsupportedProtocol == nil)
    }

    @Test func `ours come before those of ingress-nginx`() {
        let read = BackendTLSAnnotations(
            [Self.nginx + "verify": "off", Self.martlet + "verify": "on", Self.nginx + "name": "a.example"],
            namespace: "shop")
        #expect(read.tls == RouteBackendTLS(verify: true, serverName: "a.example"))
    }

    @Test func `nothing is said by what is off`() {
        #expect(Self.read(["verify": "off", "server-name": "off", "verify-depth": "0"]).tls == nil)
        #expect(Self.read(["protocols": "TLSv1.2 TLSv1.3"]).tls == nil)
        #expect(Self.read(["protocols": "TLSv1.3"]).tls?.protocols == ["TLSv1.3"])
    }

    @Test(arguments: [
        (["secret": "other/backend"], "secret: \"other/backend\" is in another namespace than the Ingress"),
        (["secret": "a/b/c"], "secret: \"a/b/c\" is not NAMESPACE/NAME of a Secret"),
        (["verify": "true"], "verify: \"true\" is neither on nor off"),
        (["name": "a b"], "name: \"a b\" is no host name"),
        (["protocols": "TLSv1 TLSv1.1"], "protocols: \"TLSv1 TLSv1.1\" has neither TLSv1.2 nor TLSv1.3"),
    ])
    func `what cannot be honoured closes the routes`(annotations: [String: String], refusal: String) {
        #expect(Self.read(annotations).refusal == Self.nginx + refusal)
    }

    @Test(arguments: [
        (["verify-depth": "deep"], "verify-depth"), (["server-name": "yes"], "server-name"),
        (["protocols": "TLSv1.2 TLSv2"], "protocols"), (["protocols": "TLSv1 TLSv1.2"], "protocols"),
        (["ciphers": "NO-SUCH"], "ciphers"), (["ciphers": "a; b"], "ciphers"),
    ])
    func `what has no effect is told of`(annotations: [String: String], name: String) {
        let read = Self.read(annotations)
        #expect(read.refusal == nil)
        #expect(read.problems.count == 1 && read.problems[0].hasPrefix("\(Self.nginx)\(name): "))
    }

    private static func compile(
        _ annotations: [String: String], appProtocol: String? = nil, secret: String? = nil
    ) -> CompiledIngress {
        IngressCompiler(
            controllerName: "martlet.dev/ingress",
            service: { _ in
                var port = ServicePort(port: 80)
                port.appProtocol = appProtocol
                return Service(metadata: ObjectMeta(name: "web"), spec: ServiceSpec(ports: [port]))
            },
            secretProblem: { _ in nil }, namedSecretProblem: { _, _ in secret }, winner: { _ in nil }
        ).compile(
            Sample.ingress { ingress in
                ingress.metadata.namespace = "shop"
                ingress.metadata.annotations = Dictionary(
                    uniqueKeysWithValues: annotations.map { (nginx + $0.key, $0.value) })
            }, className: "martlet")
    }

    @Test func `a Secret that is unfit and a backend without TLS are told of, and stay in the table`() {
        let wanted = ["secret": "shop/backend", "verify": "on"]
        let bad = Self.compile(wanted, appProtocol: "https", secret: "it has no ca.crt")
        #expect(bad.problems.map(\.reason) == ["InvalidSecret"])
        #expect(
            bad.problems.first?.message
                == Self.nginx + "secret: Secret backend: it has no ca.crt, so that nothing is sent to backends")
        let plain = Self.compile(wanted)
        #expect(plain.problems.map(\.reason) == ["UnsupportedBackend"])
        for compiled in [bad, plain] {
            let policy = compiled.table.spec?.rules?.first?.paths?.first?.backend?.policy
            #expect(policy?.tls == RouteBackendTLS(verify: true, secretName: "backend"))
        }
        #expect(Self.compile(wanted, appProtocol: "https").problems == [])
        let closed = Self.compile(["secret": "b/c", "verify": "on"], appProtocol: "https")
        #expect(closed.table.spec?.rules?.first?.paths?.first?.backend == nil)
    }
}
