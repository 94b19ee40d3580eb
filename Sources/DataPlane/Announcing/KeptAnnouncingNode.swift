package import KubeModel

/// What is kept of a Node for announcing: its labels, and whether it is fit to.
package struct KeptAnnouncingNode: KeptObject {
    package var identity: KeptIdentity
    package var node: AnnouncingNode

    package init(_ node: Node) {
        identity = KeptIdentity(node.metadata)
        self.node = AnnouncingNode(node)
    }
}
