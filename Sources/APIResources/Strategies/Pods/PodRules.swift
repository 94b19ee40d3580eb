import KubeModel
import NetworkTypes

/// What may change of a `v1.Pod`, and the rules of its status.
enum PodRules {
    private static let spec = FieldPath("spec")
    private static let changeable =
        "pod updates may not change fields other than `spec.containers[*].image`,`spec.initContainers[*].image`,"
        + "`spec.activeDeadlineSeconds`,`spec.tolerations` (only additions to existing tolerations),"
        + "`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)"

    static func check(_ object: JSONValue) -> [FieldError] {
        var errors: [FieldError] = []
        PodSpecRules(path: spec).check(object["spec"], &errors)
        return errors
    }

    static func checkUpdate(_ object: JSONValue, from old: JSONValue) -> [FieldError] {
        var errors = check(object)
        for key in ["containers", "initContainers"] {
            let before = old["spec"][key].array ?? []
            let after = object["spec"][key].array ?? []
            guard before.count == after.count else {
                errors.forbidden(
                    spec.child(key),
                    key == "containers"
                        ? "pod updates may not add or remove containers"
                        : "pod updates may not add or remove initContainers")
                return errors
            }
            for (index, container) in after.enumerated() where container.text("image").isEmpty {
                errors.required(spec.child(key).index(index).child("image"))
            }
        }
        checkDeadline(object, old, &errors)
        checkTolerations(object, old, &errors)
        if comparable(object, like: old) != comparable(old, like: old) { errors.forbidden(spec, changeable) }
        return errors
    }

    static func checkStatus(_ object: JSONValue) -> [FieldError] {
        var errors: [FieldError] = []
        let path = FieldPath("status").child("podIPs")
        let texts = (object["status"]["podIPs"].array ?? []).map { $0.text("ip") }
        for (index, text) in texts.enumerated() where IPAddress(text) == nil {
            errors.invalid(path.index(index).child("ip"), .string(text), AddressMessages.address)
        }
        for (index, text) in texts.enumerated() where texts[..<index].contains(text) {
            errors.duplicate(path.index(index), .object(["ip": .string(text)]))
        }
        let families = texts.compactMap { IPAddress($0)?.family }
        if texts.count > 2 || texts.count == 2 && families.count == 2 && families[0] == families[1] {
            errors.invalid(
                path, JSONValue(texts), "may specify no more than one IP for each IP family")
        }
        return errors
    }

    private static func checkDeadline(_ object: JSONValue, _ old: JSONValue, _ errors: inout [FieldError]) {
        guard let before = old.at("spec", "activeDeadlineSeconds")?.int else { return }
        let path = spec.child("activeDeadlineSeconds")
        guard let value = object.at("spec", "activeDeadlineSeconds") else {
            return errors.invalid(path, .null, "must not update from a positive integer to nil value")
        }
        if value.int ?? 0 > before {
            errors.invalid(path, value, "must be less than or equal to previous value")
        }
    }

    private static func checkTolerations(_ object: JSONValue, _ old: JSONValue, _ errors: inout [FieldError]) {
        let kept = Set(object["spec"]["tolerations"].array ?? [])
        if !(old["spec"]["tolerations"].array ?? []).allSatisfy({ kept.contains($0) }) {
            errors.forbidden(
                spec.child("tolerations"), "existing toleration can not be modified except its tolerationSeconds")
        }
    }

    /// The spec with everything that may change set to what it was.
    private static func comparable(_ object: JSONValue, like old: JSONValue) -> JSONObject {
        var fields = object["spec"]?.object ?? JSONObject()
        fields["activeDeadlineSeconds"] = nil
        fields["tolerations"] = nil
        if old["spec"]["terminationGracePeriodSeconds"].int ?? 0 < 0 { fields["terminationGracePeriodSeconds"] = nil }
        for key in ["containers", "initContainers"] {
            guard let containers = fields[key]?.array else { continue }
            fields[key] = .array(
                containers.map { value in
                    guard var container = value.object else { return value }
                    container["image"] = nil
                    // Derived from the image where it was not given.
                    container["imagePullPolicy"] = nil
                    return .object(container)
                })
        }
        return fields
    }
}
