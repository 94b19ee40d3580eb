import KubeModel
import NetworkTypes
import Testing
import TrafficModel

@testable import Controllers

@Suite("Marks of unhealthy endpoints") struct HealthMarksTests {
    private static func slice(_ endpoints: [Endpoint], annotations: [String: String]? = nil) -> EndpointSlice {
        EndpointSlice(
            metadata: ObjectMeta(
                name: "web-1", namespace: "default", resourceVersion: "7", annotations: annotations),
            endpoints: endpoints, ports: [EndpointPort(name: "http", port: 80)])
    }

    private static let authored = slice(
        [
            Endpoint(addresses: ["10.0.0.1"]),
            Endpoint(addresses: ["10.0.0.2"], conditions: EndpointConditions(ready: true, serving: true)),
            Endpoint(addresses: ["10.0.0.3"], conditions: EndpointConditions(ready: false)),
            Endpoint(
                addresses: ["10.0.0.4"],
                conditions: EndpointConditions(ready: false, serving: true, terminating: true)),
            Endpoint(addresses: ["10.0.0.5"], conditions: EndpointConditions(ready: false, serving: false)),
        ], annotations: ["mine": "yes"])

    private static let everybody: Set<String> = ["10.0.0.1", "10.0.0.2", "10.0.0.3", "10.0.0.4", "10.0.0.5"]

    @Test func `what a mark takes, taking it off gives back`() {
        let marked = HealthMarks.marked(Self.authored, Self.everybody)
        for endpoint in marked.endpoints ?? [] {
            #expect(endpoint.conditions?.ready == false && endpoint.conditions?.serving == false)
        }
        #expect(marked.endpoints?[3].conditions?.terminating == true)
        // There was nothing to take from the last.
        #expect(HealthMarks.addresses(of: marked) == Self.everybody.subtracting(["10.0.0.5"]))
        #expect(HealthMarks.unmarked(marked) == Self.authored)
        #expect(HealthMarks.marked(Self.authored, []) == Self.authored)
        #expect(HealthMarks.marked(Self.authored, ["10.9.9.9"]) == Self.authored)
    }

    @Test func `what is marked gets no traffic, not even while it terminates`() throws {
        func usable(_ slice: EndpointSlice) throws -> [String] {
            var slice = slice
            slice.metadata.labels = [EndpointSliceEntry.serviceNameLabel: "web"]
            return try #require(EndpointSliceEntry(slice)).endpoints.usable().map { "\($0.address.ip)" }
        }
        #expect(try usable(Self.authored) == ["10.0.0.1", "10.0.0.2"])
        let both: Set<String> = ["10.0.0.1", "10.0.0.2"]
        #expect(try usable(HealthMarks.marked(Self.authored, both)) == ["10.0.0.4"])
        #expect(try usable(HealthMarks.marked(Self.authored, Self.everybody)) == [])
    }

    @Test func `the author of a slice has the last word`() {
        var marked = HealthMarks.marked(Self.authored, ["10.0.0.1", "10.0.0.2"])
        // The first is rewritten, the second replaced by another.
        marked.endpoints?[0].conditions = EndpointConditions(ready: true)
        marked.endpoints?[1] = Endpoint(addresses: ["10.0.0.9"])
        let given = HealthMarks.unmarked(marked)
        #expect(given.endpoints?[0].conditions == EndpointConditions(ready: true))
        #expect(given.endpoints?[1] == Endpoint(addresses: ["10.0.0.9"]))
        #expect(given.metadata.annotations == ["mine": "yes"])
    }

    @Test(arguments: ["", "x", "{}", "[1, {}, {\"address\": 3}]", "[[[["])
    func `an annotation that nobody here wrote marks nothing and goes`(_ text: String) {
        let odd = Self.slice([Endpoint(addresses: ["10.0.0.1"])], annotations: [HealthMarks.annotation: text])
        #expect(HealthMarks.addresses(of: odd).isEmpty)
        #expect(HealthMarks.unmarked(odd) == Self.slice([Endpoint(addresses: ["10.0.0.1"])]))
    }

