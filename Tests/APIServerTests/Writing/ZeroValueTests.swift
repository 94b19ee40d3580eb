import KubeModel
import Store
import Testing

@testable import APIResources
@testable import APIServer

/// What a typed client reads has no zero values any more; what it writes back is the same object all the same.
@Suite struct `Objects written with zero values` {
    struct Kind: Sendable, CustomTestStringConvertible {
        let path: String
        let document: JSONValue
        /// Where the document says nothing, as JSON pointers of members.
        let vanished: [[String]]

        var testDescription: String { document["kind"].string ?? "" }
    }

    private static let container: JSONValue = [
        "name": "c", "image": "a", "args": [], "stdin": false, "workingDir": "", "envFrom": [],
        "env": [["name": "A", "value": ""]], "ports": [["containerPort": 80, "hostPort": 0, "name": ""]],
        "volumeMounts": [["name": "v", "mountPath": "/v", "readOnly": false]],
    ]

    private static let podSpec: JSONValue = [
        "containers": [container], "hostNetwork": false, "nodeSelector": [:], "imagePullSecrets": [],
        "initContainers": [], "hostname": "", "nodeName": "",
        "volumes": [["name": "v", "configMap": ["name": "c", "items": []]]],
    ]

    private static func template(_ restart: String) -> JSONValue {
        var spec = podSpec
        spec["restartPolicy"] = .string(restart)
        return ["metadata": ["labels": ["a": "b"]], "spec": spec]
    }

    static let kinds = [
        Kind(
            path: "/api/v1/namespaces/default/pods",
            document: ["apiVersion": "v1", "kind": "Pod", "metadata": ["name": "z"], "spec": podSpec],
            vanished: [["spec", "hostNetwork"], ["spec", "nodeSelector"], ["spec", "initContainers"]]),
        Kind(
            path: "/apis/batch/v1/namespaces/default/jobs",
            document: [
                "apiVersion": "batch/v1", "kind": "Job", "metadata": ["name": "z"],
                "spec": ["template": template("Never")],
            ], vanished: [["spec", "template", "spec", "hostNetwork"]]),
        Kind(
            path: "/apis/apps/v1/namespaces/default/deployments",
            document: [
                "apiVersion": "apps/v1", "kind": "Deployment", "metadata": ["name": "z"],
                "spec": [
                    "selector": ["matchLabels": ["a": "b"], "matchExpressions": []], "template": template("Always"),
                    "paused": false, "minReadySeconds": 0,
                ],
            ], vanished: [["spec", "selector", "matchExpressions"], ["spec", "paused"]]),
        Kind(
            path: "/apis/apps/v1/namespaces/default/statefulsets",
            document: [
                "apiVersion": "apps/v1", "kind": "StatefulSet", "metadata": ["name": "z"],
                "spec": [
                    "selector": ["matchLabels": ["a": "b"]], "template": template("Always"), "serviceName": "",
                    "volumeClaimTemplates": [],
                ],
            ], vanished: [["spec", "serviceName"], ["spec", "volumeClaimTemplates"]]),
        Kind(
            path: "/api/v1/persistentvolumes",
            document: [
                "apiVersion": "v1", "kind": "PersistentVolume", "metadata": ["name": "z"],
                "spec": [
                    "capacity": ["storage": "1Gi"], "accessModes": ["ReadWriteOnce"], "storageClassName": "",
                    "csi": ["driver": "d.example.com", "volumeHandle": "h", "fsType": "", "readOnly": false],
                ],
            ], vanished: [["spec", "csi", "fsType"], ["spec", "csi", "readOnly"], ["spec", "storageClassName"]]),
        Kind(
            path: "/apis/networking.k8s.io/v1/namespaces/default/ingresses",
            document: [
                "apiVersion": "networking.k8s.io/v1", "kind": "Ingress", "metadata": ["name": "z"],
                "spec": [
                    "tls": [], "rules": [["host": ""]],
                    "defaultBackend": ["service": ["name": "s", "port": ["name": "", "number": 80]]],
                ],
            ], vanished: [["spec", "tls"]]),
        Kind(
            path: "/apis/discovery.k8s.io/v1/namespaces/default/endpointslices",
            document: [
                "apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice", "metadata": ["name": "z"],
                "addressType": "IPv4", "ports": [],
                "endpoints": [["addresses": ["10.0.0.1"], "deprecatedTopology": [:], "hints": ["forZones": []]]],
            ], vanished: [["ports"]]),
        Kind(
            path: "/apis/networking.k8s.io/v1/namespaces/default/networkpolicies",
            document: [
                "apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy", "metadata": ["name": "z"],
                "spec": [
                    "podSelector": [:], "egress": [], "policyTypes": [],
                    "ingress": [["from": [["podSelector": [:], "namespaceSelector": [:]]], "ports": []]],
                ],
            ], vanished: [["spec", "egress"]]),
        Kind(
            path: "/apis/scheduling.k8s.io/v1/priorityclasses",
            document: [
                "apiVersion": "scheduling.k8s.io/v1", "kind": "PriorityClass", "metadata": ["name": "z"],
                "value": 7, "globalDefault": false, "description": "",
            ], vanished: [["globalDefault"], ["description"]]),
        Kind(
            path: "/apis/resource.k8s.io/v1/namespaces/default/resourceclaims",
            document: [
                "apiVersion": "resource.k8s.io/v1", "kind": "ResourceClaim", "metadata": ["name": "z"],
                "spec": [
                    "devices": [
                        "requests": [["name": "r", "exactly": ["deviceClassName": "d", "adminAccess": false]]],
                        "config": [["opaque": ["driver": "d.example.com", "parameters": [:]], "requests": []]],
                        "constraints": [],
                    ]
                ],
            ], vanished: [["spec", "devices", "constraints"]]),
        Kind(
            path: "/apis/apps/v1/namespaces/default/controllerrevisions",
            document: [
                "apiVersion": "apps/v1", "kind": "ControllerRevision", "metadata": ["name": "z"], "data": [:],
                "revision": 1,
            ], vanished: []),
    ]

