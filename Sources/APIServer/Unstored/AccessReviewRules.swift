import KubeModel

/// What an access review has to say, in Kubernetes' words (`ValidateSubjectAccessReview` and its kin).
struct AccessReviewRules {
    private let kind: ReviewKind

    init(_ kind: ReviewKind) {
        self.kind = kind
    }

    func errors(in document: JSONValue) -> [FieldError] {
        specErrors(document["spec"] ?? [:]) + metadataErrors(document) + localErrors(document)
    }

    private func specErrors(_ spec: JSONValue) -> [FieldError] {
        let path = FieldPath("spec")
        var errors: [FieldError] = []
        let resource = spec["resourceAttributes"]
        let nonResource = spec["nonResourceAttributes"]
        switch (resource, nonResource) {
        case (_?, let nonResource?):
            errors.append(
                .invalid(
                    path.child("nonResourceAttributes"), nonResource,
                    "cannot be specified in combination with resourceAttributes"))
        case (nil, nil):
            errors.append(
                .invalid(
                    path.child("resourceAttributes"), .null,
                    "exactly one of nonResourceAttributes or resourceAttributes must be specified"))
        default: break
        }
        if kind != .selfSubjectAccessReview, (spec["user"].string ?? "").isEmpty,
            spec["groups"].array?.isEmpty ?? true
        {
            errors.append(.invalid(path.child("user"), "", "at least one of user or group must be specified"))
        }
        let attributes = path.child("resourceAttributes")
        errors += selectorErrors(resource["fieldSelector"], isLabel: false, at: attributes.child("fieldSelector"))
        errors += selectorErrors(resource["labelSelector"], isLabel: true, at: attributes.child("labelSelector"))
        return errors
    }

    private func selectorErrors(_ selector: JSONValue?, isLabel: Bool, at path: FieldPath) -> [FieldError] {
        guard let selector else { return [] }
        var errors: [FieldError] = []
        let raw = selector["rawSelector"].string ?? ""
        let requirements = selector["requirements"].array ?? []
        if !raw.isEmpty, !requirements.isEmpty {
            errors.append(
                .invalid(
                    path.child("rawSelector"), .string(raw), "may not specified at the same time as requirements"))
        }
        if raw.isEmpty, requirements.isEmpty {
            errors.append(
                .required(
                    path.child("requirements"),
                    "when \(path) is specified, requirements or rawSelector is required"))
        }
        for (index, requirement) in requirements.enumerated() {
            errors += requirementErrors(requirement, isLabel, at: path.child("requirements").index(index))
        }
        return errors
    }

    /// An operator that is not known is let through: it may be a newer client's.
    private func requirementErrors(_ requirement: JSONValue, _ isLabel: Bool, at path: FieldPath) -> [FieldError] {
        var errors: [FieldError] = []
        let key = requirement["key"].string ?? ""
        let values = requirement["values"].array?.compactMap(\.string) ?? []
        if !isLabel, key.isEmpty { errors.append(.required(path.child("key"), "must be specified")) }
        switch requirement["operator"].string {
        case "In", "NotIn":
            if values.isEmpty {
                errors.append(.required(path.child("values"), "must be specified when `operator` is 'In' or 'NotIn'"))
            }
        case "Exists", "DoesNotExist":
            if !values.isEmpty {
                errors.append(
                    .forbidden(
                        path.child("values"), "may not be specified when `operator` is 'Exists' or 'DoesNotExist'"))
            }
        default: break
        }
        guard isLabel else { return errors }
        errors += Validation.qualifiedName(key).map { .invalid(path.child("key"), .string(key), $0) }
        for (index, value) in values.enumerated() {
            let place = path.child("values").index(index)
            errors += Validation.labelValue(value).map { .invalid(place, .string(value), $0) }
        }
        return errors
    }

    /// A review has no name and no labels. What the path says about the namespace stands in a local one.
    private func metadataErrors(_ document: JSONValue) -> [FieldError] {
        var metadata = document["metadata"]?.object ?? JSONObject()
        metadata["managedFields"] = nil
        if kind == .localSubjectAccessReview { metadata["namespace"] = nil }
        let says = metadata.contains { _, value in
            switch value {
            case .null, "": false
            case .object(let object): !object.isEmpty
            case .array(let items): !items.isEmpty
            default: true
            }
        }
        guard says else { return [] }
        return [
            .invalid(
                FieldPath("metadata"), document["metadata"],
                kind == .localSubjectAccessReview ? "must be empty except for namespace" : "must be empty")
        ]
    }

    private func localErrors(_ document: JSONValue) -> [FieldError] {
        guard kind == .localSubjectAccessReview else { return [] }
        var errors: [FieldError] = []
        if let resource = document["spec"]["resourceAttributes"] {
            let wanted = resource["namespace"].string ?? ""
            if wanted != document["metadata"]["namespace"].string ?? "" {
                errors.append(
                    .invalid(
                        FieldPath("spec.resourceAttributes.namespace"), .string(wanted),
                        "must match metadata.namespace"))
            }
        }
        if let path = document["spec"]["nonResourceAttributes"] {
            errors.append(
                .invalid(
                    FieldPath("spec.nonResourceAttributes"), path, "disallowed on this kind of request"))
        }
        return errors
    }
}
