import KubeModel

/// The rules of `spec.ephemeralContainers`, which are added to a Pod that runs, for diagnosis, and are never taken away
/// (Kubernetes: `validateEphemeralContainers`, `ValidatePodEphemeralContainersUpdate`).
enum EphemeralContainerRules {
    private static let path = FieldPath("spec", "ephemeralContainers")
    private static let notAllowed = "cannot be set for an Ephemeral Container"
    /// What must not be relied upon in a container that nobody restarts.
    private static let forbidden = [
        "lifecycle", "livenessProbe", "ports", "readinessProbe", "resizePolicy", "resources", "restartPolicy",
        "restartPolicyRules", "startupProbe",
    ]

    /// Of a new Pod.
    static func checkCreate(_ object: JSONValue, _ errors: inout [FieldError]) {
        if !list(object).isEmpty { errors.forbidden(path, "cannot be set on create") }
    }

    /// Of a write through the subresource.
    static func checkUpdate(_ object: JSONValue, from old: JSONValue) -> [FieldError] {
        var errors = PodRules.check(object)
        let mirror = FieldPath("metadata", "annotations").key("kubernetes.io/config.mirror")
        guard old["metadata"]["annotations"]["kubernetes.io/config.mirror"] == nil else {
            errors.forbidden(mirror, "static pods do not support ephemeral containers")
            return errors
        }
        let kept = Dictionary(
            list(object).map { (ByteKey($0.text("name")), $0) }, uniquingKeysWith: { first, _ in first })
        for container in list(old) {
            let name = container.text("name")
            guard let new = kept[ByteKey(name)] else {
                errors.forbidden(path, "existing ephemeral containers \(goQuoted(name)) may not be removed")
                continue
            }
            if new != container {
                errors.forbidden(path, "existing ephemeral containers \(goQuoted(name)) may not be changed")
            }
        }
        return errors
    }

    /// Of each container, in any Pod.
    /// - Parameter others: the names of the containers and init containers.
    static func check(
        _ container: JSONValue, _ path: FieldPath, others: Set<ByteKey>, _ errors: inout [FieldError]
    ) {
        let target = container.text("targetContainerName")
        if !target.isEmpty, !others.contains(ByteKey(target)) {
            errors.append(.notFound(path.child("targetContainerName"), .string(target)))
        }
        for key in forbidden where isSet(container[key]) { errors.forbidden(path.child(key), notAllowed) }
        for (index, mount) in (container["volumeMounts"].array ?? []).enumerated() {
            for key in ["subPath", "subPathExpr"] where !mount.text(key).isEmpty {
                errors.forbidden(path.child("volumeMounts").index(index).child(key), notAllowed)
            }
        }
    }

    /// Whether a field is more than Go's zero value.
    private static func isSet(_ value: JSONValue?) -> Bool {
        switch value {
        case nil, .null?, .object([:])?, .array([])?, ""?: false
        default: true
        }
    }

    private static func list(_ object: JSONValue) -> [JSONValue] { object["spec"]["ephemeralContainers"].array ?? [] }
}
