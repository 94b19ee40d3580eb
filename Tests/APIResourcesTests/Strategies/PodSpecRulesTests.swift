import KubeModel
import Testing

@testable import APIResources

/// What templates and Pods get wrong most.
@Suite("The rules of a Pod's spec") struct PodSpecRulesTests {
    private static func container(_ fields: [String: JSONValue]) -> JSONValue {
        var object: JSONObject = ["name": "a", "image": "a"]
        for (key, value) in fields { object[key] = value }
        return PodStrategyTests.pod(.object(object))
    }

    private static let path = "spec.containers[0]"

    static let containers: [RefusalCase] = [
        RefusalCase(
            "environment",
            container([
                "env": [
                    ["name": ""], ["name": "a=b"], ["name": "A", "valueFrom": [:]],
                    [
                        "name": "B", "value": "x",
                        "valueFrom": ["fieldRef": ["apiVersion": "v1", "fieldPath": "metadata.name"]],
                    ],
                    [
                        "name": "C",
                        "valueFrom": [
                            "fieldRef": ["apiVersion": "v1", "fieldPath": "metadata.labels['x']"],
                            "secretKeyRef": ["name": "s", "key": ""],
                        ],
                    ], ["name": "D", "valueFrom": ["resourceFieldRef": ["resource": "limits.disk"]]],
                ], "envFrom": [[:], ["configMapRef": ["name": ""]]],
            ]), "\(path).env[0].name: Required value",
            "\(path).env[1].name: Invalid value: \"a=b\": a valid environment variable name must consist only of printable "
                + "ASCII characters other than '='",
            "\(path).env[2].valueFrom: Invalid value: \"\": must specify one of: `fieldRef`, `resourceFieldRef`, "
                + "`configMapKeyRef`, `secretKeyRef` or `fileKeyRef`",
            "\(path).env[3].valueFrom: Invalid value: \"\": may not be specified when `value` is not empty",
            "\(path).env[4].valueFrom.secretKeyRef.key: Required value",
            "\(path).env[4].valueFrom: Invalid value: \"\": may not have more than one field specified at a time",
            "\(path).env[5].valueFrom.resourceFieldRef.resource: Unsupported value: \"limits.disk\": supported values: "
                + "\"limits.cpu\", \"limits.ephemeral-storage\", \"limits.memory\", \"requests.cpu\", "
                + "\"requests.ephemeral-storage\", \"requests.memory\"",
            "\(path).envFrom[0]: Invalid value: \"\": must specify one of: `configMapRef` or `secretRef`",
            "\(path).envFrom[1].configMapRef.name: Required value"),
        RefusalCase(
            "resources",
            container([
                "resources": [
                    "limits": ["cpu": "1", "memory": "lots"], "requests": ["cpu": "1500m", "disk": "1"],
                ]
            ]),
            "\(path).resources.limits[memory]: Invalid value: \"lots\": \(Quantity.syntaxMessage)",
            "\(path).resources.requests: Invalid value: \"1500m\": must be less than or equal to cpu limit of 1",
            "\(path).resources.requests[disk]: Invalid value: \"disk\": must be a standard resource type or fully "
                + "qualified",
            "\(path).resources.requests[disk]: Invalid value: \"disk\": must be a standard resource for containers",
            "\(path).resources.requests[memory]: Invalid value: \"lots\": \(Quantity.syntaxMessage)"),
        RefusalCase(
            "mounts",
            container([
                "volumeMounts": [
                    ["name": "none", "mountPath": "/a"], ["name": "", "mountPath": "/a"],
                    ["name": "none", "mountPath": "", "subPath": "../x"],
                ]
            ]), "\(path).volumeMounts[0].name: Not found: \"none\"", "\(path).volumeMounts[1].name: Required value",
            "\(path).volumeMounts[1].mountPath: Invalid value: \"/a\": must be unique",
            "\(path).volumeMounts[2].name: Not found: \"none\"", "\(path).volumeMounts[2].mountPath: Required value",
            "\(path).volumeMounts[2].subPath: Invalid value: \"../x\": must not contain '..'"),
        RefusalCase(
            "ports of the host",
            container([
                "ports": [["containerPort": 80, "hostPort": 80], ["containerPort": 81, "hostPort": 80]]
            ]), "\(path).ports[1].hostPort: Duplicate value: \"TCP//80\""),
        RefusalCase(
            "policies",
            container([
                "imagePullPolicy": "Sometimes", "securityContext": ["runAsUser": -1],
                "lifecycle": ["preStop": ["exec": ["command": ["a"]], "sleep": ["seconds": 1]]],
            ]),
            "\(path).imagePullPolicy: Unsupported value: \"Sometimes\": supported values: \"Always\", \"IfNotPresent\", "
                + "\"Never\"",
            "\(path).securityContext.runAsUser: Invalid value: -1: must be between 0 and 2147483647, inclusive",
            "\(path).lifecycle.preStop.sleep: Forbidden: may not specify more than 1 handler type"),
    ]

