import KubeModel
import Testing
import TrafficModel

@testable import Controllers

@Suite("Ingresses compile to RouteTables") struct IngressPlanningTests {
    private let ours = "martlet.dev/ingress"

    private func claim(className: String? = nil, byName: Bool = false, withoutClass: Bool = false) -> IngressClaim {
        IngressClaim(
            configuration: IngressControllerConfiguration(
                className: className, claimsClassByName: byName, claimsIngressesWithoutClass: withoutClass))
    }

    private var classes: [IngressClass] {
        [
            Sample.ingressClass("martlet", controller: ours),
            Sample.ingressClass("nginx", controller: "k8s.io/ingress-nginx"),
        ]
    }

    private func annotated(_ name: String, field: String? = nil) -> Ingress {
        Sample.ingress(className: field) { $0.metadata.annotations = [IngressClaim.legacyAnnotation: name] }
    }

    @Test func `the class decides whose an Ingress is`() {
        let claim = claim()
        #expect(claim.isOurs(Sample.ingress(className: "martlet"), classes: classes))
        #expect(!claim.isOurs(Sample.ingress(className: "nginx"), classes: classes))
        #expect(!claim.isOurs(Sample.ingress(className: "unknown"), classes: classes))
        #expect(!claim.isOurs(Sample.ingress(className: nil), classes: classes))
    }

    @Test func `the legacy annotation counts before the field`() {
        #expect(claim().isOurs(annotated("martlet", field: "nginx"), classes: classes))
        #expect(!claim().isOurs(annotated("nginx", field: "martlet"), classes: classes))
    }

    @Test func `a class name of our own needs no IngressClass for the annotation`() {
        #expect(claim(className: "shop").isOurs(annotated("shop"), classes: []))
        #expect(!claim(className: "shop").isOurs(annotated("other"), classes: []))
        #expect(!claim().isOurs(annotated("shop"), classes: []))
        // An IngressClass of somebody else's takes the name.
        #expect(!claim(className: "nginx").isOurs(annotated("nginx"), classes: classes))
    }

    @Test func `the field is claimed by name only if configured`() {
        let ingress = Sample.ingress(className: "shop")
        #expect(!claim(className: "shop").isOurs(ingress, classes: []))
        #expect(claim(className: "shop", byName: true).isOurs(ingress, classes: []))
    }

    @Test func `Ingresses without class follow the default class`() {
        let ingress = Sample.ingress(className: nil)
        let mine = Sample.ingressClass("mine", controller: ours, isDefault: true, created: 1)
        let theirs = Sample.ingressClass("theirs", controller: "x", isDefault: true, created: 2)
        #expect(claim().isOurs(ingress, classes: [mine]))
        #expect(!claim().isOurs(ingress, classes: [mine, theirs]))
        #expect(!claim(withoutClass: true).isOurs(ingress, classes: [theirs]))
        #expect(claim(withoutClass: true).isOurs(ingress, classes: classes))
        #expect(IngressClaim.className(of: ingress, classes: [mine, theirs]) == "theirs")
    }

    private func compile(
        _ ingress: Ingress, services: [Service] = [Sample.service()], secrets: [String: String?] = [:],
        winner: NamespacedName? = nil
    ) -> CompiledIngress {
        IngressCompiler(
            controllerName: ours, service: { name in services.first { $0.metadata.name == name } },
            secretProblem: { name in secrets.keys.contains(name) ? secrets[name] ?? nil : "it does not exist" },
            winner: { _ in winner }
        ).compile(ingress, className: "martlet")
    }

