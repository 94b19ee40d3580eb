package import KubeModel

/// The rules every kind's metadata obeys, in Kubernetes' words (`ValidateObjectMeta`, `ValidateObjectMetaUpdate`).
package enum MetadataValidation {
    /// Bytes of all annotation keys and values together.
    package static let annotationLimit = 256 << 10

    /// What is wrong with the metadata of a new or changed object.
    /// - Parameter isBuiltIn: whether finalizers have to be qualified by a domain; custom resources are free.
    package static func errors(
        in object: JSONValue, namespaced: Bool, nameRule: NameRule, isBuiltIn: Bool = true
    ) -> [FieldError] {
        let path = FieldPath("metadata")
        let metadata = object["metadata"]
        var errors: [FieldError] = []
        if let base = metadata?["generateName"]?.string, !base.isEmpty {
            // A generated name ends in five letters, so only what comes before has to fit.
            for message in nameRule.complaints(about: base + "x") {
                errors.append(.invalid(path.child("generateName"), .string(base), message))
            }
        }
        let name = metadata?["name"]?.string ?? ""
        if name.isEmpty {
            errors.append(.required(path.child("name"), "name or generateName is required"))
        } else {
            for message in nameRule.complaints(about: name) {
                errors.append(.invalid(path.child("name"), .string(name), message))
            }
        }
        let namespace = metadata?["namespace"]?.string ?? ""
        if namespaced {
            if namespace.isEmpty {
                errors.append(.required(path.child("namespace"), ""))
            } else {
                for message in Validation.dns1123Label(namespace) {
                    errors.append(.invalid(path.child("namespace"), .string(namespace), message))
                }
            }
        } else if !namespace.isEmpty {
            errors.append(.forbidden(path.child("namespace"), "not allowed on this type"))
        }
        if let labels = metadata?["labels"]?.object { checkLabels(labels, path.child("labels"), &errors) }
        if let annotations = metadata?["annotations"]?.object {
            checkAnnotations(annotations, path.child("annotations"), &errors)
        }
        if let references = metadata?["ownerReferences"]?.array {
            OwnerReferences.check(references, path.child("ownerReferences"), &errors)
        }
        if let finalizers = metadata?["finalizers"]?.array {
            for (index, finalizer) in finalizers.enumerated() {
                let name = finalizer.string ?? ""
                for message in Validation.qualifiedName(name) {
                    errors.append(.invalid(path.child("finalizers"), finalizer, message))
                }
                guard isBuiltIn, !name.contains("/"), !standardFinalizers.contains(name) else { continue }
                errors.append(
                    .invalid(
                        path.child("finalizers").index(index), finalizer,
                        "name is neither a standard finalizer name nor is it fully qualified"))
            }
            if finalizers.contains(.string(CollectorFinalizer.orphan)),
                finalizers.contains(.string(CollectorFinalizer.foreground))
            {
                errors.append(
                    .invalid(
                        path.child("finalizers"), .array(finalizers),
                        "finalizer \(CollectorFinalizer.foreground) and \(CollectorFinalizer.orphan) cannot be both set"
                    ))
            }
        }
        return errors
    }

    /// What may not change. `new` has the server's fields filled in from `old` where the client left them out.
    package static func updateErrors(from old: JSONValue, to new: JSONValue) -> [FieldError] {
        let path = FieldPath("metadata")
        var errors: [FieldError] = []
        let oldMetadata = old["metadata"]
        let newMetadata = new["metadata"]
        if oldMetadata?["deletionTimestamp"] != nil {
            let before = Set((oldMetadata?["finalizers"]?.array ?? []).compactMap(\.string))
            let added = (newMetadata?["finalizers"]?.array ?? []).compactMap(\.string).filter { !before.contains($0) }
            if !added.isEmpty {
                let list = Set(added).sorted().map { "\"\($0)\"" }.joined(separator: ", ")
                errors.append(
                    .forbidden(
                        path.child("finalizers"),
                        "no new finalizers can be added if the object is being deleted, found new finalizers "
                            + "[]string{\(list)}"))
            }
        }
        for field in [
            "name", "namespace", "uid", "creationTimestamp", "deletionTimestamp", "deletionGracePeriodSeconds",
        ] {
            let value = newMetadata?[field]
            if value != oldMetadata?[field] {
                errors.append(.invalid(path.child(field), value ?? .null, "field is immutable"))
            }
        }
        return errors
    }

    private static func checkLabels(_ labels: JSONObject, _ path: FieldPath, _ errors: inout [FieldError]) {
        for (key, value) in labels {
            for message in Validation.qualifiedName(key) {
                errors.append(.invalid(path, .string(key), message))
            }
            for message in Validation.labelValue(value.string ?? "") {
                errors.append(.invalid(path, value, message))
            }
        }
    }

    private static func checkAnnotations(_ annotations: JSONObject, _ path: FieldPath, _ errors: inout [FieldError]) {
        var size = 0
        for (key, value) in annotations {
            size += key.utf8.count + (value.string?.utf8.count ?? 0)
            // Kubernetes checks the lower-cased key: upper case is fine in annotation prefixes.
            for message in Validation.qualifiedName(key.lowercased()) {
                errors.append(.invalid(path, .string(key), message))
            }
        }
        if size > annotationLimit { errors.append(.tooLong(path, maximum: annotationLimit)) }
    }

    private static let standardFinalizers: Set<String> = [
        "kubernetes", CollectorFinalizer.orphan, CollectorFinalizer.foreground,
    ]
}
