import KubeModel
import Testing

@testable import Controllers

@Suite("Verdicts of health checks") struct HealthVerdictTests {
    private static func slice(
        _ addresses: [String], type: String = "IPv4", port: Int = 8080, ready: Bool? = nil
    ) -> EndpointSlice {
        EndpointSlice(
            addressType: type,
            endpoints: addresses.map {
                Endpoint(addresses: [$0], conditions: ready.map { EndpointConditions(ready: $0) })
            }, ports: [EndpointPort(name: "dns", port: 53, protocol: "UDP"), EndpointPort(name: "http", port: port)])
    }

    private static let spec = HealthCheckSpec(
        targetRefs: [HealthCheckTarget(name: "web")],
        httpGet: HTTPGetAction(path: "/live", port: .string("http"), host: "shop.example", scheme: "HTTPS"))

    /// Of all slices together, as these tests name no address twice.
    private static func unhealthy(_ verdict: HealthVerdict, _ slices: [EndpointSlice]) -> Set<String> {
        slices.reduce(into: []) { $0.formUnion(verdict.unhealthy(in: $1)) }
    }

    private static func verdict(
        _ slices: [EndpointSlice], _ spec: HealthCheckSpec = spec, failing: Set<String>
    ) -> HealthVerdict {
        HealthVerdict(slices, spec) { failing.contains($0.host) }
    }

    @Test func `a check goes to the endpoint and its port, whatever host it names`() {
        #expect(
            HealthVerdict.targets(of: Self.slice(["10.0.0.1"]), Self.spec) == [
                "10.0.0.1": ProbeTarget(
                    host: "10.0.0.1", port: 8080,
                    check: .http(
                        isSecure: true, path: "/live", headers: [HTTPHeader(name: "Host", value: "shop.example")]))
            ])
        var plain = Self.spec
        plain.httpGet = nil
        plain.tcpSocket = TCPSocketAction(port: .int(25), host: "10.9.9.9")
        #expect(
            HealthVerdict.targets(of: Self.slice(["fd00::1"], type: "IPv6"), plain) == [
                "fd00::1": ProbeTarget(host: "fd00::1", port: 25, check: .tcp)
            ])
        plain.tcpSocket = TCPSocketAction(port: .string("dns"))
        #expect(HealthVerdict.targets(of: Self.slice(["10.0.0.1"]), plain).isEmpty)
    }

    @Test(arguments: ["169.254.169.254", "224.0.0.1", "0.0.0.0", "fe80::1", "ff02::1", "::", "shop.example"])
    func `addresses that traffic may not go to are not asked`(_ address: String) {
        let slice = Self.slice([address], type: address.contains(":") ? "IPv6" : "IPv4")
        let verdict = Self.verdict([slice], failing: [address])
        #expect(verdict.unchecked == [address] && verdict.unhealthy(in: slice).isEmpty && !verdict.isAllFailed)
    }

    @Test func `those that fail are unhealthy, unless nobody would be left`() {
        let slices = [Self.slice(["10.0.0.1", "10.0.0.2"]), Self.slice(["10.0.0.3"], port: 9090)]
        #expect(Self.unhealthy(Self.verdict(slices, failing: ["10.0.0.2"]), slices) == ["10.0.0.2"])
        let all: Set<String> = ["10.0.0.1", "10.0.0.2", "10.0.0.3"]
        let kept = Self.verdict(slices, failing: all)
        #expect(Self.unhealthy(kept, slices).isEmpty && kept.isAllFailed && Set(kept.failing.map(\.host)) == all)
        var strict = Self.spec
        strict.allFailedPolicy = "StopServing"
        let stopped = Self.verdict(slices, strict, failing: all)
        #expect(Self.unhealthy(stopped, slices) == all && stopped.isAllFailed)
    }

    @Test func `one address with two ports is two endpoints`() {
        let slices = [Self.slice(["127.0.0.1"], port: 8081), Self.slice(["127.0.0.1"], port: 8082)]
        let verdict = HealthVerdict(slices, Self.spec) { $0.port == 8082 }
        #expect(verdict.checked.count == 2 && verdict.failing.map(\.port) == [8082] && !verdict.isAllFailed)
        #expect(slices.map(verdict.unhealthy(in:)) == [[], ["127.0.0.1"]])
    }

    @Test func `what its author calls not ready is nobody who would be left, and each family counts by itself`() {
        let slices = [
            Self.slice(["10.0.0.1"]), Self.slice(["10.0.0.2"], ready: false),
            Self.slice(["fd00::1", "fd00::2"], type: "IPv6"),
        ]
        let verdict = Self.verdict(slices, failing: ["10.0.0.1", "fd00::1"])
        #expect(Self.unhealthy(verdict, slices) == ["fd00::1"])
        #expect(verdict.isAllFailed)
    }

    @Test func `a status says what is wrong, and keeps the time of what has not changed`() throws {
        let early = try #require(Timestamp("2026-01-01T00:00:00Z"))
        let late = try #require(Timestamp("2026-01-02T00:00:00Z"))
        func status(_ failing: Set<String>, _ old: HealthCheckStatus?, _ now: Timestamp) -> HealthCheckStatus {
            let verdict = Self.verdict([Self.slice(["10.0.0.1", "10.0.0.2"])], failing: failing)
            return HealthFindings(findings: [("web", .checked(verdict)), ("gone", .missing)]).status(
                replacing: old, generation: 3, now: now)
        }
        let first = status([], nil, early)
        #expect(first.endpoints == 2 && first.failing == 0)
        #expect(first.conditions?.map(\.status) == ["False", "True"])
        #expect(first.conditions?[0].message == "there is no Service gone")
        #expect(status([], first, late) == first)
        let second = status(["10.0.0.2"], first, late)
        #expect(second.failing == 1)
        #expect(second.conditions?[0].lastTransitionTime == early)
        #expect(second.conditions?[1].lastTransitionTime == late)
        #expect(second.conditions?[1].message == "failing: 10.0.0.2:8080")
        let third = status(["10.0.0.1", "10.0.0.2"], second, late)
        #expect(third.conditions?[1].reason == "AllEndpointsFailing")
        let idle = HealthFindings(findings: [("gone", .missing)]).status(replacing: nil, generation: 1, now: early)
        #expect(idle.conditions?[1].status == "Unknown" && idle.conditions?[1].reason == "NothingToCheck")
    }
}
