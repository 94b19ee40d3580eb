import KubeModel
import Testing

@testable import Controllers

@Suite("Slices change as little as possible") struct SlicePlannerTests {
    private let ports = [EndpointPort(name: "http", port: 8080, protocol: "TCP")]
    private let template = SliceTemplate(
        namespace: "shop", generateName: "web", labels: ["kubernetes.io/service-name": "web"], annotations: [:],
        owner: OwnerReference(apiVersion: "v1", kind: "Service", name: "web", uid: "1"), triggerTime: nil)

    private func endpoint(_ number: Int, ready: Bool = true) -> Endpoint {
        Endpoint(addresses: ["10.1.\(number / 256).\(number % 256)"], conditions: EndpointConditions(ready: ready))
    }

    private func group(_ numbers: some Sequence<Int>, ports: [EndpointPort]? = nil) -> SliceGroup {
        SliceGroup(addressType: "IPv4", ports: ports ?? self.ports, endpoints: numbers.map { endpoint($0) })
    }

    /// Carries out a plan as the server would.
    private func apply(_ plan: SlicePlan, to slices: [EndpointSlice]) -> [EndpointSlice] {
        var result = slices.filter { slice in !plan.delete.contains { $0.metadata.name == slice.metadata.name } }
        for update in plan.update {
            if let index = result.firstIndex(where: { $0.metadata.name == update.metadata.name }) {
                result[index] = update
            }
        }
        let names = Set(result.compactMap(\.metadata.name))
        var free = (0...).lazy.map { "slice-\($0 + 10000)" }.filter { !names.contains($0) }.makeIterator()
        for var slice in plan.create {
            slice.metadata.name = free.next()
            result.append(slice)
        }
        return result
    }

    private func plan(_ existing: [EndpointSlice], _ groups: [SliceGroup], capacity: Int = 100) -> SlicePlan {
        SlicePlanner.plan(existing: existing, groups: groups, template: template, capacity: capacity)
    }

    private func addresses(_ slices: [EndpointSlice]) -> [String] {
        slices.flatMap { $0.endpoints ?? [] }.compactMap { $0.addresses?.first }.sorted()
    }

    @Test(arguments: [(0, 1), (1, 1), (100, 1), (101, 2), (250, 3)])
    func `new endpoints fill slices of the capacity`(count: Int, slices: Int) {
        let plan = plan([], [group(0..<count)])
        #expect(plan.create.count == slices)
        #expect(plan.create.allSatisfy { ($0.endpoints ?? []).count <= 100 })
        #expect(addresses(plan.create).count == count)
        #expect(plan.create.allSatisfy { $0.metadata.generateName == "web-" && $0.metadata.name == nil })
    }

    @Test func `nothing is written when nothing changed`() {
        let slices = apply(plan([], [group(0..<150)]), to: [])
        #expect(plan(slices, [group(0..<150)]).isEmpty)
        #expect(plan(slices, [group((0..<150).reversed())]).isEmpty)
    }

    @Test func `a changed condition writes one slice in place`() {
        let slices = apply(plan([], [group(0..<250)]), to: [])
        var changed = group(0..<250)
        changed.endpoints[120].conditions?.ready = false
        let plan = plan(slices, [changed])
        #expect(plan.create.isEmpty && plan.delete.isEmpty)
        #expect(plan.update.count == 1)
        #expect(plan.update.first?.metadata.name == slices[1].metadata.name)
        #expect(plan.update.first?.endpoints?[20].conditions?.ready == false)
    }

    @Test func `a new endpoint goes to a slice that is written anyway`() {
        let slices = apply(plan([], [group(0..<150)]), to: [])
        // The first slice loses one: the new endpoint takes its place although the second has more room.
        let plan = plan(slices, [group(Array(1..<150) + [500])])
        #expect(plan.update.count == 1)
        #expect(plan.update.first?.metadata.name == slices[0].metadata.name)
        #expect(plan.create.isEmpty && plan.delete.isEmpty)
    }

