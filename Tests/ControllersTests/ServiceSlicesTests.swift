import KubeModel
import NetworkTypes
import Testing

@testable import Controllers

@Suite("A Service wants slices of its ready Pods") struct ServiceSlicesTests {
    @Test(
        arguments: [
            (true, false, false, [true, true, false]), (false, false, false, [false, false, false]),
            (true, true, false, [false, true, true]), (false, true, false, [false, false, true]),
            (false, false, true, [true, false, false]), (false, true, true, [true, false, true]),
        ] as [(Bool, Bool, Bool, [Bool])])
    func conditionsFollowReadinessAndDeletion(ready: Bool, terminating: Bool, publish: Bool, expected: [Bool]) {
        let service = Sample.service { $0.spec?.publishNotReadyAddresses = publish }
        let pod = Sample.pod("a", "10.1.0.1", ready: ready) { pod in
            if terminating { pod.metadata.deletionTimestamp = Timestamp(secondsSinceEpoch: 1) }
        }
        let conditions = ServiceSlices.groups(for: service, pods: [pod]).first?.endpoints.first?.conditions
        #expect(conditions?.ready == expected[0])
        #expect(conditions?.serving == expected[1])
        #expect(conditions?.terminating == expected[2])
    }

    @Test func `endpoints name their Pod and node`() {
        let pod = Sample.pod("a", "10.1.0.1") { pod in
            pod.spec?.nodeName = "node-1"
            pod.spec?.hostname = "db-0"
            pod.spec?.subdomain = "web"
        }
        let endpoint = ServiceSlices.groups(for: Sample.service(), pods: [pod]).first?.endpoints.first
        #expect(endpoint?.nodeName == "node-1")
        #expect(endpoint?.hostname == "db-0")
        #expect(endpoint?.targetRef == ObjectReference(kind: "Pod", namespace: "shop", name: "a", uid: "uid-a"))
    }

    @Test(
        arguments: [
            (nil, "node-1", true, nil), ("PreferClose", "node-1", true, EndpointHints(forZones: [.init(name: "a")])),
            ("PreferSameZone", "node-1", true, EndpointHints(forZones: [.init(name: "a")])),
            (
                "PreferSameNode", "node-1", true,
                EndpointHints(forZones: [.init(name: "a")], forNodes: [.init(name: "node-1")])
            ),
            ("PreferSameNode", "node-2", true, EndpointHints(forNodes: [.init(name: "node-2")])),
            ("PreferSameZone", "node-2", true, nil), ("PreferSameZone", "node-1", false, nil),
            ("Nowhere", "node-1", true, nil),
        ] as [(String?, String, Bool, EndpointHints?)])
    func `hints follow trafficDistribution, node and zone`(
        distribution: String?, node: String, ready: Bool, expected: EndpointHints?
    ) {
        let service = Sample.service { $0.spec?.trafficDistribution = distribution }
        let pod = Sample.pod("a", "10.1.0.1", ready: ready) { $0.spec?.nodeName = node }
        let zones = ["node-1": "a"]
        let endpoint = ServiceSlices.groups(for: service, pods: [pod], zone: { zones[$0] }).first?.endpoints.first
        #expect(endpoint?.zone == zones[node])
        #expect(endpoint?.hints == expected)
    }

    @Test(arguments: ["Failed", "Succeeded"])
    func `finished Pods are no endpoints`(phase: String) {
        let pod = Sample.pod("a", "10.1.0.1") { $0.status?.phase = phase }
        #expect(ServiceSlices.groups(for: Sample.service(), pods: [pod]).flatMap(\.endpoints).isEmpty)
    }

    @Test func `Pods without address are no endpoints`() {
        #expect(ServiceSlices.groups(for: Sample.service(), pods: [Sample.pod("a")]).flatMap(\.endpoints).isEmpty)
    }

