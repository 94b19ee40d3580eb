import KubeModel
import Testing

@testable import APIResources

/// Deployment, ReplicaSet, DaemonSet and StatefulSet: defaults that depend on others, and every rule of theirs.
@Suite("The rules of workloads") struct WorkloadStrategyTests {
    static func workload(_ fields: [String: JSONValue?] = [:], labels: JSONValue = ["app": "web"]) -> JSONValue {
        var spec: JSONObject = [
            "replicas": 1, "selector": ["matchLabels": ["app": "web"]],
            "template": [
                "metadata": ["labels": labels], "spec": ["containers": [["name": "web", "image": "web:1"]]],
            ],
        ]
        for (key, value) in fields { spec[key] = value }
        return ["metadata": ["name": "web"], "spec": .object(spec)]
    }

    private static let mismatch =
        "spec.template.metadata.labels: Invalid value: {\"app\":\"web\"}: `selector` does not match template `labels`"
    private static let percent =
        "a valid percent string must be a numeric string followed by an ending '%' (e.g. '1%',  or '93%', regex used "
        + "for validation is '[0-9]+%')"

    static let deployments: [RefusalCase] = [
        RefusalCase("good", workload()),
        RefusalCase(
            "no selector", workload(["selector": nil]), "spec.selector: Required value", mismatch),
        RefusalCase(
            "an empty selector", workload(["selector": [:]]),
            "spec.selector: Invalid value: {}: empty selector is invalid for deployment"),
        RefusalCase("another selector", workload(["selector": ["matchLabels": ["app": "db"]]]), mismatch),
        RefusalCase(
            "a selector that can't be read",
            workload(["selector": ["matchExpressions": [["key": "app", "operator": "Is"]]]]),
            "spec.selector.matchExpressions[0].operator: Invalid value: \"Is\": not a valid selector operator",
            "spec.selector: Invalid value: {\"matchExpressions\":[{\"key\":\"app\",\"operator\":\"Is\"}]}: invalid label "
                + "selector"),
        RefusalCase(
            "numbers", workload(["replicas": -1, "minReadySeconds": 10, "progressDeadlineSeconds": 5]),
            "spec.replicas: Invalid value: -1: must be greater than or equal to 0",
            "spec.progressDeadlineSeconds: Invalid value: 5: must be greater than minReadySeconds"),
        RefusalCase(
            "a template that ends",
            workload([
                "template": [
                    "metadata": ["labels": ["app": "web"]],
                    "spec": [
                        "containers": [["name": "web", "image": "web"]], "restartPolicy": "Never",
                        "activeDeadlineSeconds": 5,
                    ],
                ]
            ]),
            "spec.template.spec.restartPolicy: Unsupported value: \"Never\": supported values: \"Always\"",
            "spec.template.spec.activeDeadlineSeconds: Forbidden: activeDeadlineSeconds in ReplicaSet is not Supported"),
        RefusalCase(
            "a template with a bad Pod",
            workload([
                "template": [
                    "metadata": ["labels": ["app": "web"]],
                    "spec": ["containers": [["name": "Web", "image": "", "ports": [["containerPort": 99999]]]]],
                ]
            ]), "spec.template.spec.containers[0].name: Invalid value: \"Web\": \(Wording.label)",
            "spec.template.spec.containers[0].image: Required value",
            "spec.template.spec.containers[0].ports[0].containerPort: Invalid value: 99999: \(Wording.port)"),
        RefusalCase(
            "no steps",
            workload(["strategy": ["rollingUpdate": ["maxSurge": 0, "maxUnavailable": "0%"]]]),
            "spec.strategy.rollingUpdate.maxUnavailable: Invalid value: \"0%\": may not be 0 when `maxSurge` is 0"),
        RefusalCase(
            "bad steps",
            workload(["strategy": ["rollingUpdate": ["maxSurge": "many", "maxUnavailable": "101%"]]]),
            "spec.strategy.rollingUpdate.maxSurge: Invalid value: \"many\": \(percent)",
            "spec.strategy.rollingUpdate.maxUnavailable: Invalid value: \"101%\": must not be greater than 100%"),
        RefusalCase(
            "steps of another strategy", workload(["strategy": ["type": "Recreate", "rollingUpdate": [:]]]),
            "spec.strategy.rollingUpdate: Forbidden: may not be specified when strategy `type` is 'Recreate'"),
    ]