    @Test func `a patch touches conditions and the annotation, and only what nobody has written since`() {
        let marked = HealthMarks.marked(Self.authored, ["10.0.0.1"])
        #expect(
            HealthMarks.patch(from: Self.authored, to: marked) == [
                ["op": "replace", "path": "/metadata/resourceVersion", "value": "7"],
                ["op": "add", "path": "/endpoints/0/conditions", "value": ["ready": false, "serving": false]],
                [
                    "op": "add", "path": "/metadata/annotations/traffic.martlet.dev~1unhealthy-endpoints",
                    "value": "[{\"address\":\"10.0.0.1\"}]",
                ],
            ])
        #expect(
            HealthMarks.patch(from: marked, to: Self.authored) == [
                ["op": "replace", "path": "/metadata/resourceVersion", "value": "7"],
                ["op": "remove", "path": "/endpoints/0/conditions"],
                ["op": "remove", "path": "/metadata/annotations/traffic.martlet.dev~1unhealthy-endpoints"],
            ])
        #expect(HealthMarks.patch(from: marked, to: marked) == nil)
    }

    @Test func `the endpoints controllers keep marks wherever an endpoint goes`() throws {
        let owner = OwnerReference(apiVersion: "v1", kind: "Service", name: "web", uid: "u")
        let template = SliceTemplate(
            namespace: "default", generateName: "web", labels: [:], annotations: [:], owner: owner, triggerTime: nil)
        func plan(_ existing: [EndpointSlice], _ addresses: [String], ports: [EndpointPort]) -> SlicePlan {
            HealthMarks.keep(in: existing) {
                SlicePlanner.plan(
                    existing: $0,
                    groups: [
                        SliceGroup(
                            addressType: "IPv4", ports: ports,
                            endpoints: addresses.map {
                                Endpoint(addresses: [$0], conditions: EndpointConditions(ready: true, serving: true))
                            })
                    ], template: template, capacity: 100)
            }
        }
        let ports = [EndpointPort(name: "http", port: 80)]
        var made = try #require(plan([], ["10.0.0.1", "10.0.0.2"], ports: ports).create.first)
        made.metadata.name = "web-a"
        made.metadata.labels = [:]
        let marked = HealthMarks.marked(made, ["10.0.0.2"])
        // Nothing is written for the sake of a mark.
        #expect(plan([marked], ["10.0.0.1", "10.0.0.2"], ports: ports).isEmpty)
        // Another endpoint comes; then the ports change, and the slice is filled anew.
        for change in [
            plan([marked], ["10.0.0.1", "10.0.0.2", "10.0.0.3"], ports: ports),
            plan([marked], ["10.0.0.1", "10.0.0.2"], ports: [EndpointPort(name: "http", port: 81)]),
        ] {
            let written = try #require((change.update + change.create).first)
            #expect(HealthMarks.addresses(of: written) == ["10.0.0.2"])
            let second = written.endpoints?.first { $0.addresses == ["10.0.0.2"] }
            #expect(second?.conditions == EndpointConditions(ready: false, serving: false))
        }
        // The endpoint goes, and its mark with it.
        let rest = try #require(plan([marked], ["10.0.0.1"], ports: ports).update.first)
        #expect(rest.metadata.annotations?[HealthMarks.annotation] == nil)
    }

    @Test func `an address that stands in two slices with different ports keeps the mark of each`() {
        func slice(_ port: Int) -> EndpointSlice {
            var slice = Self.slice([Endpoint(addresses: ["127.0.0.1"])])
            slice.ports = [EndpointPort(name: "http", port: port)]
            return slice
        }
        let plan = HealthMarks.keep(in: [slice(81), HealthMarks.marked(slice(82), ["127.0.0.1"])]) {
            SlicePlan(create: [slice(83)], update: $0)
        }
        #expect(plan.update.map(HealthMarks.addresses) == [[], ["127.0.0.1"]])
        #expect(plan.create.map(HealthMarks.addresses) == [["127.0.0.1"]])
    }
}
