package import KubeModel

/// What is kept of a ConfigMap that one asks for by its name: its text.
package struct KeptConfigMap: KeptObject {
    package var identity: KeptIdentity
    package var data: [String: String]

    package init(_ map: ConfigMap) {
        identity = KeptIdentity(map.metadata)
        data = map.data ?? [:]
    }
}
