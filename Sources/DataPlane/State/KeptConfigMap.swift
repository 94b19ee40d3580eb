package import KubeModel

/// What is kept of a ConfigMap that one asks for by its name: its text.
package struct KeptConfigMap: KeptObject {
    package var metadata: ObjectMeta
    package var data: [String: String]

    package init(_ map: ConfigMap) {
        metadata = .identity(of: map.metadata)
        data = map.data ?? [:]
    }
}
