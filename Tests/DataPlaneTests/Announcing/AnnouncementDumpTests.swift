import KubeModel
import Testing

@testable import DataPlane

@Suite("What announce dump says") struct AnnouncementDumpTests {
    /// A Service with an address of a pool, on two nodes that may announce it.
    private func objects() -> AnnouncementDump.Objects {
        var objects = AnnouncementDump.Objects()
        objects.services = [
            Service(
                metadata: ObjectMeta(
                    name: "web", namespace: "shop", uid: "u",
                    annotations: ["metallb.io/ip-allocated-from-pool": "edge"]),
                spec: ServiceSpec(
                    type: "LoadBalancer", clusterIP: "10.96.0.1", clusterIPs: ["10.96.0.1"],
                    ports: [ServicePort(port: 80)]),
                status: ServiceStatus(
                    loadBalancer: LoadBalancerStatus(ingress: [LoadBalancerIngress(ip: "192.0.2.1")])))
        ]
        objects.slices = [
            EndpointSlice(
                metadata: ObjectMeta(name: "web-1", namespace: "shop", labels: ["kubernetes.io/service-name": "web"]),
                addressType: "IPv4",
                endpoints: [Endpoint(addresses: ["10.1.0.1"], conditions: EndpointConditions(ready: true))],
                ports: [EndpointPort(port: 80)])
        ]
        objects.pools = [
            IPAddressPool(
                metadata: ObjectMeta(name: "edge", namespace: "metallb-system"),
                spec: IPAddressPoolSpec(addresses: ["192.0.2.0/24"]))
        ]
        objects.l2Advertisements = [L2Advertisement(metadata: ObjectMeta(name: "all", namespace: "metallb-system"))]
        objects.nodes = ["a", "b"].map { Node(metadata: ObjectMeta(name: $0)) }
        return objects
    }

    private func leases(isHeld: Bool) -> [Lease] {
        [
            Lease(
                metadata: ObjectMeta(
                    name: AnnouncementLease.announcer("a"), namespace: AnnouncementLease.namespace,
                    annotations: ["traffic.martlet.dev/announcer-life": "7"]),
                spec: LeaseSpec(holderIdentity: isHeld ? "a" : "", leaseDurationSeconds: 2)),
            Lease(
                metadata: ObjectMeta(
                    name: "announcement-claims-03", namespace: AnnouncementLease.namespace,
                    annotations: ["traffic.martlet.dev/announcers": "a 7 192.0.2.1"])),
        ]
    }

    @Test func `who holds the claim is named as long as its Lease is held`() {
        var objects = objects()
        objects.leases = leases(isHeld: true)
        #expect(
            AnnouncementDump.lines(objects) == [
                "192.0.2.1 layer2 shop/web: announced by a, of the candidates a b; "
                    + "IPAddressPool metallb-system/edge, by L2Advertisement metallb-system/all"
            ])
        objects.leases = leases(isHeld: false)
        let lines = AnnouncementDump.lines(objects)
        #expect(lines.first?.contains("announced by nobody yet, of the candidates a b") == true, "\(lines)")
    }

    @Test func `an interface that no node may have is named where nobody announces`() {
        var objects = objects()
        objects.l2Advertisements[0].spec = L2AdvertisementSpec(interfaces: ["eth9"])
        let line = AnnouncementDump.lines(objects).first ?? ""
        #expect(line.contains("announced by nobody yet, of the candidates a b"))
        #expect(
            line.contains("nor by a node that has no eth9") && line.hasSuffix("metallb-system/all on eth9"), "\(line)")
    }

    @Test func `an address of a pool that is gone, or has shrunk, is not announced, and it is said where it came from`()
    {
        var objects = objects()
        objects.pools = []
        #expect(
            AnnouncementDump.lines(objects) == [
                "192.0.2.1 shop/web: not announced: no pool holds the address (it was given from edge, which is gone)"
            ])
        objects = self.objects()
        objects.pools[0].spec?.addresses = ["192.0.2.128/25"]
        #expect(
            AnnouncementDump.lines(objects) == [
                "192.0.2.1 shop/web: not announced: no pool holds the address "
                    + "(it was given from edge, which no longer holds it)"
            ])
    }
}
