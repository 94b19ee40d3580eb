package import KubeModel

/// What is kept of a Namespace: that it exists.
package struct KeptNamespace: KeptObject {
    package var identity: KeptIdentity

    package init(_ namespace: Namespace) { identity = KeptIdentity(namespace.metadata) }
}