    @Test func `slices are not balanced`() {
        let slices = apply(plan([], [group(0..<200)]), to: [])
        let plan = plan(slices, [group(Array(0..<10) + Array(100..<110))])
        #expect(plan.update.count == 2)
        #expect(plan.delete.isEmpty)
    }

    @Test func `a slice that loses all is deleted and the last one stays empty`() {
        let slices = apply(plan([], [group(0..<200)]), to: [])
        let half = plan(slices, [group(0..<100)])
        #expect(half.delete.map(\.metadata.name) == [slices[1].metadata.name])
        #expect(half.update.isEmpty)
        let none = apply(plan(slices, [group([])]), to: slices)
        #expect(none.count == 1)
        #expect(addresses(none).isEmpty)
    }

    @Test func `changed ports reuse the slice that nobody needs`() {
        let slices = apply(plan([], [group(0..<5)]), to: [])
        let other = [EndpointPort(name: "http", port: 9090, protocol: "TCP")]
        let plan = plan(slices, [group(0..<5, ports: other)])
        #expect(plan.create.isEmpty && plan.delete.isEmpty)
        #expect(plan.update.first?.metadata.name == slices.first?.metadata.name)
        #expect(plan.update.first?.ports == other)
    }

    @Test func `address types never mix`() {
        let v6 = SliceGroup(addressType: "IPv6", ports: ports, endpoints: [Endpoint(addresses: ["fd00::1"])])
        let slices = apply(plan([], [group(0..<5), v6]), to: [])
        #expect(slices.map(\.addressType).sorted() == ["IPv4", "IPv6"])
        let plan = plan(slices, [v6])
        #expect(plan.delete.map(\.addressType) == ["IPv4"])
        #expect(plan.update.isEmpty && plan.create.isEmpty)
    }

    @Test func `an endpoint in two slices is kept once`() {
        var slices = apply(plan([], [group(0..<5)]), to: [])
        var copy = slices[0]
        copy.metadata.name = "zz-copy"
        slices.append(copy)
        let after = apply(plan(slices, [group(0..<5)]), to: slices)
        #expect(addresses(after).count == 5)
        #expect(after.map(\.metadata.name) == [slices[0].metadata.name])
    }

    @Test func `changed labels are written and annotations of others stay`() {
        var slices = apply(plan([], [group(0..<5)]), to: [])
        slices[0].metadata.annotations = ["theirs": "1"]
        #expect(plan(slices, [group(0..<5)]).isEmpty)
        var template = template
        template.labels["app"] = "web"
        template.triggerTime = Timestamp(secondsSinceEpoch: 0)
        let plan = SlicePlanner.plan(existing: slices, groups: [group(0..<5)], template: template, capacity: 100)
        #expect(plan.update.first?.metadata.labels?["app"] == "web")
        #expect(
            plan.update.first?.metadata.annotations == [
                "theirs": "1", "endpoints.kubernetes.io/last-change-trigger-time": "1970-01-01T00:00:00Z",
            ])
    }

    /// Whatever happens, every endpoint is there exactly once, no slice is too full, and a second look is content.
    @Test func `random histories converge`() {
        var random = SystemRandomNumberGenerator()
        for capacity in [1, 3, 7] {
            var slices: [EndpointSlice] = []
            for _ in 0..<200 {
                let wanted = (0..<30).filter { _ in Bool.random(using: &random) }
                let groups = [
                    group(wanted.filter { $0 % 3 != 0 }),
                    group(
                        wanted.filter { $0 % 3 == 0 }, ports: [EndpointPort(name: "http", port: 1, protocol: "TCP")]),
                ]
                slices = apply(plan(slices, groups, capacity: capacity), to: slices)
                let expected = groups.flatMap(\.endpoints).compactMap { $0.addresses?.first }.sorted()
                #expect(addresses(slices) == expected)
                #expect(slices.allSatisfy { ($0.endpoints ?? []).count <= capacity })
                #expect(plan(slices, groups, capacity: capacity).isEmpty)
            }
        }
    }
}
