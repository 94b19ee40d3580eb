package import KubeModel

/// A node that may announce.
package struct AnnouncingNode: Hashable, Sendable {
    package var name: String
    package var labels: [String: String]
    /// Ready, with a network, and not kept away from load balancing by its label.
    package var isFit: Bool
    /// New work is to stay away from it; it announces what nobody else can.
    package var isCordoned: Bool

    /// The well-known label; its value does not matter (KEP-1143).
    static let exclusionLabel = "node.kubernetes.io/exclude-from-external-load-balancers"

    package init(name: String, labels: [String: String] = [:], isFit: Bool = true, isCordoned: Bool = false) {
        self.name = name
        self.labels = labels
        self.isFit = isFit
        self.isCordoned = isCordoned
    }

    package init(_ node: Node) {
        let conditions = node.status?.conditions ?? []
        let labels = node.metadata.labels ?? [:]
        // Who says nothing of being ready has nobody who would say otherwise.
        let isReady = conditions.first { $0.type == "Ready" }.map { $0.status == "True" } ?? true
        let hasNetwork = conditions.first { $0.type == "NetworkUnavailable" }.map { $0.status != "True" } ?? true
        self.init(
            name: node.metadata.name ?? "", labels: labels,
            isFit: isReady && hasNetwork && labels[Self.exclusionLabel] == nil,
            isCordoned: node.spec?.unschedulable ?? false)
    }
}