    @Test(arguments: deployments)
    func `a Deployment is refused with every reason, or taken`(_ example: RefusalCase) {
        example.expect(DeploymentStrategy())
    }

    @Test func `a Deployment gets the defaults that depend on others`() throws {
        let fixture = StrategyFixture(strategy: DeploymentStrategy())
        let stored = try #require(fixture.create(Self.workload()).document)
        #expect(
            stored["spec"]["strategy"] == [
                "type": "RollingUpdate", "rollingUpdate": ["maxUnavailable": "25%", "maxSurge": "25%"],
            ])
        let pod = stored["spec"]["template"]["spec"]
        #expect(pod["restartPolicy"] == "Always" && pod["dnsPolicy"] == "ClusterFirst")
        #expect(pod["containers"][0]["imagePullPolicy"] == "IfNotPresent")
        // Left to the Pods themselves.
        #expect(pod["enableServiceLinks"] == nil)
        #expect(stored["status"] == [:])
        let recreate = Self.workload(["strategy": ["type": "Recreate"]])
        #expect(fixture.create(recreate).document?["spec"]["strategy"] == ["type": "Recreate"])
    }

    @Test func `the selector of a Deployment can't change, its status is a controller's`() throws {
        let fixture = StrategyFixture(strategy: DeploymentStrategy())
        let old = try #require(fixture.create(Self.workload()).document)
        var object = old
        object["spec"]["selector"] = ["matchExpressions": [["key": "app", "operator": "Exists"]]]
        #expect(
            fixture.update(object, from: old).refusals == [
                "spec.selector: Invalid value: {\"matchExpressions\":[{\"key\":\"app\",\"operator\":\"Exists\"}]}: field is "
                    + "immutable"
            ])
        object = old
        object["spec"]["replicas"] = 3
        object["status"] = ["replicas": 9]
        let updated = try #require(fixture.update(object, from: old).document)
        #expect(updated["spec"]["replicas"] == 3 && updated["status"] == [:])
        object["status"] = ["replicas": 2, "readyReplicas": 3, "availableReplicas": 4]
        #expect(
            fixture.updateStatus(object, from: old).refusals == [
                "status.readyReplicas: Invalid value: 3: cannot be greater than status.replicas",
                "status.availableReplicas: Invalid value: 4: cannot be greater than status.replicas",
                "status.availableReplicas: Invalid value: 4: cannot be greater than readyReplicas",
            ])
        object["status"] = ["replicas": 2, "readyReplicas": 2]
        let reported = try #require(fixture.updateStatus(object, from: old).document)
        #expect(reported["spec"] == old["spec"] && reported["status"]["readyReplicas"] == 2)
    }

    static let daemonSets: [RefusalCase] = [
        RefusalCase("good", workload(["replicas": nil])),
        RefusalCase(
            "an empty selector", workload(["selector": [:]]),
            "spec.selector: Invalid value: {}: empty selector is invalid for daemonset"),
        RefusalCase(
            "both steps", workload(["updateStrategy": ["rollingUpdate": ["maxSurge": 1]]]),
            "spec.updateStrategy.rollingUpdate.maxSurge: Invalid value: 1: may not be set when maxUnavailable is non-zero"
        ),
        RefusalCase(
            "neither step", workload(["updateStrategy": ["rollingUpdate": ["maxUnavailable": 0]]]),
            "spec.updateStrategy.rollingUpdate.maxUnavailable: Required value: cannot be 0 when maxSurge is 0"),
        RefusalCase(
            "another strategy", workload(["updateStrategy": ["type": "Odd"]]),
            "spec.updateStrategy.type: Unsupported value: \"Odd\": supported values: \"OnDelete\", \"RollingUpdate\""),
    ]

    @Test(arguments: daemonSets)
    func `a DaemonSet is refused with every reason, or taken`(_ example: RefusalCase) {
        example.expect(DaemonSetStrategy())
    }

    @Test func `a DaemonSet counts its templates`() throws {
        let fixture = StrategyFixture(strategy: DaemonSetStrategy())
        let old = try #require(fixture.create(Self.workload(["replicas": nil])).document)
        #expect(old.text("metadata", "annotations", DaemonSetStrategy.templateGeneration) == "1")
        #expect(
            old["spec"]["updateStrategy"] == [
                "type": "RollingUpdate", "rollingUpdate": ["maxUnavailable": 1, "maxSurge": 0],
            ])
        var object = old
        object["spec"]["template"]["spec"]["containers"][0]["image"] = "web:2"
        let updated = try #require(fixture.update(object, from: old).document)
        #expect(updated.text("metadata", "annotations", DaemonSetStrategy.templateGeneration) == "2")
    }

    static let statefulSets: [RefusalCase] = [
        RefusalCase(
            "good",
            workload([
                "podManagementPolicy": "OrderedReady",
                "volumeClaimTemplates": [["metadata": ["name": "data"], "spec": ["accessModes": ["ReadWriteOnce"]]]],
            ])),
        RefusalCase(
            "policies",
            workload([
                "podManagementPolicy": "Odd", "persistentVolumeClaimRetentionPolicy": ["whenDeleted": "Odd"],
                "updateStrategy": ["type": "OnDelete", "rollingUpdate": [:]],
            ]), "spec.podManagementPolicy: Invalid value: \"Odd\": must be 'OrderedReady' or 'Parallel'",
            "spec.updateStrategy.rollingUpdate: Invalid value: {}: only allowed for updateStrategy 'RollingUpdate'",
            "spec.persistentVolumeClaimRetentionPolicy.whenDeleted: Unsupported value: \"Odd\": supported values: "
                + "\"Delete\", \"Retain\""),
        RefusalCase(
            "an empty selector", workload(["podManagementPolicy": "Parallel", "selector": [:]]),
            "spec.selector: Invalid value: {}: empty selector is invalid for statefulset"),
    ]

    @Test(arguments: statefulSets)
    func `a StatefulSet is refused with every reason, or taken`(_ example: RefusalCase) {
        example.expect(StatefulSetStrategy())
    }

    @Test func `little of a StatefulSet may change`() throws {
        let fixture = StrategyFixture(strategy: StatefulSetStrategy())
        let old = try #require(fixture.create(Self.workload(["podManagementPolicy": "Parallel"])).document)
        #expect(old["spec"]["updateStrategy"] == ["type": "RollingUpdate", "rollingUpdate": ["partition": 0]])
        #expect(
            old["spec"]["persistentVolumeClaimRetentionPolicy"] == ["whenDeleted": "Retain", "whenScaled": "Retain"])
        #expect(old["status"] == ["replicas": 0, "availableReplicas": 0])
        var object = old
        object["spec"]["replicas"] = 5
        object["spec"]["minReadySeconds"] = 5
        #expect(fixture.update(object, from: old).document != nil)
        object["spec"]["serviceName"] = "other"
        #expect(
            fixture.update(object, from: old).refusals.first?.hasPrefix("spec: Forbidden: updates to stateful") == true)
    }

    @Test func `a ReplicationController takes selector and labels from its template`() throws {
        let fixture = StrategyFixture(strategy: ReplicationControllerStrategy())
        let stored = try #require(fixture.create(Self.workload(["selector": nil])).document)
        #expect(stored["spec"]["selector"] == ["app": "web"] && stored["metadata"]["labels"] == ["app": "web"])
        let refused = fixture.create(Self.workload(["selector": ["app": "db"]]))
        #expect(refused.refusals == [Self.mismatch])
    }

    @Test func `the data of a revision can't change`() throws {
        let fixture = StrategyFixture(strategy: ControllerRevisionStrategy())
        let object: JSONValue = ["metadata": ["name": "a"], "data": ["spec": [:]], "revision": 1]
        let old = try #require(fixture.create(object).document)
        var changed = old
        changed["data"] = ["spec": ["a": 1]]
        #expect(
            fixture.update(changed, from: old).refusals == [
                "data: Invalid value: {\"spec\":{\"a\":1}}: field is immutable"
            ])
        changed["data"] = nil
        changed["revision"] = -1
        #expect(
            fixture.create(changed).refusals == [
                "data: Required value: data is mandatory",
                "revision: Invalid value: -1: must be greater than or equal to 0",
            ])
    }
}
