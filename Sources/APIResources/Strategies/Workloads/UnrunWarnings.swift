import KubeModel

/// The advice that goes along with what is accepted and will not run by itself: without it `kubectl rollout status` and
/// `kubectl wait` would wait, and nobody would know what for.
enum UnrunWarnings {
    private static let remedy =
        "register what runs as Pods with the annotation traffic.martlet.dev/address, or run a controller manager, a "
        + "scheduler and kubelets against this API"

    /// For a new object that stands for Pods; none for one that a controller made.
    static func workload(_ kind: String, _ object: JSONValue) -> [String] {
        isControlled(object) ? [] : ["Martlet stores this \(kind) and starts no Pods for it: \(remedy)"]
    }

    /// For a new CronJob.
    static func schedule(_ object: JSONValue) -> [String] {
        isControlled(object)
            ? []
            : ["Martlet stores this CronJob and starts no Pods for it: run a controller manager, which makes its Jobs"]
    }

    /// For a new Pod.
    static func pod(_ pod: JSONValue) -> [String] {
        let annotations = pod["metadata"]["annotations"]
        guard !isControlled(pod), pod.text("spec", "nodeName").isEmpty,
            annotations["traffic.martlet.dev/address"] == nil
        else { return [] }
        return [
            "Martlet runs no containers: this Pod stays Pending. Say where its process listens with the annotation "
                + "traffic.martlet.dev/address, or run a scheduler and kubelets against this API"
        ]
    }

    private static func isControlled(_ object: JSONValue) -> Bool {
        (object["metadata"]["ownerReferences"].array ?? []).contains { $0["controller"] == true }
    }
}
