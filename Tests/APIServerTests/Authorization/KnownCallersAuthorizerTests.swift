import APIResources
import KubeModel
import Testing

@testable import APIServer

@Suite("Whoever is known may do everything") struct KnownCallersAuthorizerTests {
    private let authorizer = KnownCallersAuthorizer { $0 == "ann" }

    private func decide(_ user: UserInfo, _ verb: String = "get", path: String? = nil) -> AccessDecision {
        let resource = AccessAttributes.Resource(plural: "pods", namespace: "default")
        return authorizer.decide(
            AccessAttributes(user: user, verb: verb, target: path.map { .path($0) } ?? .resource(resource)))
    }

    @Test func `a caller who was authenticated, and a name with credentials, may do everything`() {
        #expect(decide(UserInfo(name: "by-certificate", groups: ["system:authenticated"])) == .allowed)
        #expect(decide(UserInfo(name: "ann"), "delete") == .allowed)
        #expect(decide(UserInfo(name: "", groups: ["system:masters"]), path: "/metrics") == .allowed)
        #expect(authorizer.rules(of: UserInfo(name: "ann"), namespace: "x").resources.first?.verbs == ["*"])
    }

    @Test func `nobody may act as somebody else`() {
        let decision = decide(UserInfo(name: "ann"), "impersonate")
        #expect(decision.outcome == .denied && !decision.reason.isEmpty)
    }

    @Test(arguments: [
        UserInfo(name: "bob"), UserInfo(name: "system:serviceaccount:a:b", groups: ["system:serviceaccounts"]),
        UserInfo.anonymous, UserInfo(name: "ann", groups: ["system:unauthenticated"]),
        UserInfo(name: "system:anonymous", groups: ["system:authenticated"]), UserInfo(name: "", groups: ["a"]),
    ])
    func `others may read what probes read, and nothing else`(_ user: UserInfo) {
        #expect(decide(user).outcome == .noOpinion)
        #expect(!decide(user).reason.isEmpty)
        for path in ["/metrics", "/api", "/healthy", "/version/x", "/"] {
            #expect(!decide(user, path: path).isAllowed, "\(path)")
        }
        for path in ["/healthz", "/livez/ping", "/readyz", "/version", "/version/"] {
            #expect(decide(user, path: path).isAllowed && decide(user, "head", path: path).isAllowed, "\(path)")
            #expect(!decide(user, "post", path: path).isAllowed)
        }
        #expect(authorizer.rules(of: user, namespace: "x").resources.isEmpty)
    }
}
