import KubeModel
import Testing

@testable import APIServer

/// Kinds that charts bring and on which nothing acts here: they go through schema, strategy and store, and come back.
@Suite("Kinds that charts bring") struct ChartKindsTests {
    private static let admission = "admissionregistration.k8s.io/v1"
    private static let storage = "storage.k8s.io/v1"

    /// A collection, an object, and the refusals of it; none: it is taken.
    struct Example: Sendable, CustomTestStringConvertible {
        let collection: String
        let object: JSONValue
        let refusals: [String]
        var testDescription: String { "\(object["kind"].string ?? "") \(object["metadata"]["name"].string ?? "")" }

        init(
            _ apiVersion: String, _ kind: String, _ resource: String, _ name: String, _ fields: JSONObject,
            _ refusals: String...
        ) {
            let root = apiVersion == "v1" ? "/api/v1" : "/apis/\(apiVersion)"
            collection = "\(root)/\(resource)"
            var document = fields
            document["apiVersion"] = .string(apiVersion)
            document["kind"] = .string(kind)
            document["metadata"] = ["name": .string(name)]
            object = .object(document)
            self.refusals = refusals
        }
    }

    private static let rule: JSONValue = [
        "operations": ["CREATE"], "apiGroups": [""], "apiVersions": ["v1"], "resources": ["pods"],
    ]

    private static func webhook(_ fields: JSONObject = [:]) -> JSONValue {
        var webhook: JSONObject = [
            "name": "check.example.com", "sideEffects": "None", "admissionReviewVersions": ["v1"],
            "clientConfig": ["service": ["name": "check", "namespace": "default"]], "rules": [rule],
        ]
        for (key, value) in fields { webhook[key] = value }
        return .object(webhook)
    }

