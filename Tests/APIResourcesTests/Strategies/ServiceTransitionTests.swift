import KubeModel
import Testing

@testable import APIResources

@Suite("What a Service may become") struct ServiceTransitionTests {
    enum Form: String, CaseIterable, Sendable {
        case clusterIP, nodePort, loadBalancer, externalName, headless

        var fields: [String: JSONValue?] {
            switch self {
            case .clusterIP: ["type": "ClusterIP"]
            case .nodePort: ["type": "NodePort"]
            case .loadBalancer:
                ["type": "LoadBalancer", "externalTrafficPolicy": "Local", "loadBalancerClass": "example.com/lb"]
            case .externalName: ["type": "ExternalName", "externalName": "example.com"]
            case .headless: ["type": "ClusterIP", "clusterIP": "None"]
            }
        }
    }

    struct Change: Sendable {
        var from: Form
        var to: Form

        /// What Kubernetes answers to a manifest that names only the new form; nil when it is accepted.
        var refusal: String? {
            switch (from, to) {
            case (.clusterIP, .headless), (.nodePort, .headless), (.loadBalancer, .headless):
                "spec.clusterIPs[0]: Invalid value: [\"None\"]: may not change once set"
            case (.headless, .nodePort):
                "spec.clusterIPs[0]: Invalid value: \"None\": may not be set to 'None' for NodePort services"
            case (.headless, .loadBalancer):
                "spec.clusterIPs[0]: Invalid value: \"None\": may not be set to 'None' for LoadBalancer services"
            default: nil
            }
        }
    }

    static let changes = Form.allCases.flatMap { from in Form.allCases.map { Change(from: from, to: $0) } }

    @Test(arguments: changes)
    func `every change of type ends as Kubernetes ends it and releases what is not held`(change: Change) throws {
        let fixture = try ServiceFixture()
        var old = try #require(fixture.create(service("web", change.from.fields)).document)
        if change.from == .loadBalancer {
            old["status"] = ["loadBalancer": ["ingress": [["ip": "192.0.2.1", "ipMode": "VIP"]]]]
        }
        let outcome = fixture.update(service("web", change.to.fields), from: old)
        if let refusal = change.refusal {
            #expect(outcome.refusals == [refusal])
            expectFree(fixture, holding: old)
            return
        }
        let new = try #require(outcome.document, "\(outcome)")
        expectForm(new, change)
        expectFree(fixture, holding: new)
        fixture.fixture.strategy.release(new)
        #expect(fixture.allocations.free == ([254], 2768))
    }

