package import KubeModel

/// What is kept of a Node for announcing: its labels, and whether it is fit to.
package struct KeptAnnouncingNode: KeptObject {
    package var metadata: ObjectMeta
    package var node: AnnouncingNode

    package init(_ node: Node) {
        metadata = .identity(of: node.metadata)
        self.node = AnnouncingNode(node)
    }
}