    static let taken: [Example] = [
        Example(
            "v1", "LimitRange", "namespaces/default/limitranges", "limits",
            ["spec": ["limits": [["type": "Container", "max": ["cpu": "2"], "min": ["cpu": "100m"]]]]]),
        Example(
            "v1", "ResourceQuota", "namespaces/default/resourcequotas", "quota",
            ["spec": ["hard": ["pods": "10", "requests.cpu": "4"]]]),
        Example(
            "v1", "PersistentVolume", "persistentvolumes", "disk",
            ["spec": ["capacity": ["storage": "1Gi"], "accessModes": ["ReadWriteOnce"], "hostPath": ["path": "/a"]]]),
        Example(
            admission, "ValidatingWebhookConfiguration", "validatingwebhookconfigurations", "hooks",
            ["webhooks": [webhook()]]),
        Example(
            admission, "MutatingWebhookConfiguration", "mutatingwebhookconfigurations", "hooks",
            ["webhooks": [webhook()]]),
        Example(
            admission, "ValidatingAdmissionPolicy", "validatingadmissionpolicies", "policy",
            [
                "spec": [
                    "matchConstraints": ["resourceRules": [rule]],
                    "validations": [["expression": "object.spec.replicas <= 5"]],
                ]
            ]),
        Example(
            admission, "ValidatingAdmissionPolicyBinding", "validatingadmissionpolicybindings", "binding",
            ["spec": ["policyName": "policy", "validationActions": ["Deny"]]]),
        Example(
            admission, "MutatingAdmissionPolicy", "mutatingadmissionpolicies", "policy",
            [
                "spec": [
                    "matchConstraints": ["resourceRules": [rule]], "reinvocationPolicy": "Never",
                    "mutations": [["patchType": "JSONPatch", "jsonPatch": ["expression": "[]"]]],
                ]
            ]),
        Example(
            admission, "MutatingAdmissionPolicyBinding", "mutatingadmissionpolicybindings", "binding",
            ["spec": ["policyName": "policy"]]),
        Example(
            "apiregistration.k8s.io/v1", "APIService", "apiservices", "v1.example.com",
            [
                "spec": [
                    "group": "example.com", "version": "v1", "groupPriorityMinimum": 1000, "versionPriority": 15,
                    "service": ["name": "a", "namespace": "default"],
                ]
            ]),
        Example(
            "certificates.k8s.io/v1", "CertificateSigningRequest", "certificatesigningrequests", "request",
            [
                "spec": [
                    "request": .string(Base64.encode(Array("-----BEGIN CERTIFICATE REQUEST-----\n".utf8))),
                    "signerName": "example.com/signer", "usages": ["client auth"],
                ]
            ]),
        Example(
            "flowcontrol.apiserver.k8s.io/v1", "FlowSchema", "flowschemas", "flow",
            [
                "spec": [
                    "priorityLevelConfiguration": ["name": "level"],
                    "rules": [
                        [
                            "subjects": [["kind": "Group", "group": ["name": "all"]]],
                            "nonResourceRules": [["verbs": ["*"], "nonResourceURLs": ["*"]]],
                        ]
                    ],
                ]
            ]),
        Example(
            "flowcontrol.apiserver.k8s.io/v1", "PriorityLevelConfiguration", "prioritylevelconfigurations", "level",
            ["spec": ["type": "Limited", "limited": ["limitResponse": ["type": "Reject"]]]]),
        Example("node.k8s.io/v1", "RuntimeClass", "runtimeclasses", "runtime", ["handler": "runc"]),
        Example(
            "resource.k8s.io/v1", "DeviceClass", "deviceclasses", "class",
            ["spec": ["selectors": [["cel": ["expression": "device.driver == 'a'"]]]]]),
        Example(
            "resource.k8s.io/v1", "ResourceClaim", "namespaces/default/resourceclaims", "claim",
            ["spec": ["devices": ["requests": [["name": "a", "exactly": ["deviceClassName": "class"]]]]]]),
        Example(
            "resource.k8s.io/v1", "ResourceClaimTemplate", "namespaces/default/resourceclaimtemplates", "template",
            ["spec": ["spec": ["devices": ["requests": [["name": "a", "exactly": ["deviceClassName": "class"]]]]]]]),
        Example(
            "resource.k8s.io/v1", "ResourceSlice", "resourceslices", "slice",
            [
                "spec": [
                    "driver": "a.example.com", "pool": ["name": "a", "generation": 1, "resourceSliceCount": 1],
                    "nodeName": "n", "devices": [["name": "d", "attributes": ["a": ["int": 1]]]],
                ]
            ]),
        Example("scheduling.k8s.io/v1", "PriorityClass", "priorityclasses", "high", ["value": 1000]),
        Example(storage, "CSIDriver", "csidrivers", "a.example.com", ["spec": [:]]),
        Example(storage, "CSINode", "csinodes", "n", ["spec": ["drivers": [["name": "a.b", "nodeID": "n"]]]]),
        Example(
            storage, "CSIStorageCapacity", "namespaces/default/csistoragecapacities", "c",
            ["storageClassName": "fast", "capacity": "1Gi"]),
        Example(storage, "StorageClass", "storageclasses", "fast", ["provisioner": "a.example.com/Disk"]),
        Example(
            storage, "VolumeAttachment", "volumeattachments", "a",
            ["spec": ["attacher": "a.b", "nodeName": "n", "source": ["persistentVolumeName": "disk"]]]),
        Example(
            storage, "VolumeAttributesClass", "volumeattributesclasses", "gold",
            ["driverName": "a.b", "parameters": ["iops": "5"]]),
    ]

    @Test(arguments: taken) func `an object is kept, shown as a table, and written back without a change`(
        _ example: Example
    ) async throws {
        let server = try await TestServer()
        let created = await server.send("POST", example.collection, example.object)
        #expect(created.status == 201, "\(created.message)")
        let path = "\(example.collection)/\(example.object["metadata"]["name"].string ?? "")"
        let updated = await server.send("PUT", path, created.json)
        #expect(updated.status == 200, "\(updated.message)")
        #expect(updated.json == created.json)
        let table = await server.send("GET", example.collection, accept: "application/json;as=Table;v=v1;g=meta.k8s.io")
        let columns = table.json["columnDefinitions"].array?.count ?? 0
        #expect(columns > 0)
        #expect(table.json["rows"][0]["cells"].array?.count == columns)
        #expect(await server.send("DELETE", path).status == 200)
    }

