import KubeModel

/// The rules of a container's `env` and `envFrom`.
enum EnvironmentRules {
    private static let namePattern =
        "a valid environment variable name must consist only of printable ASCII characters other than '='"
    private static let fields = [
        "metadata.name", "metadata.namespace", "metadata.uid", "spec.nodeName", "spec.serviceAccountName",
        "status.hostIP", "status.hostIPs", "status.podIP", "status.podIPs",
    ]
    private static let resources = [
        "limits.cpu", "limits.ephemeral-storage", "limits.memory", "requests.cpu", "requests.ephemeral-storage",
        "requests.memory",
    ]

    static func check(_ container: JSONValue, _ path: FieldPath, _ errors: inout [FieldError]) {
        for (index, variable) in (container["env"]?.array ?? []).enumerated() {
            let path = path.child("env").index(index)
            let name = variable.text("name")
            if name.isEmpty {
                errors.required(path.child("name"))
            } else {
                checkName(name, path.child("name"), &errors)
            }
            checkSource(variable, path.child("valueFrom"), &errors)
        }
        for (index, source) in (container["envFrom"]?.array ?? []).enumerated() {
            checkBulk(source, path.child("envFrom").index(index), &errors)
        }
    }

    private static func checkName(_ name: String, _ path: FieldPath, _ errors: inout [FieldError]) {
        if !name.utf8.allSatisfy({ (0x20...0x7e).contains($0) && $0 != UInt8(ascii: "=") }) {
            errors.invalid(path, .string(name), namePattern)
        }
    }

    private static func checkBulk(_ source: JSONValue, _ path: FieldPath, _ errors: inout [FieldError]) {
        let prefix = source.text("prefix")
        if !prefix.isEmpty { checkName(prefix, path.child("prefix"), &errors) }
        let kinds = ["configMapRef", "secretRef"].filter { source.at($0) != nil }
        for kind in kinds {
            let name = source.text(kind, "name")
            if name.isEmpty {
                errors.required(path.child(kind).child("name"))
            } else {
                errors.invalid(path.child(kind).child("name"), .string(name), Validation.dns1123Subdomain(name))
            }
        }
        if kinds.isEmpty {
            errors.invalid(path, "", "must specify one of: `configMapRef` or `secretRef`")
        } else if kinds.count > 1 {
            errors.invalid(path, "", "may not have more than one field specified at a time")
        }
    }

    private static func checkSource(_ variable: JSONValue, _ path: FieldPath, _ errors: inout [FieldError]) {
        guard let source = variable.at("valueFrom") else { return }
        let kinds = ["fieldRef", "resourceFieldRef", "configMapKeyRef", "secretKeyRef", "fileKeyRef"]
            .filter { source.at($0) != nil }
        for kind in kinds {
            guard let reference = source.at(kind) else { continue }
            let path = path.child(kind)
            switch kind {
            case "fieldRef": checkField(reference, path, &errors)
            case "resourceFieldRef": checkResource(reference, path, &errors)
            case "configMapKeyRef", "secretKeyRef": checkKey(reference, path, &errors)
            default: break
            }
        }
        if kinds.isEmpty {
            errors.invalid(
                path, "",
                "must specify one of: `fieldRef`, `resourceFieldRef`, `configMapKeyRef`, `secretKeyRef` or `fileKeyRef`"
            )
        } else if !variable.text("value").isEmpty {
            errors.invalid(path, "", "may not be specified when `value` is not empty")
        } else if kinds.count > 1 {
            errors.invalid(path, "", "may not have more than one field specified at a time")
        }
    }

    private static func checkKey(_ reference: JSONValue, _ path: FieldPath, _ errors: inout [FieldError]) {
        let name = reference.text("name")
        errors.invalid(path.child("name"), .string(name), Validation.dns1123Subdomain(name))
        let key = reference.text("key")
        if key.isEmpty {
            errors.required(path.child("key"))
        } else {
            errors.invalid(path.child("key"), .string(key), Validation.configMapKey(key))
        }
    }

    private static func checkField(_ reference: JSONValue, _ path: FieldPath, _ errors: inout [FieldError]) {
        let field = reference.text("fieldPath")
        if reference.text("apiVersion").isEmpty { errors.required(path.child("apiVersion")) }
        if field.isEmpty { return errors.required(path.child("fieldPath")) }
        for map in ["metadata.annotations", "metadata.labels"]
        where field.hasPrefix(map + "['") && field.hasSuffix("']") {
            let key = String(field.dropFirst(map.utf8.count + 2).dropLast(2))
            let problems = Validation.qualifiedName(map.hasSuffix("labels") ? key : key.lowercased())
            return errors.invalid(path, .string(key), problems)
        }
        errors.oneOf(path.child("fieldPath"), field, fields)
    }

    private static func checkResource(_ reference: JSONValue, _ path: FieldPath, _ errors: inout [FieldError]) {
        let resource = reference.text("resource")
        if resource.isEmpty { return errors.required(path.child("resource")) }
        let isHugePages = resource.hasPrefix("limits.hugepages-") || resource.hasPrefix("requests.hugepages-")
        if !isHugePages { errors.oneOf(path.child("resource"), resource, resources) }
    }
}
