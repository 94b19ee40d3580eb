import KubeModel
import Testing

@testable import Controllers

@Suite("Annotations about names and passwords") struct BasicAuthenticationAnnotationsTests {
    private static let nginx = "nginx.ingress.kubernetes.io/"
    private static let martlet = "traffic.martlet.dev/"

    private static func read(_ annotations: [String: String], prefix: String = nginx) -> FilterAnnotations {
        FilterAnnotations(
            Dictionary(uniqueKeysWithValues: annotations.map { (prefix + $0.key, $0.value) }), namespace: "shop")
    }

    private static func compile(
        _ annotations: [String: String], problem: String? = nil, remark: String? = nil
    ) -> CompiledIngress {
        let ingress = Sample.ingress {
            $0.metadata.annotations = Dictionary(
                uniqueKeysWithValues: annotations.map { (nginx + $0.key, $0.value) })
        }
        return IngressCompiler(
            controllerName: "martlet.dev/ingress", service: { Sample.service($0) }, secretProblem: { _ in nil },
            namedSecretProblem: { $0 == "users" && $1 == .passwordFile ? problem : nil },
            namedSecretRemark: { $0 == "users" && $1 == .passwordFile ? remark : nil }, winner: { _ in nil }
        ).compile(ingress, className: "martlet")
    }

    @Test(arguments: [nginx, martlet])
    func `they are read as ingress-nginx does`(prefix: String) {
        let read = Self.read(
            ["auth-type": "basic", "auth-secret": "shop/users", "auth-realm": "Who's \"there\"?", "satisfy": "any"],
            prefix: prefix)
        #expect(read.problems == [] && read.closing == [])
        #expect(
            read.filters
                == RouteFilters(
                    basicAuthentication: RouteBasicAuthentication(secretName: "users", realm: "Who's \"there\"?"),
                    satisfy: "any"))
        let map = Self.read(["auth-type": "basic", "auth-secret": "users", "auth-secret-type": "auth-map"])
        #expect(
            map.filters?.basicAuthentication == RouteBasicAuthentication(secretName: "users", secretType: "auth-map"))
        #expect(Self.read(["auth-realm": "x", "auth-type": "", "satisfy": "all"]).filters == nil)
    }

    @Test(arguments: [
        (["auth-type": "digest", "auth-secret": "users"], "auth-type: digest is not there"),
        (["auth-type": "Basic", "auth-secret": "users"], "auth-type: \"Basic\" is not known (basic is)"),
        (["auth-type": "basic"], "auth-type: there is no auth-secret"),
        (["auth-secret": "users"], "auth-secret: there is no auth-type"),
        (["auth-type": "basic", "auth-secret": "other/users"], "auth-secret: \"other/users\" is in another namespace"),
        (["auth-type": "basic", "auth-secret": "a/b/c"], "auth-secret: \"a/b/c\" is not NAMESPACE/NAME of a Secret"),
        (
            ["auth-type": "basic", "auth-secret": "users", "auth-secret-type": "file"],
            "auth-secret-type: \"file\" is not known"
        ), (["satisfy": "some"], "satisfy: \"some\" is neither any nor all"),
    ])
    func `what cannot be had as it is written lets nobody in`(annotations: [String: String], problem: String) {
        let read = Self.read(annotations)
        #expect(read.closing.count == 1)
        #expect(read.closing.first?.hasPrefix(Self.nginx + problem) == true, "\(read.closing)")
        let compiled = Self.compile(annotations)
        #expect(compiled.table.spec?.rules?[0].paths?[0].backend == nil)
        #expect(compiled.problems.map(\.reason) == ["InvalidGuard"])
        #expect(compiled.problems.first?.concern == .acceptance)
    }

    @Test func `a type of the other prefix must be readable too, and either is no more than either is`() {
        let both = FilterAnnotations([
            Self.martlet + "auth-type": "basic", Self.nginx + "auth-type": "digest",
            Self.nginx + "auth-secret": "users",
        ])
        #expect(both.closing.count == 1)
        // Where somebody must not come, a password is not enough.
        let closed = Self.read([
            "satisfy": "any", "whitelist-source-range": "the office", "auth-type": "basic", "auth-secret": "u",
        ])
        #expect(closed.filters?.satisfy == nil && closed.filters?.sources == RouteSources(allow: []))
    }

    @Test func `a realm that cannot be told is left out`() {
        for realm in ["a\nb", "é", String(repeating: "x", count: 257)] {
            let read = Self.read(["auth-type": "basic", "auth-secret": "users", "auth-realm": realm])
            #expect(read.closing == [] && read.problems.count == 1)
            #expect(read.filters?.basicAuthentication == RouteBasicAuthentication(secretName: "users"))
        }
    }

    @Test func `a Secret that lets nobody in is told of, and one that passes over some`() {
        let annotations = ["auth-type": "basic", "auth-secret": "users"]
        let closed = Self.compile(annotations, problem: "it does not exist")
        #expect(
            closed.problems == [
                IngressProblem(
                    reason: "InvalidSecret",
                    message:
                        "\(Self.nginx)auth-secret: Secret users: it does not exist, so that every route answers 503")
            ])
        // The data plane closes it: the Secret may come before the controller knows.
        #expect(closed.table.spec?.rules?[0].paths?[0].backend != nil)
        let some = Self.compile(annotations, remark: "the password of line 2 is DES")
        #expect(some.problems.map(\.concern) == [.none])
        #expect(some.problems.first?.message.contains("line 2") == true)
        #expect(Self.compile(annotations).problems == [])
    }
}