    static let refused: [Example] = [
        Example(
            "v1", "LimitRange", "namespaces/default/limitranges", "limits",
            [
                "spec": [
                    "limits": [
                        ["type": "Odd"], ["type": "Pod", "default": ["cpu": "1"]],
                        ["type": "Container", "min": ["cpu": "2"], "max": ["cpu": "1"]],
                        ["type": "PersistentVolumeClaim"],
                    ]
                ]
            ],
            "spec.limits[0].type: Invalid value: \"Odd\": must be a standard limit type or fully qualified",
            "spec.limits[1].default: Forbidden: may not be specified when `type` is 'Pod'",
            "spec.limits[2].min[cpu]: Invalid value: \"2\": min value 2 is greater than max value 1",
            "spec.limits[2].min[cpu]: Invalid value: \"2\": min value 2 is greater than default request value 1",
            "spec.limits[2].min[cpu]: Invalid value: \"2\": min value 2 is greater than default value 1",
            "spec.limits[3].limits: Required value: either minimum or maximum storage value is required, but neither "
                + "was provided"),
        Example(
            "v1", "ResourceQuota", "namespaces/default/resourcequotas", "quota",
            [
                "spec": [
                    "hard": ["pods": "1500m", "odd": "1", "services": "-1"], "scopes": ["BestEffort", "NotBestEffort"],
                ]
            ],
            "spec.hard[pods]: Invalid value: \"1500m\": must be an integer",
            "spec.hard[odd]: Invalid value: \"odd\": must be a standard resource for quota",
            "spec.hard[services]: Invalid value: \"-1\": must be greater than or equal to 0",
            "spec.scopes: Invalid value: [\"BestEffort\",\"NotBestEffort\"]: conflicting scopes",
            "spec.scopes: Invalid value: [\"BestEffort\",\"NotBestEffort\"]: unsupported scope applied to resource",
            "spec.scopes: Invalid value: [\"BestEffort\",\"NotBestEffort\"]: unsupported scope applied to resource"),
        Example(
            admission, "ValidatingWebhookConfiguration", "validatingwebhookconfigurations", "hooks",
            [
                "webhooks": [
                    webhook([
                        "timeoutSeconds": 31, "failurePolicy": "Odd", "clientConfig": ["url": "http://a"],
                        "rules": [
                            [
                                "operations": ["*", "CREATE"], "apiGroups": ["a"], "apiVersions": ["v1"],
                                "resources": ["*/*", "pods"],
                            ]
                        ],
                        "admissionReviewVersions": ["v2"], "matchConditions": [["name": "a", "expression": "1 +"]],
                    ])
                ]
            ],
            "webhooks[0].rules[0].operations: Invalid value: [\"*\",\"CREATE\"]: if '*' is present, must not specify other "
                + "operations",
            "webhooks[0].rules[0].resources: Invalid value: [\"*/*\",\"pods\"]: if '*/*' is present, must not specify "
                + "other resources",
            "webhooks[0].failurePolicy: Unsupported value: \"Odd\": supported values: \"Fail\", \"Ignore\"",
            "webhooks[0].timeoutSeconds: Invalid value: 31: the timeout value must be between 1 and 30 seconds",
            "webhooks[0].clientConfig.url: Invalid value: \"http\": 'https' is the only allowed URL scheme; desired "
                + "format: https://host[/path]",
            "webhooks[0].admissionReviewVersions: Invalid value: [\"v2\"]: must include at least one of v1, v1beta1",
            "webhooks[0].matchConditions[0].expression: Invalid value: \"1 +\": compilation failed: Syntax error: "
                + "mismatched input '<EOF>'"),
        Example(
            admission, "ValidatingAdmissionPolicyBinding", "validatingadmissionpolicybindings", "binding",
            ["spec": ["policyName": "", "validationActions": ["Deny", "Warn"]]],
            "spec.policyName: Required value",
            "spec.validationActions: Invalid value: [\"Deny\",\"Warn\"]: must not contain both Deny and Warn (repeating "
                + "the same validation failure information in the API response and headers serves no purpose)"),
        Example(
            "apiregistration.k8s.io/v1", "APIService", "apiservices", "v1.example.com",
            ["spec": ["group": "example.org", "version": "v1", "groupPriorityMinimum": 0, "versionPriority": 2000]],
            "metadata.name: Invalid value: \"v1.example.com\": must be `spec.version+\".\"+spec.group`: "
                + "\"v1.example.org\"",
            "spec.groupPriorityMinimum: Invalid value: 0: must be positive and less than 20000",
            "spec.versionPriority: Invalid value: 2000: must be positive and less than 1000"),
        Example(
            "scheduling.k8s.io/v1", "PriorityClass", "priorityclasses", "high", ["value": 1_000_000_001],
            "value: Forbidden: maximum allowed value of a user defined priority is 1000000000"),
        Example(
            storage, "StorageClass", "storageclasses", "fast", ["provisioner": "", "reclaimPolicy": "Odd"],
            "provisioner: Required value",
            "reclaimPolicy: Unsupported value: \"Odd\": supported values: \"Delete\", \"Retain\""),
        Example(
            "v1", "PersistentVolume", "persistentvolumes", "disk",
            ["spec": ["capacity": ["storage": "0"], "hostPath": ["path": "/"], "nfs": ["server": "a", "path": "/"]]],
            "spec.accessModes: Required value",
            "spec.capacity[storage]: Invalid value: \"0\": must be greater than zero",
            "spec.nfs: Forbidden: may not specify more than 1 volume type"),
        Example(
            "resource.k8s.io/v1", "ResourceClaim", "namespaces/default/resourceclaims", "claim",
            [
                "spec": [
                    "devices": [
                        "requests": [["name": "a"], ["name": "b", "exactly": ["deviceClassName": "c", "count": -1]]]
                    ]
                ]
            ],
            "spec.devices.requests[0]: Required value: exactly one of `exactly` or `firstAvailable` is required",
            "spec.devices.requests[1].exactly.count: Invalid value: -1: must be greater than zero"),
    ]