    @Test func `an Ingress becomes a table of the same name`() {
        let ingress = Sample.ingress(
            "shop", created: 77,
            [
                ("Shop.Example.com", "/cart", "Exact", "web"), ("*.example.com", "/", "ImplementationSpecific", "web"),
                (nil, "", "ImplementationSpecific", "web"),
            ]
        ) { ingress in
            ingress.spec?.defaultBackend = Sample.backend("web")
            ingress.spec?.tls = [IngressTLS(hosts: ["Shop.Example.com"], secretName: "cert")]
        }
        let compiled = compile(ingress, secrets: ["cert": String?.none])
        #expect(compiled.problems.isEmpty)
        let backend = RouteBackend(serviceName: "web", port: ServiceBackendPort(number: 80))
        #expect(
            compiled.table.spec
                == RouteTableSpec(
                    controllerName: ours, ingressClassName: "martlet",
                    rules: [
                        RouteTableRule(
                            host: "shop.example.com",
                            paths: [RoutePath(path: "/cart", pathType: "Exact", backend: backend)]),
                        RouteTableRule(
                            host: "*.example.com", paths: [RoutePath(path: "/", pathType: "Prefix", backend: backend)]),
                        RouteTableRule(paths: [RoutePath(path: "/", pathType: "Prefix", backend: backend)]),
                    ], defaultBackend: backend, tls: [RouteTableTLS(hosts: ["shop.example.com"], secretName: "cert")],
                    sourceCreationTimestamp: Timestamp(secondsSinceEpoch: 77)))
        #expect(compiled.table.metadata.name == "shop")
        #expect(compiled.table.metadata.ownerReferences?.first?.uid == "uid-shop")
        #expect(compiled.table.metadata.ownerReferences?.first?.apiVersion == "networking.k8s.io/v1")
    }

    @Test(
        arguments: [
            (Sample.backend("none"), "ServiceNotFound"), (Sample.backend("web", port: 81), "ServicePortNotFound"),
            (
                IngressBackend(service: IngressServiceBackend(name: "web", port: ServiceBackendPort(name: "x"))),
                "ServicePortNotFound"
            ),
            (
                IngressBackend(resource: TypedLocalObjectReference(kind: "Bucket", name: "b")), "UnsupportedBackend"
            ),
        ])
    func whatIsWrongWithABackendIsReported(backend: IngressBackend, reason: String) {
        let ingress = Sample.ingress { $0.spec?.rules?[0].http?.paths?[0].backend = backend }
        let compiled = compile(ingress)
        #expect(compiled.problems.map(\.reason) == [reason])
        // The route stays, so that it works as soon as the Service does.
        #expect(compiled.table.spec?.rules?.first?.paths?.count == 1)
        #expect((compiled.table.spec?.rules?.first?.paths?.first?.backend == nil) == (reason == "UnsupportedBackend"))
    }

    @Test func `ports are found by name`() {
        let ingress = Sample.ingress {
            $0.spec?.rules?[0].http?.paths?[0].backend.service?.port = ServiceBackendPort(name: "http")
        }
        #expect(compile(ingress).problems.isEmpty)
    }

    @Test func `bad Secrets and conflicts are reported`() {
        let ingress = Sample.ingress {
            $0.spec?.tls = [IngressTLS(secretName: "gone"), IngressTLS(secretName: "gone")]
        }
        #expect(
            compile(ingress).problems == [
                IngressProblem(reason: "InvalidSecret", message: "Secret gone: it does not exist")
            ])
        let conflict = compile(Sample.ingress(), winner: Sample.key("older")).problems
        #expect(
            conflict == [
                IngressProblem(
                    reason: "Conflict",
                    message:
                        "host \"shop.example.com\" path \"/\" (Prefix) is already served by the older Ingress shop/older",
                    concern: .acceptance)
            ])
    }

    @Test func `the path is canonical in a claim`() {
        let one = RouteClaim(host: "A.com", path: RoutePath(path: "/x/", pathType: "Prefix"))
        let two = RouteClaim(host: "a.com", path: RoutePath(path: "/x", pathType: "Prefix"))
        let exact = RouteClaim(host: "a.com", path: RoutePath(path: "/x", pathType: "Exact"))
        #expect(one == two)
        #expect(two.indexValue != exact.indexValue)
    }

    @Test func `paths are told apart by their bytes`() {
        let composed = RoutePath(path: "/caf\u{e9}")
        let decomposed = RoutePath(path: "/cafe\u{301}")
        #expect(composed != decomposed)
        #expect(Set([composed, decomposed]).count == 2)
        let claims = [composed, decomposed].map { RouteClaim(host: "a.com", path: $0) }
        #expect(Set(claims).count == 2)
        #expect(claims[0].indexValue != claims[1].indexValue)
        // Nothing else looks like the escape of a byte.
        #expect(RouteClaim(host: "a.com", path: RoutePath(path: "/caf%c3%a9")).indexValue != claims[0].indexValue)
    }

    @Test func `status addresses come from flags or a Service`() {
        #expect(
            PublishedAddresses.entries(["192.0.2.1", "lb.example.com"]) == [
                LoadBalancerIngress(ip: "192.0.2.1"), LoadBalancerIngress(hostname: "lb.example.com"),
            ])
        let balanced = Sample.service { service in
            service.spec?.type = "LoadBalancer"
            service.status = ServiceStatus(
                loadBalancer: LoadBalancerStatus(ingress: [LoadBalancerIngress(ip: "192.0.2.7", ipMode: "VIP")]))
        }
        #expect(PublishedAddresses.entries(of: balanced) == [LoadBalancerIngress(ip: "192.0.2.7")])
        #expect(PublishedAddresses.entries(of: Sample.service()) == [LoadBalancerIngress(ip: "10.0.0.1")])
        #expect(PublishedAddresses.entries(of: nil).isEmpty)
    }

    @Test(
        arguments: [
            (["tls.key": "eA=="], "it has no tls.crt"), (["tls.crt": "eA=="], "it has no tls.key"),
            (["tls.crt": "!", "tls.key": "eA=="], "tls.crt is not base64"),
        ])
    func secretsAreJudgedAndTheirKeysForgotten(data: [String: String], problem: String) {
        var secret = Secret(metadata: ObjectMeta(name: "cert", namespace: "shop"), data: data)
        SecretVerdict.reduce(&secret)
        #expect(SecretVerdict.read(secret) == problem)
        #expect(secret.data?["tls.key"] == nil)
    }
}
