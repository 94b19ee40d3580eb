import KubeModel
import Testing
import TrafficModel

@testable import Controllers

@Suite("Ingress annotations") struct IngressAnnotationsTests {
    private static let nginx = "nginx.ingress.kubernetes.io/"

    @Test(arguments: [
        "nginx.ingress.kubernetes.io/whitelist-source-range": "10.0.0.0/8",
        "nginx.ingress.kubernetes.io/allowlist-source-range": "0.0.0.0/0",
        "nginx.ingress.kubernetes.io/denylist-source-range": "0.0.0.0/0,::/0",
        "nginx.ingress.kubernetes.io/auth-type": "basic",
        "nginx.ingress.kubernetes.io/auth-url": "https://auth.example.com",
        "nginx.ingress.kubernetes.io/auth-tls-secret": "shop/ca",
        "nginx.ingress.kubernetes.io/configuration-snippet": "deny all;",
        "nginx.ingress.kubernetes.io/enable-modsecurity": "true",
        "haproxy.org/allow-list": "10.0.0.0/8",
        "haproxy.org/auth-type": "basic-auth",
        "haproxy-ingress.github.io/allowlist-source-range": "10.0.0.0/8",
        "traefik.ingress.kubernetes.io/router.middlewares": "shop-auth@kubernetescrd",
        "alb.ingress.kubernetes.io/inbound-cidrs": "10.0.0.0/8",
        "konghq.com/plugins": "key-auth",
        "nginx.org/policies": "deny",
        "ingress.kubernetes.io/whitelist-source-range": "10.0.0.0/8",
    ])
    func `an annotation that guards access is known as one`(key: String, value: String) {
        let annotations = IngressAnnotations([key: value, "example.com/auth": "no controller's"])
        #expect(annotations.guards == [key])
        #expect(annotations.ignored == [])
    }

    @Test(arguments: [
        "nginx.ingress.kubernetes.io/rewrite-target": "/$2",
        "nginx.ingress.kubernetes.io/use-regex": "true",
        "nginx.ingress.kubernetes.io/auth-realm": "people",
        // What cert-manager writes at its challenges.
        "nginx.ingress.kubernetes.io/whitelist-source-range": "0.0.0.0/0,::/0",
        "nginx.ingress.kubernetes.io/enable-modsecurity": "false",
        "nginx.ingress.kubernetes.io/auth-tls-verify-client": "off",
        "nginx.ingress.kubernetes.io/auth-type": "",
    ])
    func `one that guards nothing is told about and passed over`(key: String, value: String) {
        let annotations = IngressAnnotations([key: value])
        #expect(annotations.guards == [])
        #expect(annotations.ignored == [key])
    }

    @Test func `annotations of others are nobody's business`() {
        let annotations = IngressAnnotations([
            "kubernetes.io/ingress.class": "martlet", "cert-manager.io/cluster-issuer": "x", "plain": "y",
            "kubectl.kubernetes.io/last-applied-configuration": "{}", "example.com/whitelist": "z",
        ])
        #expect(annotations.guards == [] && annotations.ignored == [])
    }

    private static func compile(_ ingress: Ingress) -> CompiledIngress {
        IngressCompiler(
            controllerName: "martlet.dev/ingress",
            service: { _ in
                Service(metadata: ObjectMeta(name: "web"), spec: ServiceSpec(ports: [ServicePort(port: 80)]))
            },
            secretProblem: { _ in nil }, winner: { _ in nil }
        ).compile(ingress, className: "martlet")
    }

    @Test(arguments: [("GRPC", "grpc"), ("grpc", "grpc"), ("HTTP", "http"), ("HTTPS", "https"), ("GRPCS", "grpcs")])
    func `what the backends speak goes to every backend`(value: String, appProtocol: String) {
        let ingress = Sample.ingress { $0.metadata.annotations = [Self.nginx + "backend-protocol": value] }
        let compiled = Self.compile(ingress)
        let backends = compiled.table.spec?.rules?.flatMap { ($0.paths ?? []).map(\.backend) } ?? []
        #expect(!backends.isEmpty)
        #expect(backends.allSatisfy { $0?.appProtocol == appProtocol })
        #expect(compiled.problems.isEmpty)
    }

    @Test func `a protocol that is taken for another is told of`() {
        let ingress = Sample.ingress { $0.metadata.annotations = [Self.nginx + "backend-protocol": "AUTO_HTTP"] }
        let compiled = Self.compile(ingress)
        let backends = compiled.table.spec?.rules?.flatMap { ($0.paths ?? []).map(\.backend) } ?? []
        #expect(backends.allSatisfy { $0?.appProtocol == "http" })
        #expect(
            compiled.problems == [
                IngressProblem(
                    reason: "UnsupportedAnnotation",
                    message: "backend-protocol AUTO_HTTP is taken as HTTP: TLS is not tried out", concern: .none)
            ])
    }

    @Test func `what is wanted of a backend's certificate and cannot be had is named`() {
        let ingress = Sample.ingress { $0.metadata.annotations = [Self.nginx + "proxy-ssl-verify": "on"] }
        #expect(
            Self.compile(ingress).problems.map(\.message) == [
                "proxy-ssl-verify on is not supported, so that every route answers 503"
            ])
    }

    @Test(arguments: ["FCGI", "AJP", "", "htp"])
    func `a protocol that is not spoken to backends closes every route, and says so`(value: String) {
        let ingress = Sample.ingress { $0.metadata.annotations = [Self.nginx + "backend-protocol": value] }
        let compiled = Self.compile(ingress)
        let backends = compiled.table.spec?.rules?.flatMap { ($0.paths ?? []).map(\.backend) } ?? []
        #expect(!backends.isEmpty && backends.allSatisfy { $0 == nil })
        #expect(compiled.problems.contains { $0.reason == "UnsupportedBackend" })
    }

    @Test func `a guard that is not understood closes every route, and says so`() {
        let ingress = Sample.ingress {
            $0.metadata.annotations = [
                Self.nginx + "whitelist-source-range": "10.0.0.0/8", Self.nginx + "rewrite-target": "/",
            ]
            $0.spec?.defaultBackend = Sample.backend("web")
        }
        let compiled = Self.compile(ingress)
        let paths = (compiled.table.spec?.rules ?? []).flatMap { $0.paths ?? [] }
        #expect(!paths.isEmpty)
        #expect(paths.allSatisfy { $0.backend == nil })
        #expect(compiled.table.spec?.defaultBackend == nil)
        #expect(compiled.problems.map(\.reason) == ["UnsupportedGuard", "UnsupportedAnnotation"])
        #expect(compiled.problems[0].message.contains(Self.nginx + "whitelist-source-range"))
        // The host keeps its routes: no less specific one takes its requests.
        let routes = CompiledRoutes(compiling: [compiled.table])
        #expect(routes.backend(host: "shop.example.com", path: "/") == .some(nil))
    }

    @Test func `without a guard the routes stay open`() {
        let ingress = Sample.ingress { $0.metadata.annotations = [Self.nginx + "rewrite-target": "/"] }
        let compiled = Self.compile(ingress)
        #expect(compiled.table.spec?.rules?.first?.paths?.first?.backend != nil)
        #expect(compiled.problems.map(\.reason) == ["UnsupportedAnnotation"])
    }
}
