import KubeClient
import KubeModel

/// The ConfigMap in which clusters keep the Corefile, and the one with what users add to it.
struct CorefileSource: Sendable {
    static let key = NamespacedName(namespace: "kube-system", name: "coredns")
    static let additionsKey = NamespacedName(namespace: "kube-system", name: "coredns-custom")
    /// Where a cluster mounts their keys, which is how a Corefile names them.
    static let directory = "/etc/coredns"
    static let additionsDirectory = "/etc/coredns/custom"

    struct Written: Sendable {
        var map: ObjectReference
        var text: String
        /// By path.
        var files: [String: String]
    }

    let changed = ChangeSignal()
    private let main: ObjectStore<KeptConfigMap>
    private let additions: ObjectStore<KeptConfigMap>

    init(_ informers: InformerSet) {
        let changed = changed
        func informer(_ key: NamespacedName) -> Informer<KeptConfigMap> {
            let informer = informers.informer(
                for: KeptConfigMap.self, where: "metadata.namespace=\(key.namespace),metadata.name=\(key.name)")
            informer.addHandler { _ in changed.raise() }
            return informer
        }
        main = informer(Self.key).store
        additions = informer(Self.additionsKey).store
    }

    /// Nil where there is no ConfigMap, or none with a Corefile.
    var current: Written? {
        guard let map = main[Self.key], let text = map.data["Corefile"] else { return nil }
        return Written(
            map: ObjectReference(to: map), text: text, files: Self.files(map, additions[Self.additionsKey]))
    }

    /// The keys of the ConfigMaps by the path that a cluster mounts them at.
    static func files(_ map: KeptConfigMap, _ additions: KeptConfigMap?) -> [String: String] {
        var files: [String: String] = [:]
        for (name, text) in map.data { files["\(directory)/\(name)"] = text }
        for (name, text) in additions?.data ?? [:] { files["\(additionsDirectory)/\(name)"] = text }
        return files
    }
}

extension Corefile {
    /// Whether some `hosts` reads a file.
    func names(_ file: String) -> Bool {
        servers.contains { $0.directives.contains { $0.name == "hosts" && $0.arguments.first == file } }
    }
}
