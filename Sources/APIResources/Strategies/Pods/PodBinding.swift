package import KubeModel

/// A `v1 Binding`: the wish that a Pod runs on a node (Kubernetes: `BindingREST`).
package struct PodBinding: Sendable {
    package static let definition = ResourceDefinition.builtIn("", "v1", "Binding", "bindings")

    package let podName: String
    private let node: String
    private let labels: JSONObject
    private let annotations: JSONObject
    private let uid: JSONValue?
    private let resourceVersion: JSONValue?

    /// - Throws: 422 naming what is wrong with the document. Kubernetes answers 500 with the same texts.
    package init(_ document: JSONValue) throws(Status) {
        let target = document["target"]
        let path = FieldPath("target")
        var errors: [FieldError] = []
        let kind = target?.text("kind") ?? ""
        if !kind.isEmpty, kind != "Node" {
            errors.notSupported(path.child("kind"), kind, ["Node", "<empty>"])
        }
        node = target?.text("name") ?? ""
        if node.isEmpty { errors.required(path.child("name")) }
        podName = document.text("metadata", "name")
        guard errors.isEmpty else { throw .invalid(Self.definition.groupKind, podName, errors) }
        labels = document.at("metadata", "labels")?.object ?? JSONObject()
        annotations = document.at("metadata", "annotations")?.object ?? JSONObject()
        uid = document.at("metadata", "uid")
        resourceVersion = document.at("metadata", "resourceVersion")
    }

    /// The Pod as it is once bound. Its version is the one that the binding asks for, if it does.
    /// - Throws: 409 for a Pod that can't be bound, or is another than the one that was meant.
    package func bound(_ pod: JSONValue, now: Timestamp) throws(Status) -> JSONValue {
        let found = pod.text("metadata", "uid")
        if let uid = uid?.string, !uid.isEmpty, uid != found {
            throw refused("Precondition failed: UID in precondition: \(uid), UID in object meta: \(found)")
        }
        if pod.at("metadata", "deletionTimestamp") != nil {
            throw refused("pod \(podName) is being deleted, cannot be assigned to a host")
        }
        let present = pod.text("spec", "nodeName")
        guard present.isEmpty else {
            throw refused("pod \(podName) is already assigned to node \(goQuoted(present))")
        }
        guard (pod["spec"]["schedulingGates"].array ?? []).isEmpty else {
            throw refused("pod \(podName) has non-empty .spec.schedulingGates")
        }
        var pod = pod
        pod["spec"]["nodeName"] = .string(node)
        for (field, added) in [("labels", labels), ("annotations", annotations)] where !added.isEmpty {
            var all = pod["metadata"][field]?.object ?? JSONObject()
            for (key, value) in added { all[key] = value }
            pod["metadata"][field] = .object(all)
        }
        pod["metadata"]["resourceVersion"] = resourceVersion
        schedule(&pod, now)
        return pod
    }

    private func schedule(_ pod: inout JSONValue, _ now: Timestamp) {
        var condition: JSONObject = [
            "type": "PodScheduled", "status": "True", "lastTransitionTime": .string(now.description),
        ]
        if let generation = pod.at("metadata", "generation") { condition["observedGeneration"] = generation }
        var conditions = pod["status"]["conditions"].array ?? []
        if let index = conditions.firstIndex(where: { $0["type"].string == "PodScheduled" }) {
            if conditions[index]["status"].string == "True" {
                condition["lastTransitionTime"] = conditions[index]["lastTransitionTime"]
            }
            conditions[index] = .object(condition)
        } else {
            conditions.append(.object(condition))
        }
        pod["status"]["conditions"] = .array(conditions)
    }

    private func refused(_ reason: String) -> Status {
        .conflict(GroupResource(group: "", resource: "pods/binding"), podName, reason)
    }
}
