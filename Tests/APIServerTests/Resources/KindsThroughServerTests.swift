import Foundation
import KubeModel
import NetworkTypes
import TestSupport
import Testing

@testable import APIResources
@testable import APIServer

/// The kinds behind the whole request path: schema, strategy, allocation and store together.
@Suite("Every kind through the server") struct KindsThroughServerTests {
    static let services = "/api/v1/namespaces/default/services"

    static func service(_ name: String, _ spec: JSONValue = [:]) -> JSONValue {
        var object: JSONValue = [
            "apiVersion": "v1", "kind": "Service", "metadata": ["name": .string(name)],
            "spec": ["selector": ["app": "web"], "ports": [["port": 80]]],
        ]
        for (key, value) in spec.object ?? JSONObject() { object["spec"][key] = value }
        return object
    }

    private func server(_ range: String, nodePorts: ClosedRange<UInt16> = 30000...32767, directory: String? = nil)
        async throws -> TestServer
    {
        let cidr = try #require(CIDR(range))
        return try await TestServer(
            ranges: AllocationRanges(serviceCIDRs: [cidr], nodePorts: nodePorts), directory: directory)
    }

    private static let workload: JSONObject = [
        "spec": [
            "selector": ["matchLabels": ["app": "web"]],
            "template": [
                "metadata": ["labels": ["app": "web"]], "spec": ["containers": [["name": "a", "image": "a"]]],
            ],
        ]
    ]

