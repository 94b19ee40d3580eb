import KubeModel
import NetworkTypes
import Testing

@testable import DataPlane

@Suite("What a machine says of itself") struct NodeDescriptionTests {
    @Test func `a node file`() throws {
        let text = "addresses: [10.0.0.1, \"fd00::1\"]\nzone: z1\nregion: r1\nlabels: {a: b}\n"
        let description = try NodeDescription(nodeFile: Array(text.utf8))
        #expect(description.addresses.map(\.description) == ["10.0.0.1", "fd00::1"])
        #expect(
            description.labels == [
                "topology.kubernetes.io/zone": "z1", "topology.kubernetes.io/region": "r1", "a": "b",
            ])
    }

    @Test(arguments: [
        ("zones: z1", "zones"), ("addresses: [nowhere]", "nowhere"), ("zone: 1", "zone"),
        ("labels: {\"a b\": c}", "a b"), ("labels: {node-role.kubernetes.io/edge: \"\"}", "kubectl label node"),
        ("addresses: [10.0.0.1, 10.0.0.2]", "each family"), ("addresses: [0.0.0.0]", "0.0.0.0"), ("- x", "mapping"),
        ("zone: [", "YAML"), ("zone: \"a b\"", "a b"),
    ])
    func `a bad node file names the field`(text: String, part: String) {
        let error = #expect(throws: NodeDescription.Malformed.self) { try NodeDescription(nodeFile: Array(text.utf8)) }
        #expect(error?.description.contains(part) == true, "\(String(describing: error))")
    }

    @Test func `cloud-init's facts fill what nobody said`() {
        let facts = #"{"v1": {"availability_zone": "eu-1a", "region": "eu-1", "cloud_name": "x"}, "ds": {}}"#
        let cloud = NodeDescription(instanceData: Array(facts.utf8))
        #expect(cloud.labels == [Node.zoneLabel: "eu-1a", NodeDescription.regionLabel: "eu-1"])
        let own = NodeDescription(addresses: [], zone: "mine", region: nil, labels: [:]).filled(from: cloud)
        #expect(own.labels == [Node.zoneLabel: "mine", NodeDescription.regionLabel: "eu-1"])
    }

    @Test(arguments: [
        "", "nonsense", "{}", #"{"v1": 1}"#, #"{"v1": {"region": 1, "availability_zone": "not a label"}}"#,
    ])
    func `other facts say nothing`(text: String) {
        #expect(NodeDescription(instanceData: Array(text.utf8)) == NodeDescription())
    }

    @Test func `a Lease goes with its Node and is told from a kubelet's`() {
        let lease = NodeHeartbeat.lease(name: "a", uid: "1", seconds: 40, now: .init(microsecondsSinceEpoch: 5))
        #expect(lease.metadata.namespace == "kube-node-lease")
        #expect(lease.metadata.ownerReferences?.first?.uid == "1")
        #expect(lease.metadata.annotations?[NodeRegistration.annotation] == "dataplane")
        #expect(lease.spec?.leaseDurationSeconds == 40)
    }
}