    private func expectForm(_ object: JSONValue, _ change: Change) {
        let document = ServiceDocument(object)
        // A manifest without clusterIP leaves a headless Service headless.
        let form = change.from == .headless && change.to == .clusterIP ? .headless : change.to
        let gatewayed = form == .nodePort || form == .loadBalancer
        #expect((document.ports.first?.nodePort ?? 0 != 0) == gatewayed)
        #expect((document.healthCheckNodePort != 0) == (form == .loadBalancer))
        #expect((document.allocateLoadBalancerNodePorts != nil) == (form == .loadBalancer))
        #expect(document.loadBalancerClass == (form == .loadBalancer ? "example.com/lb" : nil))
        #expect(
            document.externalTrafficPolicy == (form == .loadBalancer ? "Local" : form == .nodePort ? "Cluster" : ""))
        switch form {
        case .externalName:
            #expect(document.clusterIP.isEmpty && document.clusterIPs.isEmpty)
            #expect(document.ipFamilies.isEmpty && document.ipFamilyPolicy == nil)
        case .headless: #expect(document.clusterIPs == ["None"])
        default:
            #expect(document.clusterIPs == [document.clusterIP] && document.clusterIP.hasPrefix("10.0.0."))
            #expect(document.ipFamilies == ["IPv4"])
        }
        let hasAddress = object["status"]["loadBalancer"]["ingress"][0] != nil
        #expect(hasAddress == (change.from == .loadBalancer && form == .loadBalancer))
    }

    private func expectFree(_ fixture: ServiceFixture, holding object: JSONValue) {
        let holding = ServiceHolding(ServiceDocument(object))
        #expect(fixture.allocations.free == ([254 - holding.addresses.count], 2768 - holding.ports.count))
    }

    @Test(arguments: [ServiceTransitionTests.Form.clusterIP, .nodePort, .loadBalancer])
    func `applying the first manifest again keeps what was allocated`(form: Form) throws {
        let fixture = try ServiceFixture()
        let first = try #require(fixture.create(service("web", form.fields)).document)
        let second = try #require(fixture.update(service("web", form.fields), from: first).document)
        #expect(second == first)
        expectFree(fixture, holding: first)
    }

    @Test func `a kept address and kept node ports survive a change between types that have them`() throws {
        let fixture = try ServiceFixture()
        let first = try #require(fixture.create(service("web", Form.nodePort.fields)).document)
        let second = try #require(fixture.update(service("web", ["type": "LoadBalancer"]), from: first).document)
        #expect(second["spec"]["clusterIP"] == first["spec"]["clusterIP"])
        #expect(second["spec"]["ports"] == first["spec"]["ports"])
    }

    @Test func `a node port follows its port's name and is released with its port`() throws {
        let fixture = try ServiceFixture()
        let ports: JSONValue = [["name": "a", "port": 80], ["name": "b", "port": 81]]
        let first = try #require(fixture.create(service("web", ["type": "NodePort", "ports": ports])).document)
        let changed: JSONValue = [["name": "b", "port": 8081], ["name": "c", "port": 82]]
        let second = try #require(
            fixture.update(service("web", ["type": "NodePort", "ports": changed]), from: first).document)
        #expect(second["spec"]["ports"][0]["nodePort"] == first["spec"]["ports"][1]["nodePort"])
        let fresh = try #require(second["spec"]["ports"][1]["nodePort"].int)
        #expect(fresh != 0)
        expectFree(fixture, holding: second)
    }

    @Test func `a value that was changed along with the type is not dropped but refused`() throws {
        let fixture = try ServiceFixture()
        let first = try #require(fixture.create(service("web", ["type": "NodePort"])).document)
        let wanted = service("web", ["ports": [["port": 80, "nodePort": 30999]]])
        #expect(
            fixture.update(wanted, from: first).refusals
                == ["spec.ports[0].nodePort: Forbidden: may not be used when `type` is 'ClusterIP'"])
    }

    @Test func `a Service whose last finalizer goes claims nothing and gives up all it held`() throws {
        let fixture = try ServiceFixture()
        var old = try #require(fixture.create(service("web", ["type": "NodePort"])).document)
        old["metadata"]["deletionTimestamp"] = "2026-01-01T00:00:00Z"
        old["metadata"]["finalizers"] = ["example.com/hold"]
        var last = old
        last["metadata"]["finalizers"] = nil
        last["spec"]["ports"] = [["name": "a", "port": 1], ["name": "b", "port": 2]]
        #expect(fixture.update(last, from: old).document != nil)
        expectFree(fixture, holding: old)
        fixture.fixture.strategy.release(old)
        #expect(fixture.allocations.free == ([254], 2768))
    }

    @Test func `a dual-stack Service keeps both addresses when its manifest is applied again`() throws {
        let fixture = try ServiceFixture(["10.0.0.0/24", "fd00::/120"])
        let fields: [String: JSONValue?] = ["ipFamilyPolicy": "RequireDualStack", "ipFamilies": ["IPv6", "IPv4"]]
        let first = try #require(fixture.create(service("web", fields)).document)
        #expect(first["spec"]["clusterIP"].string?.hasPrefix("fd00::") == true)
        #expect(fixture.update(service(), from: first).document == first)
        #expect(fixture.allocations.free.addresses == [253, 254])
    }

    @Test(arguments: [
        (
            ["clusterIP": "None", "externalIPs": ["10.9.8.7"], "loadBalancerIP": "10.9.8.6"] as [String: JSONValue?],
            [
                "spec.loadBalancerIP is ignored when spec.clusterIP is \"None\"",
                "spec.externalIPs is ignored when spec.clusterIP is \"None\"",
            ]
        ), (["externalName": "a.example.com"], ["spec.externalName is ignored when spec.type is not \"ExternalName\""]),
        ([:], []),
    ])
    func `fields without effect get a warning`(fields: [String: JSONValue?], warnings: [String]) throws {
        let fixture = try ServiceFixture()
        let stored = try #require(fixture.create(service("web", fields)).document)
        #expect(fixture.fixture.strategy.warnings(for: stored, replacing: nil) == warnings)
    }
}
