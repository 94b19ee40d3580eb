import KubeModel

/// What the admission plugins that Kubernetes has on by default set in Pods.
enum PodAdmission {
    /// How long a Pod stays on a node that is lost.
    private static let tolerationSeconds = 300
    private static let lostNode = ["node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable"]
    /// The classes that every cluster has (KEP-268).
    private static let systemPriorities: [String: Int64] = [
        "system-cluster-critical": 2_000_000_000, "system-node-critical": 2_000_001_000,
    ]

    static func admit(_ object: inout JSONValue) {
        guard object["spec"].object != nil else { return }
        prioritize(&object)
        tolerate(&object)
    }

    /// The same of an update: what creation has set stays where the new document leaves it out.
    static func admit(_ object: inout JSONValue, replacing old: JSONValue) {
        guard object["spec"].object != nil else { return }
        for key in ["priority", "preemptionPolicy"] {
            if let value = old.at("spec", key) { object["spec"]?.setDefault(key, value) }
        }
        tolerate(&object)
    }

    /// Plugin `Priority`, for Pods that name no class or one of the system's.
    private static func prioritize(_ object: inout JSONValue) {
        let name = object.text("spec", "priorityClassName")
        guard let priority = name.isEmpty ? 0 : systemPriorities[name] else { return }
        object["spec"]?.setDefault("priority", .integer(priority))
        object["spec"]?.setDefault("preemptionPolicy", "PreemptLowerPriority")
    }

    /// Plugin `DefaultTolerationSeconds`.
    private static func tolerate(_ object: inout JSONValue) {
        guard object["spec"].object != nil else { return }
        let tolerations = object["spec"]["tolerations"].array ?? []
        let missing = lostNode.filter { key in
            !tolerations.contains { toleration in
                let own = toleration.text("key")
                let effect = toleration.text("effect")
                return (own == key || own.isEmpty) && (effect == "NoExecute" || effect.isEmpty)
            }
        }
        guard !missing.isEmpty else { return }
        object["spec"]["tolerations"] = .array(
            tolerations
                + missing.map { key -> JSONValue in
                    [
                        "key": .string(key), "operator": "Exists", "effect": "NoExecute",
                        "tolerationSeconds": .integer(Int64(tolerationSeconds)),
                    ]
                })
    }
}