    @Test func `named target ports are looked up on each Pod`() {
        let service = Sample.service { $0.spec?.ports?[0].targetPort = "web" }
        func pod(_ name: String, _ ip: String, _ port: Int) -> Pod {
            Sample.pod(name, ip) { pod in
                pod.spec?.containers?[0].ports = [
                    ContainerPort(name: "web", containerPort: 1, protocol: "UDP"),
                    ContainerPort(name: "web", containerPort: port),
                ]
            }
        }
        let sidecar = Sample.pod("s", "10.1.0.9") { pod in
            pod.spec?.initContainers = [
                Container(name: "once", ports: [ContainerPort(name: "web", containerPort: 1)]),
                Container(
                    name: "side", ports: [ContainerPort(name: "web", containerPort: 8080)], restartPolicy: "Always"),
            ]
        }
        let groups = ServiceSlices.groups(
            for: service,
            pods: [pod("a", "10.1.0.1", 8080), pod("b", "10.1.0.2", 9090), pod("c", "10.1.0.3", 8080), sidecar])
        #expect(groups.map { $0.ports.first?.port } == [8080, 9090])
        #expect(groups.map { $0.endpoints.count } == [3, 1])
    }

    @Test func `a named port that a Pod lacks leaves it without ports`() {
        let service = Sample.service { $0.spec?.ports?[0].targetPort = "web" }
        let groups = ServiceSlices.groups(for: service, pods: [Sample.pod("a", "10.1.0.1")])
        #expect(groups.count == 1)
        #expect(groups.first?.ports.isEmpty == true)
    }

    @Test func `dual stack Services get a slice of each family`() {
        let service = Sample.service { $0.spec?.ipFamilies = ["IPv6", "IPv4"] }
        let groups = ServiceSlices.groups(
            for: service, pods: [Sample.pod("a", "10.1.0.1", "fd00::1"), Sample.pod("b", "10.1.0.2")])
        #expect(groups.map(\.addressType) == ["IPv6", "IPv4"])
        #expect(groups[0].endpoints.map(\.addresses) == [["fd00::1"]])
        #expect(groups[1].endpoints.map(\.addresses) == [["10.1.0.1"], ["10.1.0.2"]])
    }

    @Test func `families come from cluster IPs where the Service lists none`() {
        let service = Sample.service { service in
            service.spec?.ipFamilies = nil
            service.spec?.clusterIPs = ["fd00::5", "10.0.0.5"]
        }
        #expect(ServiceSlices.addressFamilies(of: service) == [.v6, .v4])
        #expect(ServiceSlices.addressFamilies(of: Service()) == [.v4])
    }

    @Test func `headless Services are labelled and may have no ports`() {
        let service = Sample.service { service in
            service.metadata.labels = ["team": "a", "kubernetes.io/service-name": "forged"]
            service.spec?.clusterIP = "None"
            service.spec?.ports = nil
        }
        let template = ServiceSlices.template(for: service, triggerTime: nil)
        #expect(
            template.labels == [
                "team": "a", "kubernetes.io/service-name": "web", "service.kubernetes.io/headless": "",
                "endpointslice.kubernetes.io/managed-by": "endpointslice-controller.k8s.io",
            ])
        let groups = ServiceSlices.groups(for: service, pods: [Sample.pod("a", "10.1.0.1")])
        #expect(groups.first?.ports.isEmpty == true)
        #expect(groups.first?.endpoints.count == 1)
    }

    @Test func `the trigger time is the earliest change not seen yet`() {
        func pod(_ name: String, _ time: Int64) -> Pod {
            Sample.pod(name, "10.1.0.1") {
                $0.status?.conditions?[0].lastTransitionTime = Timestamp(secondsSinceEpoch: time)
            }
        }
        let service = Sample.service { $0.metadata.creationTimestamp = Timestamp(secondsSinceEpoch: 5) }
        var times = TriggerTimes()
        let first = times.observe(service, pods: [pod("a", 10), pod("b", 20)])
        #expect(first?.secondsSinceEpoch == 5)
        let second = times.observe(service, pods: [pod("a", 10), pod("b", 20)])
        #expect(second == nil)
        let third = times.observe(service, pods: [pod("a", 40), pod("b", 20), pod("c", 30)])
        #expect(third?.secondsSinceEpoch == 30)
    }
}