    static let pods: [RefusalCase] = [
        RefusalCase(
            "volumes",
            PodStrategyTests.pod(
                nil,
                [
                    "volumes": [
                        ["name": "a", "configMap": [:]], ["name": "a", "secret": ["secretName": "s"], "emptyDir": [:]],
                        ["name": "", "hostPath": ["path": "", "type": "Odd"]], ["name": "d"],
                        ["name": "e", "projected": ["defaultMode": 4096, "sources": [[:]]]],
                    ]
                ]), "spec.volumes[0].configMap.name: Required value", "spec.volumes[1].name: Duplicate value: \"a\"",
            "spec.volumes[1].emptyDir: Forbidden: may not specify more than 1 volume type",
            "spec.volumes[2].name: Required value", "spec.volumes[2].hostPath.path: Required value",
            "spec.volumes[2].hostPath.type: Unsupported value: \"Odd\": supported values: \"\", \"BlockDevice\", "
                + "\"CharDevice\", \"Directory\", \"DirectoryOrCreate\", \"File\", \"FileOrCreate\", \"Socket\"",
            "spec.volumes[4].projected.defaultMode: Invalid value: 4096: must be a number between 0 and 0777 (octal), both "
                + "inclusive",
            "spec.volumes[4].projected.sources[0]: Required value: must specify one of the projections"),
        RefusalCase(
            "init containers",
            PodStrategyTests.pod(
                nil,
                [
                    "initContainers": [
                        ["name": "web", "image": "a"],
                        ["name": "b", "image": "b", "readinessProbe": ["tcpSocket": ["port": 1]]],
                        [
                            "name": "c", "image": "c", "restartPolicy": "Always",
                            "readinessProbe": ["tcpSocket": ["port": 1]],
                        ],
                    ]
                ]), "spec.initContainers[0].name: Duplicate value: \"web\"",
            "spec.initContainers[1].readinessProbe: Forbidden: may not be set for init containers without "
                + "restartPolicy=Always"),
        RefusalCase(
            "scheduling",
            PodStrategyTests.pod(
                nil,
                [
                    "tolerations": [
                        ["key": "a", "operator": "Exists", "value": "b"], ["effect": "NoSchedule"],
                        ["key": "a", "tolerationSeconds": 5],
                    ],
                    "topologySpreadConstraints": [
                        ["maxSkew": 0, "topologyKey": "", "whenUnsatisfiable": "Odd"]
                    ],
                    "affinity": [
                        "nodeAffinity": [
                            "requiredDuringSchedulingIgnoredDuringExecution": ["nodeSelectorTerms": []]
                        ],
                        "podAffinity": [
                            "preferredDuringSchedulingIgnoredDuringExecution": [
                                ["weight": 0, "podAffinityTerm": ["topologyKey": ""]]
                            ]
                        ],
                    ],
                ]),
            "spec.tolerations[0].operator: Invalid value: \"b\": value must be empty when `operator` is 'Exists'",
            "spec.tolerations[1].operator: Invalid value: \"\": operator must be Exists when `key` is empty, which means "
                + "\"match all values and all keys\"",
            "spec.tolerations[2].effect: Invalid value: \"\": effect must be 'NoExecute' when `tolerationSeconds` is set",
            "spec.topologySpreadConstraints[0].maxSkew: Invalid value: 0: must be greater than zero",
            "spec.topologySpreadConstraints[0].topologyKey: Required value: can not be empty",
            "spec.topologySpreadConstraints[0].whenUnsatisfiable: Unsupported value: \"Odd\": supported values: "
                + "\"DoNotSchedule\", \"ScheduleAnyway\"",
            "spec.affinity.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms: Required value: "
                + "must have at least one node selector term",
            "spec.affinity.podAffinity.preferredDuringSchedulingIgnoredDuringExecution[0].weight: Invalid value: 0: must be "
                + "in the range 1-100",
            "spec.affinity.podAffinity.preferredDuringSchedulingIgnoredDuringExecution[0].podAffinityTerm.topologyKey: "
                + "Required value: can not be empty"),
        RefusalCase(
            "the host's network",
            PodStrategyTests.pod(
                ["name": "a", "image": "a", "ports": [["containerPort": 80, "hostPort": 81]]],
                ["hostNetwork": true]),
            "spec.containers[0].ports[0].containerPort: Invalid value: 80: must match `hostPort` when `hostNetwork` is true"
        ),
    ]

    @Test(arguments: containers + pods)
    func `a Pod is refused with every reason`(_ example: RefusalCase) {
        example.expect(PodStrategy())
    }

    @Test func `amounts and volumes are brought into form`() throws {
        let pod = PodStrategyTests.pod(
            [
                "name": "a", "image": "a", "volumeMounts": [["name": "v", "mountPath": "/v"]],
                "resources": ["limits": ["cpu": "0.5", "memory": "1024Mi"]],
            ], ["volumes": [["name": "v"]]])
        let stored = try #require(StrategyFixture(strategy: PodStrategy()).create(pod).document)
        #expect(
            stored["spec"]["containers"][0]["resources"] == [
                "limits": ["cpu": "500m", "memory": "1Gi"], "requests": ["cpu": "500m", "memory": "1Gi"],
            ])
        #expect(stored["spec"]["volumes"] == [["name": "v", "emptyDir": [:]]])
    }
}
