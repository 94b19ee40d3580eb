import KubeModel

/// Rules that several workload kinds share.
enum WorkloadRules {
    static let spec = FieldPath("spec")
    static let status = FieldPath("status")

    /// A selector that has to be there and to take something.
    static func checkSelector(_ document: JSONValue?, empty message: String, _ errors: inout [FieldError]) {
        let path = spec.child("selector")
        guard let selector = LabelSelector(document: document) else { return errors.required(path) }
        errors += Validation.labelSelector(selector, at: path)
        if selector.isEmpty { errors.invalid(path, document ?? .null, message) }
    }

    /// Whether the Pods of the template are those that the selector takes. A selector that can't be read is one finding
    /// more, with `unreadable` as its text; nil leaves it out.
    static func checkMatch(
        _ spec: JSONValue?, at path: FieldPath = spec, unreadable: String?, _ errors: inout [FieldError]
    ) {
        let labels = spec["template"]["metadata"]["labels"]
        do throws(SelectorError) {
            let selector = LabelSelector(document: spec["selector"])
            // An empty selector has been refused already.
            if let selector, selector.isEmpty { return }
            guard try !LabelSelector.matches(selector, labels) else { return }
            errors.invalid(
                path.child("template").child("metadata").child("labels"), labels ?? .null,
                "`selector` does not match template `labels`")
        } catch {
            if let unreadable { errors.invalid(path.child("selector"), spec["selector"] ?? .null, unreadable) }
        }
    }

    /// Pods of a workload that goes on for ever are restarted, and have no deadline.
    static func checkEndless(_ spec: JSONValue?, kind: String, _ errors: inout [FieldError]) {
        let path = Self.spec.child("template").child("spec")
        let policy = spec["template"]["spec"]["restartPolicy"].string ?? ""
        if policy != "Always" { errors.notSupported(path.child("restartPolicy"), policy, ["Always"]) }
        if let seconds = spec["template"]["spec"]["activeDeadlineSeconds"], seconds != .null {
            errors.forbidden(
                path.child("activeDeadlineSeconds"), "activeDeadlineSeconds in \(kind) is not Supported")
        }
    }

    static func checkImmutableSelector(_ object: JSONValue, _ old: JSONValue, _ errors: inout [FieldError]) {
        errors.immutable(spec.child("selector"), object["spec"]["selector"], old["spec"]["selector"])
    }
}