    @Test(arguments: refused) func `an object is refused with every reason`(_ example: Example) async throws {
        let server = try await TestServer()
        let answer = await server.send("POST", example.collection, example.object)
        #expect(answer.status == 422, "\(answer.message)")
        let causes = (answer.json["details"]["causes"].array ?? []).map {
            "\($0["field"].string ?? ""): \($0["message"].string ?? "")"
        }
        #expect(causes == example.refusals)
    }

    @Test func `limits and requests of containers follow from the bounds of a LimitRange`() async throws {
        let server = try await TestServer()
        let created = await server.send(
            "POST", "/api/v1/namespaces/default/limitranges",
            [
                "apiVersion": "v1", "kind": "LimitRange", "metadata": ["name": "a"],
                "spec": [
                    "limits": [["type": "Container", "max": ["cpu": "2"], "min": ["cpu": "100m", "memory": "1Mi"]]]
                ],
            ])
        let item = created.json["spec"]["limits"][0]
        #expect(item["default"] == ["cpu": "2"])
        #expect(item["defaultRequest"] == ["cpu": "2", "memory": "1Mi"])
    }

    @Test func `who stores a webhook is told that nothing calls it`() async throws {
        let server = try await TestServer()
        let example = try #require(Self.taken.first { $0.object["kind"] == "ValidatingWebhookConfiguration" })
        let created = await server.send("POST", example.collection, example.object)
        #expect(
            created.header("Warning")
                == "299 - \"ValidatingWebhookConfiguration: stored, but this server does not call admission webhooks yet\""
        )
    }

    @Test(arguments: [
        "ValidatingWebhookConfiguration", "MutatingWebhookConfiguration", "ValidatingAdmissionPolicy",
        "ValidatingAdmissionPolicyBinding", "MutatingAdmissionPolicy", "MutatingAdmissionPolicyBinding", "APIService",
    ])
    func `an Event says so too, once`(kind: String) async throws {
        let server = try await TestServer()
        let example = try #require(Self.taken.first { $0.object["kind"].string == kind })
        let created = await server.send("POST", example.collection, example.object)
        try #require(created.status == 201, "\(created.text)")
        var changed = created.json
        changed["metadata"]["labels"]["again"] = "yes"
        let name = created.json["metadata"]["name"].string ?? ""
        let updated = await server.send("PUT", "\(example.collection)/\(name)", changed)
        #expect(updated.status == 200, "\(updated.text)")
        let path = "/api/v1/namespaces/default/events?fieldSelector=involvedObject.kind=\(kind)"
        #expect(await Polling.until { (await server.send("GET", path).json["items"].array ?? []).count == 1 })
        let event = await server.send("GET", path).json["items"][0]
        #expect(event["involvedObject"]["uid"] == created.json["metadata"]["uid"])
        #expect(event["type"] == "Warning" && event["reason"] == "NotActedOn")
        #expect(event["message"].string?.contains("stored, but this server does not") == true)
    }

    @Test func `a ResourceClaimTemplate gets the counts of its claim, is checked as one, and keeps what it says`()
        async throws
    {
        let server = try await TestServer()
        let example = try #require(Self.taken.first { $0.object["kind"] == "ResourceClaimTemplate" })
        let created = await server.send("POST", example.collection, example.object)
        try #require(created.status == 201, "\(created.text)")
        let exactly = created.json["spec"]["spec"]["devices"]["requests"][0]["exactly"]
        #expect(exactly["allocationMode"] == "ExactCount" && exactly["count"] == 1)
        var changed = created.json
        changed["metadata"]["labels"] = ["a": "b"]
        let labelled = await server.send("PUT", "\(example.collection)/template", changed)
        #expect(labelled.status == 200, "\(labelled.text)")
        changed["metadata"]["resourceVersion"] = labelled.json["metadata"]["resourceVersion"]
        changed["spec"]["spec"]["devices"]["requests"][0]["exactly"]["deviceClassName"] = "other"
        let refused = await server.send("PUT", "\(example.collection)/template", changed)
        #expect(refused.status == 422 && refused.text.contains("spec: Invalid value"), "\(refused.text)")
        var bad = example.object
        bad["metadata"]["name"] = "bad"
        bad["spec"]["spec"]["devices"]["requests"][0]["exactly"]["deviceClassName"] = "Not A Name"
        let unreadable = await server.send("POST", example.collection, bad)
        #expect(unreadable.status == 422)
        #expect(
            unreadable.text.contains("spec.spec.devices.requests[0].exactly.deviceClassName"), "\(unreadable.text)")
    }

    @Test func `who stores a CronJob or a NetworkPolicy is told that nothing acts on it`() async throws {
        let server = try await TestServer()
        let policies = "/apis/networking.k8s.io/v1/namespaces/default/networkpolicies"
        let policy: JSONValue = ["metadata": ["name": "shut"], "spec": ["podSelector": [:]]]
        let told = "299 - \"NetworkPolicy: stored, but this server drops nothing: traffic flows as without it\""
        let shut = await server.send("POST", policies, policy)
        #expect(shut.status == 201 && shut.header("Warning") == told)
        var labelled = shut.json
        labelled["metadata"]["labels"] = ["a": "b"]
        let again = await server.send("PUT", "\(policies)/shut", labelled)
        #expect(again.status == 200 && again.header("Warning") == nil)
        labelled["spec"]["ingress"] = [[:]]
        labelled["metadata"]["resourceVersion"] = nil
        #expect(await server.send("PUT", "\(policies)/shut", labelled).header("Warning") == told)

        let container: JSONValue = ["name": "a", "image": "a"]
        let pod: JSONValue = ["spec": ["containers": [container], "restartPolicy": "Never"]]
        let nightly: JSONValue = [
            "metadata": ["name": "nightly"],
            "spec": ["schedule": "0 3 * * *", "jobTemplate": ["spec": ["template": pod]]],
        ]
        let jobs = "/apis/batch/v1/namespaces/default/cronjobs"
        let made = await server.send("POST", jobs, nightly)
        #expect(made.status == 201, "\(made.text)")
        #expect(made.header("Warning")?.contains("stores this CronJob and starts no Pods for it") == true)
        var paused = made.json
        paused["spec"]["suspend"] = true
        #expect(await server.send("PUT", "\(jobs)/nightly", paused).header("Warning") == nil)
    }
}
