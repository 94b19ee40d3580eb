import KubeModel

/// What is wrong with a CustomResourceDefinition, in Kubernetes' words (`ValidateCustomResourceDefinition` and
/// `ValidateCustomResourceDefinitionUpdate`).
enum DefinitionValidation {
    static func errors(in definition: JSONValue, replacing old: JSONValue?) -> [FieldError] {
        let spec = definition["spec"] ?? [:]
        let path = FieldPath("spec")
        var errors: [FieldError] = []
        if old == nil {
            let name = definition.text("metadata", "name")
            if name != "\(spec.text("names", "plural")).\(spec.text("group"))" {
                errors.invalid(
                    FieldPath("metadata", "name"), .string(name), "must be spec.names.plural+\".\"+spec.group")
            }
            errors += APIApproval.errors(definition)
        }
        // What was found right is not looked at again: most updates change something else.
        if old["spec"] != spec {
            errors += specErrors(spec, replacing: old, path)
            if let old { errors += changes(spec, old, path) }
        }
        return errors + storedVersionErrors(definition)
    }

    static func statusErrors(in definition: JSONValue) -> [FieldError] {
        let status = definition["status"] ?? [:]
        var errors: [FieldError] = []
        namesErrors(status["acceptedNames"] ?? [:], FieldPath("status", "acceptedNames"), &errors)
        return errors + storedVersionErrors(definition)
    }

    // MARK: The spec

    private static func specErrors(_ spec: JSONValue, replacing old: JSONValue?, _ path: FieldPath) -> [FieldError] {
        var errors: [FieldError] = []
        let group = spec.text("group")
        if group.isEmpty {
            errors.required(path.child("group"))
        } else {
            let problems = Validation.dns1123Subdomain(group)
            if !problems.isEmpty {
                errors.invalid(path.child("group"), .string(group), problems.joined(separator: ","))
            } else if !group.contains(".") {
                errors.invalid(path.child("group"), .string(group), "should be a domain with at least one dot")
            }
        }
        let scope = spec.text("scope")
        if scope.isEmpty {
            errors.required(path.child("scope"))
        } else {
            errors.oneOf(path.child("scope"), scope, ["Cluster", "Namespaced"])
        }
        if spec["preserveUnknownFields"] == true {
            errors.invalid(
                path.child("preserveUnknownFields"), true,
                "cannot set to true, set x-kubernetes-preserve-unknown-fields to true in spec.versions[*].schema instead"
            )
        }
        let names = spec["names"] ?? [:]
        for field in ["plural", "singular", "kind", "listKind"] where names.text(field).isEmpty {
            errors.required(path.child("names", field))
        }
        namesErrors(names, path.child("names"), &errors)
        versionsErrors(spec, path.child("versions"), &errors)
        ConversionRules.check(spec["conversion"], replacing: old, path.child("conversion"), &errors)
        return errors
    }

    private static func changes(_ spec: JSONValue, _ old: JSONValue, _ path: FieldPath) -> [FieldError] {
        let before = old["spec"] ?? [:]
        var errors: [FieldError] = []
        if DefinitionStatus.isTrue("Established", old["status"]) {
            // Objects are stored by these.
            errors.immutable(path.child("scope"), spec["scope"], before["scope"])
            errors.immutable(path.child("names", "kind"), spec.at("names", "kind"), before.at("names", "kind"))
        }
        errors.immutable(path.child("group"), spec["group"], before["group"])
        errors.immutable(path.child("names", "plural"), spec.at("names", "plural"), before.at("names", "plural"))
        return errors
    }

    private static func namesErrors(_ names: JSONValue, _ path: FieldPath, _ errors: inout [FieldError]) {
        for field in ["plural", "singular"] {
            let name = names.text(field)
            label(name, path.child(field), &errors)
        }
        for field in ["kind", "listKind"] {
            let name = names.text(field)
            guard !name.isEmpty else { continue }
            let problems = Validation.dns1035Label(name.lowercased())
            if !problems.isEmpty {
                errors.invalid(
                    path.child(field), .string(name),
                    "may have mixed case, but should otherwise match: \(problems.joined(separator: ","))")
            }
        }
        for field in ["shortNames", "categories"] {
            for (index, name) in (names[field].array ?? []).enumerated() {
                label(name.string ?? "", path.child(field).index(index), &errors, allowsEmpty: false)
            }
        }
        let kind = names.text("kind")
        if !kind.isEmpty, kind == names.text("listKind") {
            errors.invalid(path.child("listKind"), .string(kind), "kind and listKind may not be the same")
        }
    }

    private static func label(
        _ name: String, _ path: FieldPath, _ errors: inout [FieldError], allowsEmpty: Bool = true
    ) {
        if name.isEmpty, allowsEmpty { return }
        let problems = Validation.dns1035Label(name)
        if !problems.isEmpty { errors.invalid(path, .string(name), problems.joined(separator: ",")) }
    }

    private static func versionsErrors(_ spec: JSONValue, _ path: FieldPath, _ errors: inout [FieldError]) {
        let versions = spec["versions"].array ?? []
        let names = versions.map { $0.text("name") }
        for (index, version) in versions.enumerated() {
            let path = path.index(index)
            if version["schema"]["openAPIV3Schema"].object == nil {
                errors.required(path.child("schema", "openAPIV3Schema"), "schemas are required")
            }
            label(names[index], path.child("name"), &errors, allowsEmpty: false)
        }
        if Set(names).count != names.count {
            errors.invalid(path, JSONValue(names), "must contain unique version names")
        }
        if versions.count(where: { $0["storage"] == true }) != 1 {
            errors.invalid(path, JSONValue(names), "must have exactly one version marked as storage version")
        }
        for (index, version) in versions.enumerated() {
            VersionValidation(version: version, path: path.index(index)).collect(&errors)
        }
    }

    /// Objects may be stored in a version until it is taken out of `status.storedVersions`.
    private static func storedVersionErrors(_ definition: JSONValue) -> [FieldError] {
        let path = FieldPath("status", "storedVersions")
        let stored = (definition["status"]["storedVersions"].array ?? []).map { $0.string ?? "" }
        let versions = definition["spec"]["versions"].array ?? []
        var errors: [FieldError] = []
        if stored.isEmpty { errors.invalid(path, [], "must have at least one stored version") }
        let storage = versions.first { $0["storage"] == true }?.text("name")
        if let storage, !stored.contains(storage) {
            errors.invalid(path, JSONValue(stored), "must have the storage version \(storage)")
        }
        let names = Set(versions.map { $0.text("name") })
        for (index, version) in stored.enumerated() where !names.contains(version) {
            errors.invalid(path.index(index), .string(version), "must appear in spec.versions")
        }
        return errors
    }
}
