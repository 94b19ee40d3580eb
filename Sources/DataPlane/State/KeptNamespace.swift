package import KubeModel

/// What is kept of a Namespace: that it exists.
package struct KeptNamespace: KeptObject {
    package var metadata: ObjectMeta

    package init(_ namespace: Namespace) { metadata = .identity(of: namespace.metadata) }
}
