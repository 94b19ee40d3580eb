import KubeModel
import Testing
import TrafficModel

@testable import Controllers

@Suite("Ingress annotations") struct IngressAnnotationsTests {
    private static let nginx = "nginx.ingress.kubernetes.io/"

    @Test(arguments: [
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
        "higress.io/whitelist-source-range": "10.0.0.0/8",
        "higress.io/domain-whitelist-source-range": "10.0.0.0/8",
        "higress.io/auth-type": "basic",
        "ingress.pomerium.io/policy": "[]",
        "ingress.pomerium.io/allow_any_authenticated_user": "true",
        "ingress.pomerium.io/pass_identity_headers": "true",
        "appprotectdos.f5.com/app-protect-dos-resource": "shop/dos",
        "appprotect.f5.com/app_protect_enable": "True",
        "cloud.google.com/armor-config": "{}",
        "cloud.google.com/backend-config": #"{"default": "iap"}"#,
        "kubernetes.io/ingress.qcloud-acl": "acl-1",
        "kubernetes.io/ingress.allow-http": "false",
        "oci-native-ingress.oraclecloud.com/waf-policy-ocid": "ocid1",
        "traffic.martlet.dev/allow-list": "10.0.0.0/8",
        "traffic.martlet.dev/something-new": "false",
        "traefik.ingress.kubernetes.io/router.tls.options": "shop-mtls@kubernetescrd",
        "traefik.ingress.kubernetes.io/router.entrypoints": "internal",
        "zalando.org/skipper-filter": "oauthTokeninfoAnyScope(\"uid\")",
        "zalando.org/skipper-predicate": "Source(\"10.0.0.0/8\")",
        "alb.ingress.kubernetes.io/security-groups": "sg-1",
        "alb.ingress.kubernetes.io/waf-acl-id": "1",
        "alb.ingress.kubernetes.io/acl-id": "1",
        "alb.ingress.kubernetes.io/conditions.web": "[]",
        "k8s.apisix.apache.org/plugin-config-name": "guarded",
        "k8s.apisix.apache.org/http-allow-methods": "GET",
        "k8s.apisix.apache.org/enable-csrf": "true",
        "haproxy-ingress.github.io/config-backend": "http-request deny",
        "konghq.com/override": "guarded",
        "konghq.com/methods": "GET",
        "konghq.com/headers.x-token": "secret",
        "haproxy.router.openshift.io/ip_whitelist": "10.0.0.0/8",
        "ncp/whitelist-source-range": "10.0.0.0/8",
        // Of nobody we know.
        "proxy.example.com/basic-auth": "shop/users",
        "proxy.example.com/rate_limit": "5",
        "proxy.example.com/ip.deny": "192.0.2.1",
    ])
    func `an annotation that guards access is known as one`(key: String, value: String) {
        let annotations = IngressAnnotations([key: value, "example.com/author": "no guard"])
        #expect(annotations.guards == [key])
        #expect(annotations.ignored == [])
    }

    @Test(arguments: [
        "nginx.ingress.kubernetes.io/proxy-buffering": "on",
        "nginx.ingress.kubernetes.io/enable-modsecurity": "false",
        "nginx.ingress.kubernetes.io/limit-rate": "100",
        "traefik.ingress.kubernetes.io/router.entrypoints": "web, websecure",
        "higress.io/rewrite-target": "/",
        "konghq.com/strip-path": "true",
        "ingress.pomerium.io/allow_public_unauthenticated_access": "true",
    ])
    func `one that guards nothing is told about and passed over`(key: String, value: String) {
        let annotations = IngressAnnotations([key: value])
        #expect(annotations.guards == [])
        #expect(annotations.ignored == [key])
    }

    @Test func `annotations of others are nobody's business`() {
        let annotations = IngressAnnotations([
            "kubernetes.io/ingress.class": "martlet", "cert-manager.io/cluster-issuer": "x", "plain": "y",
            "kubectl.kubernetes.io/last-applied-configuration": "{}", "example.com/authority": "z",
            "cert-manager.io/allow-direct-injection": "true",
            "reflector.v1.k8s.emberstack.com/reflection-allowed": "true",
            "external-dns.alpha.kubernetes.io/access": "public", "kubernetes.io/tls-acme": "true",
            "kubernetes.io/ingress.allow-http": "true", "example.com/cors-allow-origin": "*", "meta.helm.sh/auth": "x",
        ])
        #expect(annotations.guards == [] && annotations.ignored == [])
    }

    @Test func `what pomerium is to let everybody in to is open, unless something else guards it`() {
        let open = ["ingress.pomerium.io/allow_public_unauthenticated_access": "true"]
        #expect(IngressAnnotations(open.merging(["ingress.pomerium.io/name": "x"]) { $1 }).guards == [])
        let guarded = IngressAnnotations(open.merging(["ingress.pomerium.io/policy": "[]"]) { $1 })
        #expect(guarded.guards == ["ingress.pomerium.io/policy"])
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
        let ingress = Sample.ingress { $0.metadata.annotations = [Self.nginx + "proxy-ssl-verify": "maybe"] }
        #expect(
            Self.compile(ingress).problems.map(\.message) == [
                Self.nginx + "proxy-ssl-verify: \"maybe\" is neither on nor off, so that every route answers 503"
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
                Self.nginx + "auth-snippet": "deny all;", Self.nginx + "proxy-buffering": "on",
            ]
            $0.spec?.defaultBackend = Sample.backend("web")
        }
        let compiled = Self.compile(ingress)
        let paths = (compiled.table.spec?.rules ?? []).flatMap { $0.paths ?? [] }
        #expect(!paths.isEmpty)
        #expect(paths.allSatisfy { $0.backend == nil })
        #expect(compiled.table.spec?.defaultBackend == nil)
        #expect(compiled.problems.map(\.reason) == ["UnsupportedGuard", "UnsupportedAnnotation"])
        #expect(compiled.problems[0].message.contains(Self.nginx + "auth-snippet"))
        // The host keeps its routes: no less specific one takes its requests.
        let routes = CompiledRoutes(compiling: [compiled.table])
        #expect(routes.backend(host: "shop.example.com", path: "/") == .some(nil))
    }

    @Test func `without a guard the routes stay open`() {
        let ingress = Sample.ingress { $0.metadata.annotations = [Self.nginx + "proxy-buffering": "on"] }
        let compiled = Self.compile(ingress)
        #expect(compiled.table.spec?.rules?.first?.paths?.first?.backend != nil)
        #expect(compiled.problems.map(\.reason) == ["UnsupportedAnnotation"])
    }
}
