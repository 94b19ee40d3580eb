import KubeModel
import Testing

@testable import Controllers

@Suite("Annotations about certificates of clients") struct ClientCertificateAnnotationsTests {
    private static let nginx = "nginx.ingress.kubernetes.io/auth-tls-"
    private static let martlet = "traffic.martlet.dev/auth-tls-"

    private static func read(_ annotations: [String: String], prefix: String = nginx) -> ClientCertificateAnnotations {
        ClientCertificateAnnotations(
            Dictionary(uniqueKeysWithValues: annotations.map { (prefix + $0.key, $0.value) }), namespace: "shop")
    }

    @Test(arguments: [nginx, martlet])
    func `they are read under both prefixes`(prefix: String) {
        let all = [
            "secret": "shop/ca", "verify-client": "optional", "verify-depth": "3", "match-cn": "CN=(a|b)",
            "error-page": "https://help.example/cert", "pass-certificate-to-upstream": "true",
        ]
        let read = Self.read(all, prefix: prefix)
        #expect(read.problems == [] && read.refusal == nil)
        #expect(
            read.policy
                == RouteTableClientCertificates(
                    secretName: "ca", mode: "optional", depth: 3, errorPage: "https://help.example/cert",
                    passesCertificate: true, subjectPattern: "CN=(a|b)"))
        let keys = Dictionary(uniqueKeysWithValues: all.map { (prefix + $0.key, $0.value) })
        let annotations = IngressAnnotations(keys, namespace: "shop")
        #expect(annotations.guards == [] && annotations.ignored == [])
    }

    @Test func `a Secret alone wants a certificate, and off wants none`() {
        #expect(Self.read(["secret": "ca"]).policy == RouteTableClientCertificates(secretName: "ca"))
        #expect(Self.read(["secret": "shop/ca", "verify-client": "on"]).policy?.mode == nil)
        let off = Self.read(["secret": "shop/ca", "verify-client": "off"])
        #expect(off.policy == nil && off.refusal == nil)
        #expect(Self.read(["verify-client": "off"]).refusal == nil)
        #expect(Self.read(["verify-depth": "2", "error-page": "https://a.example/"]).refusal == nil)
    }

    @Test(arguments: [
        (["secret": "other/ca"], "secret: \"other/ca\" is in another namespace than the Ingress"),
        (["verify-client": "on"], "verify-client: there is no auth-tls-secret with the authorities of clients"),
        (["verify-client": "optional"], "verify-client: there is no auth-tls-secret with the authorities of clients"),
        (["match-cn": "CN=a"], "match-cn: there is no auth-tls-secret with the authorities of clients"),
        (["secret": "shop/ca", "match-cn": "a"], "match-cn: \"a\" has no \"CN=\""),
        (
            ["secret": "shop/ca", "match-cn": "CN=("],
            "match-cn: \"CN=(\" is no regular expression: missing closing ): `CN=(`"
        ),
        (
            ["secret": "shop/ca", "match-cn": "CN=a", "verify-client": "off"],
            "match-cn: \"CN=a\" matches nobody where no certificate is asked for"
        ),
    ])
    func `what cannot be honoured closes the routes`(annotations: [String: String], refusal: String) {
        let read = Self.read(annotations)
        #expect(read.policy == nil && read.refusal?.hasPrefix(Self.nginx + refusal) == true, "\(read.refusal ?? "")")
    }

    @Test(arguments: [
        (["verify-client": "maybe"], "verify-client"), (["verify-depth": "x"], "verify-depth"),
        (["error-page": "/cert"], "error-page"), (["error-page": "https://a.example/$host"], "error-page"),
        (["error-page": "https://a.example/\r\nx: y"], "error-page"),
        (["pass-certificate-to-upstream": "yes"], "pass-certificate-to-upstream"),
    ])
    func `what has no effect is told of, and lets nobody in`(annotations: [String: String], name: String) {
        let read = Self.read(annotations.merging(["secret": "shop/ca"]) { $1 })
        #expect(read.policy == RouteTableClientCertificates(secretName: "ca"))
        #expect(read.problems.count == 1 && read.problems[0].hasPrefix("\(Self.nginx)\(name): "))
    }

    @Test func `the table has it, and says what is wrong with its Secret`() {
        func compile(_ annotations: [String: String], _ secret: String?) -> CompiledIngress {
            IngressCompiler(
                controllerName: "martlet.dev/ingress",
                service: { _ in
                    Service(metadata: ObjectMeta(name: "web"), spec: ServiceSpec(ports: [ServicePort(port: 80)]))
                },
                secretProblem: { _ in nil }, namedSecretProblem: { _, _ in secret }, winner: { _ in nil }
            ).compile(Sample.ingress { $0.metadata.annotations = annotations }, className: "martlet")
        }
        let good = compile([Self.nginx + "secret": "ca"], nil)
        #expect(good.problems == [])
        #expect(good.table.spec?.clientCertificates == RouteTableClientCertificates(secretName: "ca"))
        let bad = compile([Self.nginx + "secret": "ca"], "it has no ca.crt")
        #expect(
            bad.problems.map(\.message) == [
                Self.nginx + "secret: Secret ca: it has no ca.crt, so that every route answers 503"
            ])
        let closed = compile([Self.nginx + "verify-client": "on"], nil)
        #expect(closed.problems.map(\.reason) == ["UnsupportedGuard"])
        #expect(closed.table.spec?.rules?.first?.paths?.first?.backend == nil)
    }
}
