import KubeModel

/// What the admission plugins that Kubernetes has on by default set in Pods.
enum PodAdmission {
    /// How long a Pod stays on a node that is lost.
    private static let tolerationSeconds = 300
    private static let lostNode = ["node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable"]

    static func admit(_ object: inout JSONValue, _ priorities: PriorityClasses) {
        guard object["spec"].object != nil else { return }
        priorities.resolve(&object)
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
