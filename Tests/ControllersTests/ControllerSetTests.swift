import KubeClient
import KubeModel
import Logging
import NetworkTypes
import Synchronization
import Testing

@testable import Controllers

/// Whole controllers against an API server in memory: what they write for what users write.
@Suite("Controllers bring the API to what is wanted") struct ControllerSetTests {
    private let api = InMemoryAPI([
        Service.definition, EndpointSlice.definition, Endpoints.definition, Pod.definition, Node.definition,
        Namespace.definition, Secret.definition, Event.definition, Lease.definition, Ingress.definition,
        IngressClass.definition, RouteTable.definition, AddressPool.definition, IPAddressPool.definition,
    ])
    private var client: APIClient { APIClient(transport: api) }

    /// No machine is so slow that a Lease is lost, or not released, in these times.
    private static let patience = LeaderElectionTimes(
        leaseDuration: .seconds(7200), renewDeadline: .seconds(3600), retryPeriod: .seconds(1))

    private func running<Result>(
        _ names: [ControllerName], ingress: IngressControllerConfiguration = IngressControllerConfiguration(),
        election: Bool = false, _ body: () async throws -> Result
    ) async throws -> Result {
        let set = ControllerSet(
            names, client: client,
            configuration: ControllerConfiguration(
                leaderElection: LeaderElectionConfiguration(
                    isEnabled: election, identity: "test", times: Self.patience), ingress: ingress),
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
        let task = Task { try await set.run() }
        do {
            try await set.waitForSync()
            let result = try await body()
            task.cancel()
            _ = await task.result
            return result
        } catch {
            task.cancel()
            _ = await task.result
            throw error
        }
    }

    private func slices() async throws -> [EndpointSlice] { try await client.list(EndpointSlice.self).items }

    private func addresses() async throws -> [String] {
        try await slices().flatMap { $0.endpoints ?? [] }.compactMap { $0.addresses?.first }.sorted()
    }

    private func events(_ reason: String) async throws -> [Event] {
        try await client.list(Event.self).items.filter { $0.reason == reason }
    }

    private func create<Object: KubeObject>(_ object: Object, status: JSONValue? = nil) async throws -> Object {
        let created = try await client.create(object)
        guard let status else { return created }
        return try await client.patch(
            Object.self, created.metadata.name ?? "", namespace: created.metadata.namespace, .merge(["status": status]),
            subresource: "status")
    }

    @Test func `Pods become endpoints and vanish again`() async throws {
        try await running([.endpoints]) {
            _ = try await create(Sample.service())
            try await eventually { try await slices().count == 1 }
            _ = try await create(Sample.pod("a", "10.1.0.1"))
            _ = try await create(Sample.pod("b", "10.1.0.2"))
            _ = try await create(Sample.pod("other", "10.1.0.3", app: "other"))
            try await eventually { try await addresses() == ["10.1.0.1", "10.1.0.2"] }
            let name = try await slices().first?.metadata.name
            try await eventually {
                let endpoints = try await client.get(Endpoints.self, "web", namespace: "shop")
                return endpoints.subsets?.first?.addresses?.map(\.ip) == ["10.1.0.1", "10.1.0.2"]
            }
            try await client.delete(Pod.self, "a", namespace: "shop")
            try await eventually { try await addresses() == ["10.1.0.2"] }
            let after = try await slices().first?.metadata.name
            #expect(after == name)
            try await client.delete(Service.self, "web", namespace: "shop")
            try await eventually { try await slices().isEmpty }
            try await eventually { try await client.list(Endpoints.self).items.isEmpty }
        }
    }

    @Test func `settled controllers write nothing`() async throws {
        try await running([.endpoints]) {
            _ = try await create(Sample.service())
            _ = try await create(Sample.pod("a", "10.1.0.1"))
            try await eventually { try await addresses() == ["10.1.0.1"] }
            try await eventually { try await client.list(Endpoints.self).items.first?.subsets?.isEmpty == false }
            // Whatever the last writes caused is over once another Service went through the same queue.
            _ = try await create(Sample.service("second"))
            try await eventually { try await slices().count == 2 }
            try await eventually { try await client.list(Endpoints.self).items.count == 2 }
            let writes = { api.requests.filter { !$0.hasPrefix("GET") && !$0.contains("/leases") } }
            let before = writes().count
            _ = try await client.patch(
                Pod.self, "a", namespace: "shop", .merge(["metadata": ["annotations": ["note": "1"]]]))
            _ = try await create(Sample.service("third"))
            try await eventually { try await client.list(Endpoints.self).items.count == 3 }
            // The patch, the third Service, its slice and its Endpoints.
            #expect(writes().count == before + 4)
        }
    }

    @Test func `Endpoints by hand are mirrored`() async throws {
        try await running([.endpoints]) {
            _ = try await create(Sample.service { $0.spec?.selector = nil })
            _ = try await create(
                Endpoints(
                    metadata: ObjectMeta(name: "web", namespace: "shop"),
                    subsets: [
                        EndpointSubset(
                            addresses: [EndpointAddress(ip: "10.9.0.1")],
                            ports: [EndpointPort(name: "http", port: 80, protocol: "TCP")])
                    ]))
            try await eventually { try await addresses() == ["10.9.0.1"] }
            try await client.delete(Endpoints.self, "web", namespace: "shop")
            try await eventually { try await slices().isEmpty }
        }
    }

    private func registeredPod(grace: Int?, node: String? = "edge") async throws {
        _ = try await create(Sample.service())
        var pod = Sample.pod("vm")
        pod.status = nil
        pod.metadata.annotations = ["traffic.martlet.dev/address": "127.0.0.7"]
        pod.spec?.terminationGracePeriodSeconds = grace
        pod.spec?.nodeName = node
        _ = try await create(pod)
        try await eventually { try await addresses() == ["127.0.0.7"] }
        let registered = try await client.get(Pod.self, "vm", namespace: "shop")
        #expect(registered.status?.phase == "Running")
        #expect(PodEndpoint.isReady(registered))
    }

    @Test func `a Pod with an address registers and leaves at once`() async throws {
        try await running([.podRegistration, .endpoints]) {
            try await registeredPod(grace: 30, node: nil)
            try await client.delete(Pod.self, "vm", namespace: "shop")
            try await eventually { try await client.list(Pod.self).items.isEmpty }
            try await eventually { try await addresses().isEmpty }
        }
    }

    @Test func `a Pod drains until its time is over`() async throws {
        try await running([.podRegistration, .endpoints]) {
            try await registeredPod(grace: 1)
            try await client.delete(Pod.self, "vm", namespace: "shop")
            try await eventually {
                let conditions = try await slices().first?.endpoints?.first?.conditions
                return conditions == EndpointConditions(ready: false, serving: true, terminating: true)
            }
            try await eventually { try await client.list(Pod.self).items.isEmpty }
            try await eventually { try await addresses().isEmpty }
        }
    }

    @Test func `a terminating Pod of a node without kubelet is removed`() async throws {
        try await running([.podRegistration]) {
            _ = try await client.create(
                Lease(
                    metadata: ObjectMeta(name: "kept", namespace: "kube-node-lease"),
                    spec: LeaseSpec(leaseDurationSeconds: 4000, renewTime: WallClock.microTime)))
            for node in ["kept", "lost"] {
                var pod = Sample.pod(node)
                pod.spec?.nodeName = node
                pod.spec?.terminationGracePeriodSeconds = 30
                pod.status = PodStatus(phase: "Pending")
                _ = try await create(pod)
            }
            for node in ["kept", "lost"] { try await client.delete(Pod.self, node, namespace: "shop") }
            try await eventually {
                try await client.list(Pod.self).items.map(\.metadata.name) == ["kept"]
            }
        }
    }

    @Test func `a bad address is reported by an Event`() async throws {
        try await running([.podRegistration]) {
            var pod = Sample.pod("vm")
            pod.metadata.annotations = ["traffic.martlet.dev/address": "nowhere"]
            _ = try await create(pod)
            try await eventually { try await events("InvalidAddress").count == 1 }
        }
    }

    @Test func `probes decide readiness`() async throws {
        let isUp = Mutex(false)
        let changes = Mutex(0)
        let schedule = ProbeSchedule(
            check: { _, _ in isUp.withLock { $0 } ? nil : "refused" },
            onChange: { _ in changes.withLock { $0 += 1 } })
        let plan = ProbeSchedule.Plan(
            podUID: "1", target: ProbeTarget(host: "127.0.0.1", port: 80, check: .tcp), probe: Probe(periodSeconds: 1))
        schedule.set(["main": plan], for: Sample.key("a"), known: [])
        try await eventually { schedule.lastFailure("main", of: Sample.key("a")) == "refused" }
        #expect(schedule.isReady("main", of: Sample.key("a")) == false)
        isUp.withLock { $0 = true }
        try await eventually { schedule.isReady("main", of: Sample.key("a")) == true }
        schedule.set([:], for: Sample.key("a"), known: [])
        #expect(schedule.isReady("main", of: Sample.key("a")) == nil)
    }

    @Test func `TCP probes connect for real`() async throws {
        let client = try ProbeClient()
        // Nobody listens on a port of this address of ours.
        let refused = await client.check(
            ProbeTarget(host: "127.83.0.9", port: 9, check: .tcp), timeout: .seconds(5))
        #expect(refused != nil)
        let unknown = await client.check(
            ProbeTarget(host: "no address", port: 9, check: .tcp), timeout: .seconds(5))
        #expect(unknown == "no address is not an IP address")
    }

    @Test func `load balancer addresses are given and returned`() async throws {
        func balanced(_ name: String) -> Service { Sample.service(name) { $0.spec?.type = "LoadBalancer" } }
        func address(_ name: String) async throws -> String? {
            try await client.get(Service.self, name, namespace: "shop").status?.loadBalancer?.ingress?.first?.ip
        }
        try await running([.loadBalancer]) {
            _ = try await create(balanced("early"))
            try await eventually { try await events("AllocationFailed").count == 1 }
            _ = try await create(
                AddressPool(metadata: ObjectMeta(name: "p"), spec: AddressPoolSpec(addresses: ["192.0.2.1"])))
            try await eventually { try await address("early") == "192.0.2.1" }
            _ = try await create(balanced("late"))
            try await eventually { try await events("AllocationFailed").count == 2 }
            try await eventually {
                try await client.get(AddressPool.self, "p").status == AddressPoolStatus(total: 1, allocated: 1)
            }
            try await client.delete(Service.self, "early", namespace: "shop")
            try await eventually { try await address("late") == "192.0.2.1" }
            _ = try await client.patch(
                Service.self, "late", namespace: "shop", .merge(["spec": ["type": "ClusterIP"]]))
            try await eventually { try await address("late") == nil }
            try await eventually { try await client.get(AddressPool.self, "p").status?.allocated == 0 }
        }
    }

    @Test func `many Services get different addresses`() async throws {
        _ = try await create(
            AddressPool(metadata: ObjectMeta(name: "p"), spec: AddressPoolSpec(addresses: ["192.0.2.64/26"])))
        try await running([.loadBalancer]) {
            for number in 0..<64 {
                _ = try await create(Sample.service("s\(number)") { $0.spec?.type = "LoadBalancer" })
            }
            try await eventually {
                let ips = try await client.list(Service.self).items.compactMap {
                    $0.status?.loadBalancer?.ingress?.first?.ip
                }
                return ips.count == 64 && Set(ips).count == 64
            }
        }
    }

    private let published = IngressControllerConfiguration(publishAddresses: ["192.0.2.1"])

    @Test func `an Ingress becomes a table, with status and Events`() async throws {
        _ = try await create(Sample.ingressClass("martlet", controller: "martlet.dev/ingress"))
        try await running([.ingress], ingress: published) {
            _ = try await create(Sample.ingress())
            try await eventually { try await events("ServiceNotFound").count == 1 }
            try await eventually {
                let ingress = try await client.get(Ingress.self, "shop", namespace: "shop")
                return ingress.status?.loadBalancer?.ingress == [LoadBalancerIngress(ip: "192.0.2.1")]
            }
            func condition(_ type: String) async throws -> String? {
                let table = try await client.get(RouteTable.self, "shop", namespace: "shop")
                return table.status?.conditions?.first { $0.type == type }.map { "\($0.status) \($0.reason)" }
            }
            try await eventually { try await condition("ResolvedRefs") == "False ServiceNotFound" }
            #expect(try await condition("Accepted") == "True Accepted")
            _ = try await create(Sample.service())
            try await eventually { try await condition("ResolvedRefs") == "True ResolvedRefs" }
            // A younger Ingress that wants the same route learns that it lost.
            _ = try await create(Sample.ingress("younger", created: 200))
            try await eventually { try await events("Conflict").first?.involvedObject.name == "younger" }
            try await eventually {
                let table = try await client.get(RouteTable.self, "younger", namespace: "shop")
                return table.status?.conditions?.first { $0.type == "Accepted" }?.status == "False"
            }
            try await client.delete(Ingress.self, "shop", namespace: "shop")
            try await eventually {
                try await client.list(RouteTable.self).items.map(\.metadata.name) == ["younger"]
            }
            try await eventually {
                let table = try await client.get(RouteTable.self, "younger", namespace: "shop")
                return table.status?.conditions?.first?.reason == "Accepted"
            }
        }
    }

    @Test func `an Ingress that changes class is handed over`() async throws {
        _ = try await create(Sample.ingressClass("one", controller: "one"))
        _ = try await create(Sample.ingressClass("two", controller: "two"))
        _ = try await create(Sample.service())
        let one = IngressControllerConfiguration(controllerName: "one", publishAddresses: ["192.0.2.1"])
        let two = IngressControllerConfiguration(controllerName: "two", publishAddresses: ["192.0.2.2"])
        func state() async throws -> (owner: String?, address: String?) {
            let tables = try await client.list(RouteTable.self).items
            let ingress = try await client.get(Ingress.self, "shop", namespace: "shop")
            return (tables.first?.spec?.controllerName, ingress.status?.loadBalancer?.ingress?.first?.ip)
        }
        try await running([.ingress], ingress: one) {
            try await running([.ingress], ingress: two) {
                _ = try await create(Sample.ingress(className: "one"))
                try await eventually { try await state() == ("one", "192.0.2.1") }
                for round in 0..<10 {
                    let (name, ip) = round.isMultiple(of: 2) ? ("two", "192.0.2.2") : ("one", "192.0.2.1")
                    _ = try await client.patch(
                        Ingress.self, "shop", namespace: "shop", .merge(["spec": ["ingressClassName": .string(name)]]))
                    try await eventually { try await state() == (name, ip) }
                }
                _ = try await client.patch(
                    Ingress.self, "shop", namespace: "shop", .merge(["spec": ["ingressClassName": "nobody"]]))
                try await eventually { try await state() == (nil, nil) }
            }
        }
    }

    @Test func `what outlived its owner is removed`() async throws {
        let owner = try await create(Sample.ingress())
        let reference = OwnerReference(
            apiVersion: "networking.k8s.io/v1", kind: "Ingress", name: "shop", uid: owner.metadata.uid ?? "")
        var gone = reference
        gone.uid = "older"
        for (name, owners) in [("owned", [reference]), ("orphan", [gone]), ("free", [])] {
            _ = try await create(
                RouteTable(metadata: ObjectMeta(name: name, namespace: "shop", ownerReferences: owners)))
        }
        func names() async throws -> [String] {
            try await client.list(RouteTable.self).items.compactMap(\.metadata.name).sorted()
        }
        try await running([.garbageCollector]) {
            try await eventually { try await names() == ["free", "owned"] }
            try await client.delete(Ingress.self, "shop", namespace: "shop")
            try await eventually { try await names() == ["free"] }
        }
    }

    @Test func `each controller holds a Lease and releases it at the end`() async throws {
        try await running([.loadBalancer, .garbageCollector], election: true) {
            try await eventually {
                try await client.list(Lease.self).items.filter { $0.spec?.holderIdentity == "test" }.count == 2
            }
        }
        let leases = try await client.list(Lease.self).items
        #expect(
            leases.compactMap(\.metadata.name).sorted() == [
                "martlet-garbage-collector", "martlet-load-balancer-controller",
            ])
        #expect(leases.allSatisfy { $0.spec?.holderIdentity == "" })
    }

    @Test(
        arguments: [
            ("ingress-controller-martlet.dev/ingress", "martlet-ingress-controller-martlet.dev-ingress"),
            ("Ä/b_", "martlet---b"),
        ])
    func leaseNamesAreValidObjectNames(name: String, expected: String) {
        #expect(ControllerSet.leaseName(name) == expected)
    }
}