    static let minimal: [(collection: String, apiVersion: String, kind: String, fields: JSONObject)] = [
        ("/api/v1/namespaces", "v1", "Namespace", [:]), ("/api/v1/nodes", "v1", "Node", [:]),
        ("/api/v1/namespaces/default/configmaps", "v1", "ConfigMap", ["data": ["a": "b"]]),
        ("/api/v1/namespaces/default/secrets", "v1", "Secret", ["stringData": ["a": "b"]]),
        ("/api/v1/namespaces/default/serviceaccounts", "v1", "ServiceAccount", [:]),
        (
            "/api/v1/namespaces/default/endpoints", "v1", "Endpoints",
            ["subsets": [["addresses": [["ip": "10.9.8.7"]], "ports": [["port": 80]]]]]
        ),
        (
            "/api/v1/namespaces/default/pods", "v1", "Pod",
            ["spec": ["containers": [["name": "a", "image": "a", "readinessProbe": ["tcpSocket": ["port": 80]]]]]]
        ),
        (
            "/api/v1/namespaces/default/events", "v1", "Event",
            ["involvedObject": ["kind": "Pod", "namespace": "default", "name": "a"], "reason": "Started"]
        ),
        (
            "/apis/events.k8s.io/v1/namespaces/default/events", "events.k8s.io/v1", "Event",
            [
                "eventTime": "2026-01-01T00:00:00.000000Z", "regarding": ["kind": "Pod", "namespace": "default"],
                "reason": "Started", "action": "Start", "type": "Normal", "reportingController": "a.b/c",
                "reportingInstance": "d",
            ]
        ),
        (
            "/apis/coordination.k8s.io/v1/namespaces/default/leases", "coordination.k8s.io/v1", "Lease",
            ["spec": ["holderIdentity": "a", "leaseDurationSeconds": 15]]
        ),
        (
            "/apis/discovery.k8s.io/v1/namespaces/default/endpointslices", "discovery.k8s.io/v1", "EndpointSlice",
            ["addressType": "IPv4", "endpoints": [["addresses": ["10.9.8.7"]]], "ports": [["port": 80]]]
        ),
        (
            "/apis/networking.k8s.io/v1/ingressclasses", "networking.k8s.io/v1", "IngressClass",
            ["spec": ["controller": "martlet.dev/ingress"]]
        ),
        (
            "/apis/networking.k8s.io/v1/namespaces/default/ingresses", "networking.k8s.io/v1", "Ingress",
            ["spec": ["defaultBackend": ["service": ["name": "web", "port": ["number": 80]]]]]
        ),
        (
            "/apis/networking.k8s.io/v1/namespaces/default/networkpolicies", "networking.k8s.io/v1", "NetworkPolicy",
            ["spec": ["podSelector": [:], "ingress": [["ports": [["port": 80]]]]]]
        ),
        ("/apis/apps/v1/namespaces/default/deployments", "apps/v1", "Deployment", workload),
        ("/apis/apps/v1/namespaces/default/replicasets", "apps/v1", "ReplicaSet", workload),
        ("/apis/apps/v1/namespaces/default/daemonsets", "apps/v1", "DaemonSet", workload),
        ("/apis/apps/v1/namespaces/default/statefulsets", "apps/v1", "StatefulSet", workload),
        (
            "/apis/apps/v1/namespaces/default/controllerrevisions", "apps/v1", "ControllerRevision",
            ["data": ["spec": [:]], "revision": 1]
        ),
        (
            "/apis/batch/v1/namespaces/default/jobs", "batch/v1", "Job",
            ["spec": ["template": ["spec": ["containers": [["name": "a", "image": "a"]], "restartPolicy": "Never"]]]]
        ),
        (
            "/apis/batch/v1/namespaces/default/cronjobs", "batch/v1", "CronJob",
            [
                "spec": [
                    "schedule": "@daily",
                    "jobTemplate": [
                        "spec": [
                            "template": [
                                "spec": ["containers": [["name": "a", "image": "a"]], "restartPolicy": "Never"]
                            ]
                        ]
                    ],
                ]
            ]
        ),
        (
            "/apis/autoscaling/v2/namespaces/default/horizontalpodautoscalers", "autoscaling/v2",
            "HorizontalPodAutoscaler",
            ["spec": ["maxReplicas": 3, "scaleTargetRef": ["kind": "Deployment", "name": "web"]]]
        ),
        (
            "/apis/policy/v1/namespaces/default/poddisruptionbudgets", "policy/v1", "PodDisruptionBudget",
            ["spec": ["minAvailable": 1, "selector": ["matchLabels": ["app": "web"]]]]
        ),
        (
            "/api/v1/namespaces/default/replicationcontrollers", "v1", "ReplicationController",
            ["spec": ["template": workload["spec"]["template"] ?? [:]]]
        ),
        (
            "/api/v1/namespaces/default/podtemplates", "v1", "PodTemplate",
            ["template": workload["spec"]["template"] ?? [:]]
        ),
        (
            "/api/v1/namespaces/default/persistentvolumeclaims", "v1", "PersistentVolumeClaim",
            ["spec": ["accessModes": ["ReadWriteOnce"], "resources": ["requests": ["storage": "1Gi"]]]]
        ),
        (
            "/apis/rbac.authorization.k8s.io/v1/namespaces/default/roles", "rbac.authorization.k8s.io/v1", "Role",
            ["rules": [["apiGroups": [""], "resources": ["pods"], "verbs": ["get"]]]]
        ),
        (
            "/apis/rbac.authorization.k8s.io/v1/clusterroles", "rbac.authorization.k8s.io/v1", "ClusterRole",
            ["rules": [["nonResourceURLs": ["/metrics"], "verbs": ["get"]]]]
        ),
        (
            "/apis/rbac.authorization.k8s.io/v1/namespaces/default/rolebindings", "rbac.authorization.k8s.io/v1",
            "RoleBinding", ["roleRef": ["kind": "Role", "name": "a"], "subjects": [["kind": "User", "name": "a"]]]
        ),
        (
            "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings", "rbac.authorization.k8s.io/v1",
            "ClusterRoleBinding", ["roleRef": ["kind": "ClusterRole", "name": "a"]]
        ),
        (
            "/apis/traffic.martlet.dev/v1/addresspools", "traffic.martlet.dev/v1", "AddressPool",
            ["spec": ["addresses": ["192.0.2.0/28"]]]
        ),
        (
            "/apis/traffic.martlet.dev/v1/namespaces/default/healthchecks", "traffic.martlet.dev/v1", "HealthCheck",
            ["spec": ["targetRefs": [["name": "web"]], "tcpSocket": ["port": 80]]]
        ),
        (
            "/apis/metallb.io/v1beta1/namespaces/default/bfdprofiles", "metallb.io/v1beta1", "BFDProfile",
            ["spec": ["detectMultiplier": 5]]
        ),
        (
            "/apis/metallb.io/v1beta1/namespaces/default/bgpadvertisements", "metallb.io/v1beta1", "BGPAdvertisement",
            ["spec": ["localPref": 100]]
        ),
        (
            "/apis/metallb.io/v1beta1/namespaces/default/communities", "metallb.io/v1beta1", "Community",
            ["spec": ["communities": [["name": "a", "value": "1:2"]]]]
        ),
        (
            "/apis/metallb.io/v1beta1/namespaces/default/ipaddresspools", "metallb.io/v1beta1", "IPAddressPool",
            ["spec": ["addresses": ["198.51.100.0/28"]]]
        ),
        (
            "/apis/metallb.io/v1beta1/namespaces/default/l2advertisements", "metallb.io/v1beta1", "L2Advertisement",
            ["spec": ["interfaces": ["eth0"]]]
        ),
        (
            "/apis/metallb.io/v1beta1/namespaces/default/servicebgpstatuses", "metallb.io/v1beta1", "ServiceBGPStatus",
            [:]
        ),
        (
            "/apis/metallb.io/v1beta1/namespaces/default/servicel2statuses", "metallb.io/v1beta1", "ServiceL2Status",
            [:]
        ),
        (
            "/apis/metallb.io/v1beta2/namespaces/default/bgppeers", "metallb.io/v1beta2", "BGPPeer",
            ["spec": ["myASN": 1, "peerASN": 2, "peerAddress": "10.0.0.1"]]
        ),
        (
            "/apis/traffic.martlet.dev/v1/namespaces/default/routetables", "traffic.martlet.dev/v1", "RouteTable",
            ["spec": ["controllerName": "martlet.dev/ingress"]]
        ),
    ]

