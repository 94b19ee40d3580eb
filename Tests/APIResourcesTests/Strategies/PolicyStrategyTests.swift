import KubeModel
import Testing

@testable import APIResources

/// NetworkPolicy, PodDisruptionBudget, roles and claims: kept and checked, not enforced.
@Suite("The rules of disruption budgets") struct PolicyStrategyTests {
    private static func policy(_ spec: JSONValue) -> JSONValue { ["metadata": ["name": "web"], "spec": spec] }

    static let networkPolicies: [RefusalCase] = [
        RefusalCase("good", policy(["podSelector": [:]])),
        RefusalCase(
            "ports",
            policy([
                "podSelector": [:],
                "ingress": [
                    [
                        "ports": [
                            ["port": 80, "endPort": 70, "protocol": "TCP"], ["port": "http", "endPort": 90],
                            ["endPort": 90], ["port": 0], ["protocol": "ICMP"],
                        ]
                    ]
                ],
            ]), "spec.ingress[0].ports[0].endPort: Invalid value: 80: must be greater than or equal to `port`",
            "spec.ingress[0].ports[1].endPort: Invalid value: 90: may not be specified when `port` is non-numeric",
            "spec.ingress[0].ports[2].endPort: Invalid value: 90: may not be specified when `port` is not specified",
            "spec.ingress[0].ports[3].port: Invalid value: 0: \(Wording.port)",
            "spec.ingress[0].ports[4].protocol: Unsupported value: \"ICMP\": supported values: \"SCTP\", \"TCP\", \"UDP\""
        ),
        RefusalCase(
            "peers",
            policy([
                "podSelector": [:],
                "egress": [
                    [
                        "to": [
                            [:], ["ipBlock": ["cidr": ""]], ["podSelector": [:], "ipBlock": ["cidr": "10.0.0.0/8"]],
                            [
                                "ipBlock": [
                                    "cidr": "10.0.0.0/8", "except": ["10.1.0.0/16", "11.0.0.0/16", "10.0.0.0/8", "x"],
                                ]
                            ],
                        ]
                    ]
                ],
            ]), "spec.egress[0].to[0]: Required value: must specify a peer",
            "spec.egress[0].to[1].ipBlock.cidr: Required value",
            "spec.egress[0].to[2]: Forbidden: may not specify both ipBlock and another peer",
            "spec.egress[0].to[3].ipBlock.except[1]: Invalid value: \"11.0.0.0/16\": must be a strict subset of `cidr`",
            "spec.egress[0].to[3].ipBlock.except[2]: Invalid value: \"10.0.0.0/8\": must be a strict subset of `cidr`",
            "spec.egress[0].to[3].ipBlock.except[3]: Invalid value: \"x\": must be a valid CIDR value, (e.g. 10.9.8.0/24 "
                + "or 2001:db8::/64)"),
        RefusalCase(
            "types", policy(["podSelector": [:], "policyTypes": ["Ingress", "Both"]]),
            "spec.policyTypes[1]: Unsupported value: \"Both\": supported values: \"Egress\", \"Ingress\""),
    ]

    @Test(arguments: networkPolicies)
    func `a NetworkPolicy is refused with every reason, or taken`(_ example: RefusalCase) {
        example.expect(NetworkPolicyStrategy())
    }

    @Test func `a policy restricts what it has rules for`() {
        let fixture = StrategyFixture(strategy: NetworkPolicyStrategy())
        let ingress = fixture.create(Self.policy(["podSelector": [:]])).document
        #expect(ingress?["spec"]["policyTypes"] == ["Ingress"])
        let both = fixture.create(Self.policy(["podSelector": [:], "egress": [[:]]])).document
        #expect(both?["spec"]["policyTypes"] == ["Ingress", "Egress"])
        let egress = fixture.create(Self.policy(["podSelector": [:], "policyTypes": ["Egress"]])).document
        #expect(egress?["spec"]["policyTypes"] == ["Egress"])
    }

