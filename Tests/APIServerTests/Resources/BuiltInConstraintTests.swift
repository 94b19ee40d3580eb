import KubeModel
import Testing

@testable import APIResources
@testable import APIServer

/// What the published schemas say of built-in kinds is not what kube-apiserver asks for.
@Suite("What of a schema built-in kinds enforce") struct BuiltInConstraintTests {
    private static let deployments = "/apis/apps/v1/namespaces/default/deployments"
    private static let pods = "/api/v1/namespaces/default/pods"

    private static let twice: JSONValue = [
        "apiVersion": "apps/v1", "kind": "Deployment", "metadata": ["name": "twice"],
        "spec": [
            "selector": ["matchLabels": ["a": "b"]],
            "template": [
                "metadata": ["labels": ["a": "b"]],
                "spec": [
                    "imagePullSecrets": [["name": "x"], ["name": "x"]],
                    "hostAliases": [["ip": "10.0.0.1"], ["ip": "10.0.0.1"]],
                    "containers": [
                        [
                            "name": "c", "image": "i",
                            "env": [
                                ["name": "A", "value": "1"], ["name": "A", "value": "2"], ["name": "B", "value": "1"],
                                ["name": "B", "value": "$(B)2"],
                            ],
                            "ports": [["containerPort": 80], ["containerPort": 80], ["containerPort": 81]],
                        ]
                    ],
                ],
            ],
        ],
    ]