    @Test func `a small object of every kind can be made, written back, and written again without a change`()
        async throws
    {
        let server = try await TestServer()
        for example in Self.minimal {
            var object = example.fields
            object["apiVersion"] = .string(example.apiVersion)
            object["kind"] = .string(example.kind)
            object["metadata"] = ["name": "small"]
            let name = example.apiVersion.hasPrefix("events") ? "smaller" : "small"
            object["metadata"]["name"] = .string(name)
            let created = await server.send("POST", example.collection, .object(object))
            #expect(created.status == 201, "\(example.kind): \(created.message)")
            let path = "\(example.collection)/\(name)"
            let read = await server.send("GET", path)
            #expect(read.json == created.json)
            let updated = await server.send("PUT", path, read.json)
            #expect(updated.status == 200, "\(example.kind): \(updated.message)")
            #expect(updated.json == created.json, "\(example.kind) changed")
        }
    }

    @Test func `a refusal names kind, field and value as Kubernetes does`() async throws {
        let server = try await server("10.0.0.0/24")
        let refused = await server.send("POST", Self.services, Self.service("web", ["clusterIP": "10.1.2.3"]))
        #expect(refused.status == 422)
        #expect(refused.json["reason"] == "Invalid")
        #expect(
            refused.message
                == "Service \"web\" is invalid: spec.clusterIPs: Invalid value: [\"10.1.2.3\"]: failed to allocate IP "
                + "10.1.2.3: the provided network does not match the current range"
        )
        let several = await server.send(
            "POST", Self.services,
            Self.service("web", ["type": "Odd", "sessionAffinity": "Odd", "ports": [["port": 0], ["port": 99999]]]))
        let fields = (several.json["details"]["causes"].array ?? []).compactMap { $0["field"].string }
        #expect(
            fields == [
                "spec.ports[0].name", "spec.ports[0].port", "spec.ports[0].targetPort", "spec.ports[1].name",
                "spec.ports[1].port", "spec.ports[1].targetPort", "spec.sessionAffinity", "spec.type",
            ])
    }

    @Test func `an address that can't be had hides no other finding`() async throws {
        let server = try await server("10.0.0.0/24")
        let refused = await server.send(
            "POST", Self.services,
            Self.service("web", ["clusterIP": "1.2.3", "ports": [["port": 0], ["port": 81, "targetPort": 70000]]]))
        let fields = (refused.json["details"]["causes"].array ?? []).compactMap { $0["field"].string }
        #expect(
            fields == [
                "spec.clusterIPs[0]", "spec.ports[0].name", "spec.ports[0].port", "spec.ports[0].targetPort",
                "spec.ports[1].name", "spec.ports[1].targetPort",
            ])
    }

    @Test func `the update that lets a Service go gives its address back once`() async throws {
        let server = try await server("10.0.0.0/29")
        var held = Self.service("held", ["type": "NodePort", "clusterIP": "10.0.0.3"])
        held["metadata"]["finalizers"] = ["example.com/wait"]
        #expect(await server.send("POST", Self.services, held).status == 201)
        #expect(await server.send("DELETE", "\(Self.services)/held").status == 200)
        #expect(await server.send("POST", Self.services, Self.service("a", ["clusterIP": "10.0.0.3"])).status == 422)
        let last = await server.send(
            "PATCH", "\(Self.services)/held",
            ["metadata": ["finalizers": .null], "spec": ["type": "LoadBalancer", "externalTrafficPolicy": "Local"]],
            contentType: "application/merge-patch+json")
        #expect(last.status == 200, "\(last.message)")
        #expect(await server.send("GET", "\(Self.services)/held").status == 404)
        #expect(await server.send("POST", Self.services, Self.service("a", ["clusterIP": "10.0.0.3"])).status == 201)
        #expect(await server.send("POST", Self.services, Self.service("b", ["clusterIP": "10.0.0.3"])).status == 422)
        for number in 0..<5 {
            #expect(await server.send("POST", Self.services, Self.service("fill\(number)")).status == 201)
        }
        #expect(await server.send("POST", Self.services, Self.service("more")).status == 500)
    }

    @Test func `every address comes back, by delete, by collection, by type change and by namespace`() async throws {
        let server = try await server("10.0.0.0/28", nodePorts: 30000...30013)
        func fill(_ namespace: String) async -> [Int] {
            var statuses: [Int] = []
            for number in 0..<15 {
                let response = await server.send(
                    "POST", "/api/v1/namespaces/\(namespace)/services", Self.service("s\(number)", ["type": "NodePort"])
                )
                statuses.append(response.status)
            }
            return statuses
        }
        let allButOne = Array(repeating: 201, count: 14) + [500]
        #expect(await fill("default") == allButOne)
        for number in 0..<14 { _ = await server.send("DELETE", "\(Self.services)/s\(number)") }
        #expect(await fill("default") == allButOne)
        #expect(await server.send("DELETE", Self.services).status == 200)
        #expect(await fill("default") == allButOne)
        for number in 0..<14 {
            let changed = await server.send(
                "PUT", "\(Self.services)/s\(number)",
                Self.service("s\(number)", ["type": "ExternalName", "externalName": "example.com"]))
            #expect(changed.status == 200, "\(changed.message)")
            #expect(changed.json["spec"]["clusterIP"] == nil)
        }
        _ = await server.send(
            "POST", "/api/v1/namespaces", ["apiVersion": "v1", "kind": "Namespace", "metadata": ["name": "other"]])
        #expect(await fill("other") == allButOne)
        _ = await server.send("DELETE", "/api/v1/namespaces/other")
        for _ in 0..<500 where await server.send("GET", "/api/v1/namespaces/other").status == 200 {
            try await Task.sleep(for: .milliseconds(10))
        }
        #expect(await server.send("DELETE", Self.services).status == 200)
        #expect(await fill("default") == allButOne)
    }

    @Test func `concurrent writers and a restart leave every address with one Service`() async throws {
        let directory = NSTemporaryDirectory() + "martlet-kinds-\(UUID().uuidString)"
        let first = try await server("10.0.0.0/24", directory: directory)
        await withTaskGroup(of: Void.self) { group in
            for writer in 0..<8 {
                group.addTask {
                    var random = SeededRandom(seed: UInt64(writer))
                    for _ in 0..<120 {
                        let name = "s\(random.next() % 60)"
                        let path = "\(Self.services)/\(name)"
                        switch random.next() % 4 {
                        case 0: _ = await first.send("DELETE", path)
                        case 1: _ = await first.send("PUT", path, Self.service(name, ["type": "NodePort"]))
                        case 2: _ = await first.send("PUT", path, Self.service(name, ["type": "LoadBalancer"]))
                        default: _ = await first.send("POST", Self.services, Self.service(name))
                        }
                    }
                }
            }
        }
        let stored = (await first.send("GET", Self.services)).json["items"].array ?? []
        #expect(!stored.isEmpty)
        let addresses = stored.compactMap { $0["spec"]["clusterIP"].string }
        #expect(Set(addresses).count == stored.count)
        let ports = stored.flatMap { ServiceDocument($0).nodePorts }
        #expect(Set(ports).count == ports.count)

        first.stop()
        let second = try await server("10.0.0.0/24", directory: directory)
        #expect((await second.send("GET", Self.services)).json["items"].array == stored)
        // What is free now can be had, each once.
        for number in 0..<(254 - stored.count) {
            #expect(await second.send("POST", Self.services, Self.service("fill\(number)")).status == 201)
        }
        #expect(await second.send("POST", Self.services, Self.service("more")).status == 500)
        // Its end removes the directory.
        withExtendedLifetime(first) {}
    }

    @Test func `an Event is the same object in both of its groups`() async throws {
        let server = try await TestServer()
        let core = "/api/v1/namespaces/default/events"
        let events = "/apis/events.k8s.io/v1/namespaces/default/events"
        let made = await server.send(
            "POST", core,
            [
                "apiVersion": "v1", "kind": "Event", "metadata": ["name": "a"], "reason": "Failed",
                "message": "no address",
                "involvedObject": ["kind": "Service", "namespace": "default", "name": "web"], "type": "Warning",
            ])
        #expect(made.status == 201, "\(made.message)")
        let other = await server.send("GET", "\(events)/a")
        #expect(other.json["apiVersion"] == "events.k8s.io/v1")
        #expect(other.json["note"] == "no address" && other.json["regarding"]["name"] == "web")
        #expect(other.json["metadata"]["uid"] == made.json["metadata"]["uid"])
        for target in [
            "\(core)?fieldSelector=involvedObject.name%3Dweb,type%3DWarning",
            "\(events)?fieldSelector=regarding.name%3Dweb",
            "\(core)?fieldSelector=reason!%3DOther",
        ] {
            #expect(await server.send("GET", target).names == ["a"], "\(target)")
        }
        #expect(await server.send("GET", "\(core)?fieldSelector=involvedObject.name%3Dx").names == [])
        #expect(await server.send("GET", "\(core)?fieldSelector=regarding.name%3Dweb").status == 400)
    }

    @Test func `an Ingress gets the default class of the stored classes, after a restart too`() async throws {
        let directory = NSTemporaryDirectory() + "martlet-kinds-\(UUID().uuidString)"
        let ingresses = "/apis/networking.k8s.io/v1/namespaces/default/ingresses"
        let ingress: JSONValue = [
            "apiVersion": "networking.k8s.io/v1", "kind": "Ingress", "metadata": ["generateName": "web-"],
            "spec": ["defaultBackend": ["service": ["name": "web", "port": ["number": 80]]]],
        ]
        let first = try await server("10.0.0.0/24", directory: directory)
        #expect(await first.send("POST", ingresses, ingress).json["spec"]["ingressClassName"] == nil)
        let made = await first.send(
            "POST", "/apis/networking.k8s.io/v1/ingressclasses",
            [
                "apiVersion": "networking.k8s.io/v1", "kind": "IngressClass",
                "metadata": ["name": "shop", "annotations": ["ingressclass.kubernetes.io/is-default-class": "true"]],
                "spec": ["controller": "martlet.dev/ingress"],
            ])
        #expect(made.status == 201, "\(made.message)")
        #expect(await first.send("POST", ingresses, ingress).json["spec"]["ingressClassName"] == "shop")
        first.stop()
        let second = try await server("10.0.0.0/24", directory: directory)
        #expect(await second.send("POST", ingresses, ingress).json["spec"]["ingressClassName"] == "shop")
        _ = await second.send("DELETE", "/apis/networking.k8s.io/v1/ingressclasses/shop")
        #expect(await second.send("POST", ingresses, ingress).json["spec"]["ingressClassName"] == nil)
        withExtendedLifetime(first) {}
    }

    @Test func `what a status write says of the spec is ignored, and the other way round`() async throws {
        let server = try await server("10.0.0.0/24")
        let made = await server.send("POST", Self.services, Self.service("web", ["type": "LoadBalancer"])).json
        var changed = made
        changed["spec"]["type"] = "ClusterIP"
        changed["status"] = ["loadBalancer": ["ingress": [["ip": "192.0.2.1"]]]]
        let status = await server.send("PUT", "\(Self.services)/web/status", changed)
        #expect(status.status == 200, "\(status.message)")
        #expect(status.json["spec"] == made["spec"])
        #expect(status.json["status"]["loadBalancer"]["ingress"] == [["ip": "192.0.2.1", "ipMode": "VIP"]])
        let patched = await server.send(
            "PATCH", "\(Self.services)/web",
            ["spec": ["externalTrafficPolicy": "Local"], "status": ["loadBalancer": .null]],
            contentType: "application/merge-patch+json")
        #expect(patched.status == 200, "\(patched.message)")
        #expect(patched.json["status"] == status.json["status"])
        #expect(patched.json["spec"]["healthCheckNodePort"].int ?? 0 >= 30000)
        let plain = await server.send(
            "PATCH", "\(Self.services)/web", ["spec": ["type": "ClusterIP"]],
            contentType: "application/strategic-merge-patch+json")
        #expect(plain.status == 200, "\(plain.message)")
        #expect(plain.json["status"] == ["loadBalancer": [:]])
        #expect(plain.json["spec"]["clusterIP"] == made["spec"]["clusterIP"])
        #expect(plain.json["spec"]["ports"][0]["nodePort"] == nil)
        #expect(plain.json["spec"]["healthCheckNodePort"] == nil)
    }
}
