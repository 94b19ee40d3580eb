package import KubeModel

/// The PriorityClasses that a server makes when it starts, as every cluster has them.
package enum SystemPriorityClasses {
    private static let descriptions = [
        "system-cluster-critical": "For Pods that the cluster can't do without, wherever they run.",
        "system-node-critical": "For Pods that their node can't do without, and that can't move to another one.",
    ]

    package static let documents: [JSONValue] = PriorityClasses.system.map { entry in
        [
            "apiVersion": "scheduling.k8s.io/v1", "kind": "PriorityClass", "metadata": ["name": .string(entry.name)],
            "value": .integer(entry.value), "description": .string(descriptions[entry.name] ?? ""),
            "preemptionPolicy": .string(entry.preemptionPolicy),
        ]
    }
}
