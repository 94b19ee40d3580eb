import KubeModel
import Testing

@testable import Controllers

@Suite("Endpoints objects and EndpointSlices say the same") struct LegacyEndpointsTests {
    @Test func `ready and unready addresses are kept apart`() throws {
        let wanted = try #require(
            LegacyEndpoints.plan(
                for: Sample.service(),
                pods: [
                    Sample.pod("b", "10.1.0.2"), Sample.pod("a", "10.1.0.1"), Sample.pod("c", "10.1.0.3", ready: false),
                ], existing: nil, triggerTime: Timestamp(secondsSinceEpoch: 0)))
        #expect(wanted.subsets?.count == 1)
        #expect(wanted.subsets?.first?.addresses?.map(\.ip) == ["10.1.0.1", "10.1.0.2"])
        #expect(wanted.subsets?.first?.notReadyAddresses?.map(\.ip) == ["10.1.0.3"])
        #expect(wanted.subsets?.first?.ports == [EndpointPort(name: "http", port: 8080, protocol: "TCP")])
        #expect(wanted.metadata.labels?["endpoints.kubernetes.io/managed-by"] == "endpoint-controller")
        #expect(
            wanted.metadata.annotations == [
                "endpoints.kubernetes.io/last-change-trigger-time": "1970-01-01T00:00:00Z"
            ])
    }

    @Test func `the object is written only when it changes`() throws {
        let pods = [Sample.pod("a", "10.1.0.1"), Sample.pod("b", "10.1.0.2")]
        let first = try #require(
            LegacyEndpoints.plan(
                for: Sample.service(), pods: pods, existing: nil, triggerTime: Timestamp(secondsSinceEpoch: 1)))
        var stored = first
        stored.metadata.annotations?[SlicePlanner.triggerTimeAnnotation] = nil
        let again = LegacyEndpoints.plan(
            for: Sample.service(), pods: pods.reversed(), existing: stored, triggerTime: nil)
        #expect(again == nil)
        let fewer = LegacyEndpoints.plan(
            for: Sample.service(), pods: [pods[0]], existing: stored, triggerTime: nil)
        #expect(fewer?.subsets?.first?.addresses?.count == 1)
    }

    @Test func `the trigger time alone is no reason to write`() throws {
        let pods = [Sample.pod("a", "10.1.0.1")]
        let first = try #require(
            LegacyEndpoints.plan(
                for: Sample.service(), pods: pods, existing: nil, triggerTime: Timestamp(secondsSinceEpoch: 1)))
        let again = LegacyEndpoints.plan(
            for: Sample.service(), pods: pods, existing: first, triggerTime: Timestamp(secondsSinceEpoch: 2))
        #expect(again == nil)
    }

    @Test func `terminating Pods are left out unless unready ones are welcome`() {
        let pod = Sample.pod("a", "10.1.0.1") { $0.metadata.deletionTimestamp = Timestamp(secondsSinceEpoch: 1) }
        #expect(LegacyEndpoints.subsets(for: Sample.service(), pods: [pod]).subsets?.isEmpty == true)
        let welcome = Sample.service { $0.spec?.publishNotReadyAddresses = true }
        #expect(LegacyEndpoints.subsets(for: welcome, pods: [pod]).subsets?.first?.addresses?.count == 1)
    }

    @Test func `only the first family is listed`() {
        let service = Sample.service { $0.spec?.ipFamilies = ["IPv6", "IPv4"] }
        let (subsets, _) = LegacyEndpoints.subsets(for: service, pods: [Sample.pod("a", "10.1.0.1", "fd00::1")])
        #expect(subsets?.first?.addresses?.map(\.ip) == ["fd00::1"])
    }

    @Test func `more than a thousand are truncated, ready ones first`() throws {
        let pods = (0..<1100).map { number in
            Sample.pod("p\(number)", "10.1.\(number / 250).\(number % 250)", ready: number >= 600)
        }
        let wanted = try #require(
            LegacyEndpoints.plan(for: Sample.service(), pods: pods, existing: nil, triggerTime: nil))
        #expect(wanted.metadata.annotations?["endpoints.kubernetes.io/over-capacity"] == "truncated")
        #expect(wanted.subsets?.first?.addresses?.count == 500)
        #expect(wanted.subsets?.first?.notReadyAddresses?.count == 500)
        let fewer = try #require(
            LegacyEndpoints.plan(for: Sample.service(), pods: [pods[700]], existing: wanted, triggerTime: nil))
        #expect(fewer.metadata.annotations?["endpoints.kubernetes.io/over-capacity"] == nil)
    }

    @Test func `mirroring takes only what nobody else manages`() {
        let endpoints = Endpoints(metadata: ObjectMeta(name: "web", namespace: "shop"))
        let plain = Sample.service { $0.spec?.selector = nil }
        #expect(MirroredSlices.isWanted(endpoints, service: plain))
        #expect(!MirroredSlices.isWanted(endpoints, service: nil))
        #expect(!MirroredSlices.isWanted(endpoints, service: Sample.service()))
        var skipped = endpoints
        skipped.metadata.labels = ["endpointslice.kubernetes.io/skip-mirror": "true"]
        #expect(!MirroredSlices.isWanted(skipped, service: plain))
        var election = endpoints
        election.metadata.annotations = ["control-plane.alpha.kubernetes.io/leader": "{}"]
        #expect(!MirroredSlices.isWanted(election, service: plain))
    }

    @Test func `subsets are mirrored by family and ports`() {
        let endpoints = Endpoints(
            metadata: ObjectMeta(
                name: "web", namespace: "shop", uid: "1", labels: ["team": "a"],
                annotations: ["note": "x", "endpoints.kubernetes.io/last-change-trigger-time": "now"]),
            subsets: [
                EndpointSubset(
                    addresses: [EndpointAddress(ip: "10.0.0.1"), EndpointAddress(ip: "fd00::1")],
                    notReadyAddresses: [EndpointAddress(ip: "10.0.0.2"), EndpointAddress(ip: "bad")],
                    ports: [EndpointPort(port: 80)])
            ])
        let groups = MirroredSlices.groups(for: endpoints)
        #expect(groups.map(\.addressType) == ["IPv4", "IPv6"])
        #expect(groups[0].endpoints.map { $0.conditions?.ready } == [true, false])
        #expect(groups[0].ports == [EndpointPort(name: "", port: 80, protocol: "TCP")])
        let template = MirroredSlices.template(for: endpoints)
        #expect(template.annotations == ["note": "x"])
        #expect(template.labels["endpointslice.kubernetes.io/managed-by"] == MirroredSlices.managedBy)
        #expect(template.labels["team"] == "a")
        #expect(template.owner.kind == "Endpoints")
    }
}
