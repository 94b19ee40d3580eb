import KubeModel
import NetworkTypes
import Testing

@testable import DataPlane

@Suite("Which node tells which routers, as text") struct BGPDumpTests {
    private static let home = "metallb-system"

    private func lines(_ change: (inout AnnouncementDump.Objects) -> Void = { _ in }) -> [String] {
        var objects = AnnouncementDump.Objects()
        var service = Service(metadata: ObjectMeta(name: "web", namespace: "shop"))
        service.spec = ServiceSpec(
            type: "LoadBalancer", clusterIP: "10.96.0.1", clusterIPs: ["10.96.0.1"], ports: [ServicePort(port: 80)])
        service.status = ServiceStatus(
            loadBalancer: LoadBalancerStatus(ingress: [LoadBalancerIngress(ip: "203.0.113.7")]))
        objects.services = [service]
        objects.slices = [
            EndpointSlice(
                metadata: ObjectMeta(
                    name: "web-1", namespace: "shop", labels: ["kubernetes.io/service-name": "web"]),
                addressType: "IPv4", endpoints: [Endpoint(addresses: ["10.0.1.1"], nodeName: "a")],
                ports: [EndpointPort(port: 80)])
        ]
        objects.nodes = ["a", "b"].map { Node(metadata: ObjectMeta(name: $0, labels: ["name": $0])) }
        objects.pools = [
            IPAddressPool(
                metadata: ObjectMeta(name: "pool", namespace: Self.home),
                spec: IPAddressPoolSpec(addresses: ["203.0.113.0/24"]))
        ]
        objects.bgpAdvertisements = [
            BGPAdvertisement(metadata: ObjectMeta(name: "all", namespace: Self.home))
        ]
        objects.bgpPeers = [
            BGPPeer(
                metadata: ObjectMeta(name: "router", namespace: Self.home),
                spec: BGPPeerSpec(myASN: 64512, peerASN: 64500, peerAddress: "10.0.0.1"))
        ]
        change(&objects)
        return AnnouncementDump.lines(objects)
    }

    @Test func `each node is named with the peers that it tells`() {
        let lines = lines {
            var second = $0.bgpPeers[0]
            second.metadata.name = "second"
            second.spec?.nodeSelectors = [LabelSelector(matchLabels: ["name": "b"])]
            $0.bgpPeers.append(second)
        }
        #expect(lines.count == 1)
        #expect(
            lines.first?.hasPrefix(
                "203.0.113.7 bgp shop/web: announced by a to router, b to router second; IPAddressPool") == true,
            "\(lines)")
    }

    @Test func `without a peer nobody announces, and what is not followed is said`() {
        #expect(lines { $0.bgpPeers = [] }.first?.contains("announced by nobody: no BGPPeer is told") == true)
        let broken = lines { $0.bgpPeers[0].spec?.vrf = "red" }
        #expect(broken.last?.hasPrefix("BGPPeer metallb-system/router: no session is opened: VRFs (red)") == true)
    }
}