    @Test func `repeated keys of lists are taken, with a warning where they do harm`() async throws {
        let server = try await TestServer()
        let response = await server.send("POST", Self.deployments, Self.twice)
        #expect(response.status == 201, "\(response.text)")
        // That nothing runs the Deployment is told too.
        let warnings = response.headers.filter { $0.name == "Warning" }.map(\.value)
            .filter { !$0.contains("starts no Pods for it") }
        #expect(
            warnings == [
                #"299 - "spec.template.spec.containers[0].env[1]: hides previous definition of \"A\", which may be dropped when using apply""#,
                #"299 - "spec.template.spec.containers[0].ports[1]: duplicate port definition with spec.template.spec.containers[0].ports[0]""#,
            ])
        let container = response.json["spec"]["template"]["spec"]["containers"][0]
        #expect(container["env"].array?.count == 4)
        let label: JSONValue = [
            "apiVersion": "apps/v1", "kind": "Deployment", "metadata": ["name": "twice", "labels": ["team": "x"]],
        ]
        let applied = await server.send(
            "PATCH", "\(Self.deployments)/twice?fieldManager=other", label, contentType: "application/apply-patch+yaml")
        #expect(applied.status == 200, "\(applied.text)")
        let repeated = await server.send(
            "PATCH", "\(Self.deployments)/twice?fieldManager=other&force=true", Self.twice,
            contentType: "application/apply-patch+yaml")
        #expect(repeated.status == 400)
    }

    @Test func `Events and budgets have any name that a path can hold, and claims are protected from the start`()
        async throws
    {
        let server = try await TestServer()
        for name in ["Web:Started.17", "a b"] {
            let event: JSONValue = [
                "apiVersion": "v1", "kind": "Event", "metadata": ["name": .string(name)],
                "involvedObject": ["kind": "Pod", "namespace": "default", "name": "web"],
            ]
            let budget: JSONValue = [
                "apiVersion": "policy/v1", "kind": "PodDisruptionBudget", "metadata": ["name": .string(name)],
                "spec": ["minAvailable": 1, "selector": ["matchLabels": ["a": "b"]]],
            ]
            let path = "/api/v1/namespaces/default/events"
            #expect(await server.send("POST", path, event).status == 201)
            #expect(
                await server.send("POST", "/apis/policy/v1/namespaces/default/poddisruptionbudgets", budget).status
                    == 201)
            let escaped = name.replacing(" ", with: "%20")
            #expect(await server.send("GET", "\(path)/\(escaped)").json["metadata"]["name"].string == name)
        }
        let claim: JSONValue = [
            "apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": ["name": "data"],
            "spec": ["accessModes": ["ReadWriteOnce"], "resources": ["requests": ["storage": "1Gi"]]],
        ]
        let made = await server.send("POST", "/api/v1/namespaces/default/persistentvolumeclaims", claim)
        #expect(made.status == 201, "\(made.text)")
        #expect(made.json["metadata"]["finalizers"] == ["kubernetes.io/pvc-protection"])
    }

    @Test func `members of sets may stand twice`() async throws {
        let server = try await TestServer()
        var map = Samples.configMap("f")
        map["metadata"]["finalizers"] = ["x.example.com/a", "x.example.com/a"]
        #expect(await server.send("POST", Samples.configMaps, map).status == 201)
        let account: JSONValue = [
            "apiVersion": "v1", "kind": "ServiceAccount", "metadata": ["name": "s"],
            "secrets": [["name": "a"], ["name": "a"]],
        ]
        #expect(await server.send("POST", "/api/v1/namespaces/default/serviceaccounts", account).status == 201)
        let node: JSONValue = [
            "apiVersion": "v1", "kind": "Node", "metadata": ["name": "n"],
            "status": [
                "addresses": [
                    ["type": "InternalIP", "address": "10.0.0.1"], ["type": "InternalIP", "address": "fd00::1"],
                ]
            ],
        ]
        #expect(await server.send("POST", "/api/v1/nodes", node).status == 201)
    }

    @Test func `Events and budgets may have names that are no domain names`() async throws {
        let server = try await TestServer()
        let event: JSONValue = [
            "apiVersion": "v1", "kind": "Event", "metadata": ["name": "Pod:A.1"],
            "involvedObject": ["kind": "Pod", "namespace": "default"],
        ]
        #expect(await server.send("POST", "/api/v1/namespaces/default/events", event).status == 201)
        let budget: JSONValue = [
            "apiVersion": "policy/v1", "kind": "PodDisruptionBudget", "metadata": ["name": "Web:Budget"],
            "spec": ["minAvailable": 1],
        ]
        let path = "/apis/policy/v1/namespaces/default/poddisruptionbudgets"
        #expect(await server.send("POST", path, budget).status == 201)
        #expect(await server.send("GET", "\(path)/Web:Budget").status == 200)
    }

    @Test func `Pods get priority and tolerations, which nobody owns`() async throws {
        let server = try await TestServer()
        func pod(_ name: String, _ spec: JSONValue) -> JSONValue {
            var spec = spec
            spec["containers"] = [["name": "a", "image": "i"]]
            return ["apiVersion": "v1", "kind": "Pod", "metadata": ["name": .string(name)], "spec": spec]
        }
        let plain = await server.send("POST", Self.pods, pod("plain", [:]))
        #expect(plain.status == 201, "\(plain.text)")
        #expect(plain.json["spec"]["priority"] == 0)
        #expect(plain.json["spec"]["preemptionPolicy"] == "PreemptLowerPriority")
        #expect(
            plain.json["spec"]["tolerations"] == [
                [
                    "key": "node.kubernetes.io/not-ready", "operator": "Exists", "effect": "NoExecute",
                    "tolerationSeconds": 300,
                ],
                [
                    "key": "node.kubernetes.io/unreachable", "operator": "Exists", "effect": "NoExecute",
                    "tolerationSeconds": 300,
                ],
            ])
        let fields = plain.json["metadata"]["managedFields"][0]["fieldsV1"]["f:spec"]
        #expect(fields["f:tolerations"] == nil && fields["f:priority"] == nil && fields["f:containers"] != nil)
        let critical = await server.send(
            "POST", Self.pods,
            pod("critical", ["priorityClassName": "system-node-critical", "tolerations": [["operator": "Exists"]]]))
        #expect(critical.json["spec"]["priority"] == 2_000_001_000)
        #expect(critical.json["spec"]["tolerations"] == [["operator": "Exists"]])
    }

    @Test func `profiles, sysctls and gates have their own rules`() {
        var errors: [FieldError] = []
        PodSpecRules(path: FieldPath("spec")).check(
            [
                "restartPolicy": "Always", "dnsPolicy": "Default", "terminationGracePeriodSeconds": 1,
                "os": ["name": "plan9"], "schedulingGates": [["name": "a"], ["name": "a"]],
                "securityContext": [
                    "seccompProfile": ["type": "Localhost"], "appArmorProfile": [:],
                    "sysctls": [["name": "a.b", "value": "1"], ["name": "a.b", "value": "1"], ["name": "A"]],
                ],
                "containers": [["name": "a", "image": "i", "imagePullPolicy": "Always"]],
            ], &errors)
        #expect(
            errors.map(\.field).sorted() == [
                "spec.os", "spec.schedulingGates[1]", "spec.securityContext.appArmorProfile.type",
                "spec.securityContext.seccompProfile.localhostProfile", "spec.securityContext.sysctls[1].name",
                "spec.securityContext.sysctls[2].name",
            ])
    }

    @Test func `the conditions of a budget are checked`() {
        var errors: [FieldError] = []
        ConditionRules.check(
            [
                ["type": "A", "status": "True", "lastTransitionTime": "2024-01-02T03:04:05Z", "reason": "Fine"],
                ["type": "A", "status": "yes", "reason": "not fine"],
            ], FieldPath("conditions"), &errors)
        #expect(
            errors.map(\.field) == [
                "conditions[1].type", "conditions[1].status", "conditions[1].lastTransitionTime",
                "conditions[1].reason",
            ])
    }
}
