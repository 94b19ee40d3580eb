package import KubeModel

/// Where an object keeps what `autoscaling/v1 Scale` shows of it: a kind with one has the subresource `scale`.
/// Custom resources declare it (`spec.versions[*].subresources.scale`).
package struct ScaleMapping: Sendable, Hashable {
    /// The keys that lead to the wanted number of replicas.
    package var specReplicasPath: [String]
    /// The keys that lead to the number there are; absent counts as zero.
    package var statusReplicasPath: [String]
    /// The keys that lead to the selector of the replicas: text, a `LabelSelector` or a map of labels. nil: not shown.
    package var labelSelectorPath: [String]?

    /// The places of Kubernetes' own workload kinds.
    package static let workload = ScaleMapping(
        specReplicasPath: ["spec", "replicas"], statusReplicasPath: ["status", "replicas"],
        labelSelectorPath: ["spec", "selector"])

    package static let definition = ResourceDefinition(
        group: "autoscaling", version: "v1", kind: "Scale", plural: "scales", namespaced: true)

    /// The `Scale` of an object.
    /// - Throws: 500 when the object does not say how many replicas it wants, as Kubernetes does.
    package func scale(of object: JSONValue) throws(Status) -> JSONValue {
        guard let replicas = object[path: specReplicasPath]?.int else {
            throw Status.internalError(
                "the spec replicas field \(goQuoted("." + specReplicasPath.joined(separator: "."))) does not exist")
        }
        var metadata = JSONObject()
        for field in ["name", "namespace", "uid", "resourceVersion", "creationTimestamp"] {
            metadata[field] = object["metadata"][field]
        }
        var status: JSONObject = ["replicas": .integer(Int64(object[path: statusReplicasPath]?.int ?? 0))]
        let selector = labelSelectorPath.map { SelectorText.of(object[path: $0]) } ?? ""
        if !selector.isEmpty { status["selector"] = .string(selector) }
        return [
            "kind": "Scale", "apiVersion": "autoscaling/v1", "metadata": .object(metadata),
            // Go leaves a zero out.
            "spec": replicas == 0 ? [:] : ["replicas": .integer(Int64(replicas))], "status": .object(status),
        ]
    }

    /// `object` with what a client wants of its `Scale`: the number of replicas, and the version and uid it insists on.
    /// - Throws: 422 when the `Scale` breaks its rules, 400 when the number is none.
    package func apply(_ scale: JSONValue, to object: JSONValue) throws(Status) -> JSONValue {
        let wanted = scale["spec"]["replicas"]
        let replicas: Int
        switch wanted {
        case nil, .null: replicas = 0
        case let value?:
            guard let number = value.int, Int32(exactly: number) != nil else {
                throw Status.badRequest(
                    "Scale in version \"v1\" cannot be handled as a Scale: json: cannot unmarshal \(value.typeName) "
                        + "into Go struct field ScaleSpec.spec.replicas of type int32")
            }
            replicas = number
        }
        let errors = Validation.nonnegative(Int64(replicas), at: FieldPath("spec", "replicas"))
        guard errors.isEmpty else {
            throw Status.invalid(Self.definition.groupKind, object["metadata"]["name"].string ?? "", errors)
        }
        var object = object
        Self.set(.integer(Int64(replicas)), at: specReplicasPath[...], in: &object)
        object["metadata"]["resourceVersion"] = scale["metadata"]["resourceVersion"]
        if let uid = scale["metadata"]["uid"] { object["metadata"]["uid"] = uid }
        return object
    }

    private static func set(_ value: JSONValue, at path: ArraySlice<String>, in object: inout JSONValue) {
        guard let key = path.first else {
            object = value
            return
        }
        var member = object[key] ?? [:]
        object[key] = .null
        set(value, at: path.dropFirst(), in: &member)
        object[key] = member
    }
}