    /// What a client in Go holds once it has read the object.
    private func typed(_ server: TestServer, _ path: String) async throws -> JSONValue {
        let bytes = await server.sendBytes(
            "GET", path, [], contentType: nil, accept: ProtobufDocument.mediaType)
        try #require(bytes.status == 200, "\(bytes.text)")
        return try #require(try ProtobufDocument.parse(bytes.body))
    }

    @Test(arguments: kinds)
    func `are written back by typed clients without a change`(_ kind: Kind) async throws {
        let server = try await TestServer()
        let created = await server.send("POST", kind.path, kind.document)
        try #require(created.status == 201, "\(created.text)")
        for steps in kind.vanished {
            var value: JSONValue? = created.json
            for step in steps { value = value[step] }
            #expect(value == nil, "\(steps.joined(separator: "."))")
        }
        let path = "\(kind.path)/z"
        var document = try await typed(server, path)
        let same = await server.send("PUT", path, document)
        #expect(same.status == 200, "\(same.text)")
        #expect(same.json == created.json)
        document["metadata"]["labels"]["added"] = "x"
        let labelled = await server.send("PUT", path, document)
        #expect(labelled.status == 200, "\(labelled.text)")
        if kind.document["kind"] != "EndpointSlice" {
            #expect(labelled.json["metadata"]["generation"] == created.json["metadata"]["generation"])
        }
        // The manifest itself, again.
        let again = await server.send("PUT", path, kind.document)
        #expect(again.status == 200 || kind.document["kind"] == "Job", "\(again.text)")
    }

    @Test func `that are stored since before this was known can be changed`() async throws {
        let server = try await TestServer()
        let pod = Self.kinds[0]
        let created = await server.send("POST", pod.path, pod.document)
        try #require(created.status == 201, "\(created.text)")
        // As an earlier version has written it: with everything the manifest says.
        var stored = created.json
        stored["metadata"]["name"] = "old"
        stored["metadata"]["resourceVersion"] = nil
        stored["spec"]["hostNetwork"] = false
        stored["spec"]["nodeSelector"] = [:]
        let bytes = stored.encoded()
        _ = try await server.store.write(.create(key: "/registry/core/pods/default/old", value: bytes))
        #expect(await Polling.until { await server.send("GET", "\(pod.path)/old").status == 200 })
        let patched = await server.send(
            "PATCH", "\(pod.path)/old", ["metadata": ["labels": ["a": "b"]]],
            contentType: "application/merge-patch+json")
        #expect(patched.status == 200, "\(patched.text)")
        #expect(patched.json["spec"]["hostNetwork"] == nil)
    }

    @Test func `two appliers may say the same zero`() async throws {
        let server = try await TestServer()
        let document: JSONValue = [
            "apiVersion": "networking.k8s.io/v1", "kind": "Ingress", "metadata": ["name": "z"],
            "spec": ["tls": [], "rules": [["host": ""]]],
        ]
        let path = "/apis/networking.k8s.io/v1/namespaces/default/ingresses/z?fieldManager="
        var versions: [JSONValue?] = []
        for manager in ["one", "two", "two", "one"] {
            let applied = await server.send(
                "PATCH", path + manager, document, contentType: "application/apply-patch+yaml")
            #expect(applied.status == 200 || applied.status == 201, "\(applied.text)")
            versions.append(applied.json["metadata"]["resourceVersion"])
        }
        #expect(versions[1] == versions[3])
    }

    @Test func `a value is taken back by applying its zero`() async throws {
        let server = try await TestServer()
        let path = "/apis/apps/v1/namespaces/default/deployments/z?fieldManager=one"
        var document = Self.kinds[2].document
        document["spec"]["paused"] = true
        let first = await server.send("PATCH", path, document, contentType: "application/apply-patch+yaml")
        #expect(first.json["spec"]["paused"] == true, "\(first.text)")
        document["spec"]["paused"] = false
        let second = await server.send("PATCH", path, document, contentType: "application/apply-patch+yaml")
        #expect(second.status == 200 && second.json["spec"]["paused"] == nil, "\(second.text)")
        #expect(second.json["metadata"]["generation"] == 2)
    }
}
