import KubeModel
import Testing

@Suite("Labels that a node may give itself") struct NodeLabelTests {
    @Test(arguments: [
        "rack", "example.com/rack", "kubernetes.io/hostname", "topology.kubernetes.io/zone", "node.kubernetes.io/x",
        "gpu.node.kubernetes.io/x", "kubelet.kubernetes.io/x", "notkubernetes.io/x",
    ])
    func `whatever is the owner's own, and what a machine knows of itself`(key: String) {
        #expect(NodeLabel.mayBeSetByNode(key))
    }

    @Test(arguments: [
        "node-role.kubernetes.io/control-plane", "node-restriction.kubernetes.io/x",
        "a.node-restriction.kubernetes.io/x",
        "kubernetes.io/x", "k8s.io/x", "topology.k8s.io/zone", "topology.kubernetes.io/rack",
    ])
    func `but no role, and nothing else of Kubernetes' domains`(key: String) {
        #expect(!NodeLabel.mayBeSetByNode(key))
    }
}