    static let budgets: [RefusalCase] = [
        RefusalCase("good", policy(["minAvailable": "50%", "selector": ["matchLabels": ["app": "web"]]])),
        RefusalCase(
            "both limits", policy(["minAvailable": 1, "maxUnavailable": 1]),
            "spec: Invalid value: {\"minAvailable\":1,\"maxUnavailable\":1}: minAvailable and maxUnavailable cannot be both "
                + "set"),
        RefusalCase(
            "values", policy(["maxUnavailable": "101%", "unhealthyPodEvictionPolicy": "Odd"]),
            "spec.maxUnavailable: Invalid value: \"101%\": must not be greater than 100%",
            "spec.unhealthyPodEvictionPolicy: Unsupported value: \"Odd\": supported values: \"AlwaysAllow\", "
                + "\"IfHealthyBudget\""),
        RefusalCase(
            "a negative number", policy(["minAvailable": -1]),
            "spec.minAvailable: Invalid value: -1: must be greater than or equal to 0"),
    ]

    @Test(arguments: budgets)
    func `a PodDisruptionBudget is refused with every reason, or taken`(_ example: RefusalCase) {
        example.expect(PodDisruptionBudgetStrategy())
    }

    static let bindings: [RefusalCase] = [
        RefusalCase(
            "good",
            [
                "metadata": ["name": "a"], "roleRef": ["kind": "Role", "name": "reader"],
                "subjects": [
                    ["kind": "ServiceAccount", "name": "a", "namespace": "b"], ["kind": "User", "name": "c"],
                ],
            ]),
        RefusalCase(
            "everything wrong",
            [
                "metadata": ["name": "a"], "roleRef": ["kind": "Rule", "name": "", "apiGroup": "x"],
                "subjects": [["kind": "ServiceAccount", "name": "a"], ["kind": "Robot", "name": ""]],
            ], "roleRef.apiGroup: Unsupported value: \"x\": supported values: \"rbac.authorization.k8s.io\"",
            "roleRef.kind: Unsupported value: \"Rule\": supported values: \"ClusterRole\", \"Role\"",
            "roleRef.name: Required value", "subjects[1].name: Required value",
            "subjects[1].kind: Unsupported value: \"Robot\": supported values: \"ServiceAccount\", \"User\", \"Group\""),
    ]

    @Test(arguments: bindings)
    func `a RoleBinding is refused with every reason, or taken`(_ example: RefusalCase) {
        example.expect(RoleBindingStrategy(isClusterWide: false))
    }

    @Test func `the role of a binding can't change`() throws {
        let fixture = StrategyFixture(strategy: RoleBindingStrategy(isClusterWide: true))
        let object: JSONValue = ["metadata": ["name": "a"], "roleRef": ["kind": "ClusterRole", "name": "b"]]
        let old = try #require(fixture.create(object).document)
        #expect(old["roleRef"]["apiGroup"] == "rbac.authorization.k8s.io")
        var changed = old
        changed["roleRef"]["name"] = "c"
        #expect(fixture.update(changed, from: old).refusals.first?.hasSuffix("cannot change roleRef") == true)
    }

    @Test func `rules need verbs, groups and resources`() {
        let rules: JSONValue = [["verbs": []], ["verbs": ["get"], "nonResourceURLs": ["/healthz"]]]
        let object: JSONValue = ["metadata": ["name": "a", "namespace": "default"], "rules": rules]
        #expect(
            StrategyFixture(strategy: RoleStrategy(isClusterWide: false)).create(object).refusals == [
                "rules[0].verbs: Required value: verbs must contain at least one value",
                "rules[0].apiGroups: Required value: resource rules must supply at least one api group",
                "rules[0].resources: Required value: resource rules must supply at least one resource",
                "rules[1].nonResourceURLs: Invalid value: [\"/healthz\"]: namespaced rules cannot apply to non-resource "
                    + "URLs",
            ])
    }

    @Test func `a claim says how much and how, and may grow`() throws {
        let fixture = StrategyFixture(strategy: PersistentVolumeClaimStrategy())
        #expect(
            fixture.create(Self.policy([:])).refusals == [
                "spec.accessModes: Required value: at least 1 access mode is required",
                "spec.resources[storage]: Required value",
            ])
        let object = Self.policy([
            "accessModes": ["ReadWriteOnce"], "resources": ["requests": ["storage": "1024Mi"]],
        ])
        let old = try #require(fixture.create(object).document)
        #expect(old["spec"]["resources"]["requests"]["storage"] == "1Gi")
        #expect(old["status"] == ["phase": "Pending"])
        var changed = old
        changed["spec"]["resources"]["requests"]["storage"] = "2Gi"
        let grown = try #require(fixture.update(changed, from: old).document)
        #expect(
            fixture.update(old, from: grown).refusals == [
                "spec.resources.requests.storage: Forbidden: field can not be less than previous value"
            ])
    }
}
