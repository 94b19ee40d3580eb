/// How a kind's objects may be named. `generateName` is checked as a prefix, whose trailing dashes are allowed.
public struct NameRule: Sendable {
    private let complaints: @Sendable (String) -> [String]

    public init(_ complaints: @escaping @Sendable (String) -> [String]) {
        self.complaints = complaints
    }

    /// `nameIsPrefix`: more characters will follow, so that it may end in a dash.
    public func check(_ name: String, nameIsPrefix: Bool = false) -> [String] {
        guard nameIsPrefix, name.utf8.count > 1, name.hasSuffix("-") else { return complaints(name) }
        return complaints(String(name.dropLast(2)) + "a")
    }

    public static let dnsLabel = NameRule(Validation.dns1123Label)
    public static let dnsSubdomain = NameRule(Validation.dns1123Subdomain)
    public static let dns1035Label = NameRule(Validation.dns1035Label)
    public static let pathSegment = NameRule(Validation.pathSegmentName)
}

extension Validation {
    /// The metadata of an object that is to be created, after its name was made.
    public static func objectMeta(
        _ meta: ObjectMeta, namespaced: Bool, name rule: NameRule, at path: FieldPath = FieldPath("metadata")
    ) -> [FieldError] {
        var errors: [FieldError] = []
        if let prefix = meta.generateName, !prefix.isEmpty {
            errors += rule.check(prefix, nameIsPrefix: true).map {
                .invalid(path.child("generateName"), .string(prefix), $0)
            }
        }
        if let name = meta.name, !name.isEmpty {
            errors += check(name, at: path.child("name")) { rule.check($0) }
        } else {
            errors.append(.required(path.child("name"), "name or generateName is required"))
        }
        let namespace = meta.namespace ?? ""
        if namespaced {
            if namespace.isEmpty {
                errors.append(.required(path.child("namespace")))
            } else {
                errors += check(namespace, at: path.child("namespace"), dns1123Label)
            }
        } else if !namespace.isEmpty {
            errors.append(.forbidden(path.child("namespace"), "not allowed on this type"))
        }
        errors += nonnegative(meta.generation ?? 0, at: path.child("generation"))
        return errors + objectMetaContents(meta, at: path)
    }

    /// The metadata of an object that replaces `old`.
    public static func objectMetaUpdate(
        _ new: ObjectMeta, old: ObjectMeta, at path: FieldPath = FieldPath("metadata")
    ) -> [FieldError] {
        var errors: [FieldError] = []
        if old.deletionTimestamp != nil {
            let extra = Set(new.finalizers ?? []).subtracting(old.finalizers ?? []).sorted()
            if !extra.isEmpty {
                let list = extra.map(goQuoted).joined(separator: ", ")
                errors.append(
                    .forbidden(
                        path.child("finalizers"),
                        "no new finalizers can be added if the object is being deleted, found new finalizers "
                            + "[]string{\(list)}"))
            }
        }
        if new.resourceVersion?.isEmpty ?? true {
            errors.append(.invalid(path.child("resourceVersion"), "", "must be specified for an update"))
        }
        if new.generation ?? 0 < old.generation ?? 0 {
            errors.append(
                .invalid(path.child("generation"), .integer(new.generation ?? 0), "must not be decremented"))
        }
        func same(_ new: String?, _ old: String?, _ field: String) {
            guard new ?? "" != old ?? "" else { return }
            errors.append(.invalid(path.child(field), .string(new ?? ""), immutableMessage))
        }
        func same(_ new: JSONValue?, _ old: JSONValue?, _ field: String) {
            errors += immutable(new, old, at: path.child(field))
        }
        same(new.name, old.name, "name")
        same(new.namespace, old.namespace, "namespace")
        same(new.uid, old.uid, "uid")
        same(text(new.creationTimestamp), text(old.creationTimestamp), "creationTimestamp")
        same(text(new.deletionTimestamp), text(old.deletionTimestamp), "deletionTimestamp")
        same(
            new.deletionGracePeriodSeconds.map { .integer($0) }, old.deletionGracePeriodSeconds.map { .integer($0) },
            "deletionGracePeriodSeconds")
        return errors + objectMetaContents(new, at: path)
    }

    private static func text(_ time: Timestamp?) -> JSONValue? {
        time.map { .string($0.description) }
    }

    private static func objectMetaContents(_ meta: ObjectMeta, at path: FieldPath) -> [FieldError] {
        var errors = labels(meta.labels ?? [:], at: path.child("labels"))
        errors += annotations(meta.annotations ?? [:], at: path.child("annotations"))
        errors += ownerReferences(meta.ownerReferences ?? [], at: path.child("ownerReferences"))
        errors += finalizers(meta.finalizers ?? [], at: path.child("finalizers"))
        return errors
    }

    public static func ownerReferences(_ references: [OwnerReference], at path: FieldPath) -> [FieldError] {
        var errors: [FieldError] = []
        var controller: String?
        for reference in references {
            if GroupVersion(reference.apiVersion) == nil {
                errors.append(
                    .invalid(path.child("apiVersion"), .string(reference.apiVersion), "version must not be empty"))
            }
            for (field, value) in [("kind", reference.kind), ("name", reference.name), ("uid", reference.uid)]
            where value.isEmpty {
                errors.append(.invalid(path.child(field), .string(value), "must not be empty"))
            }
            if reference.apiVersion == "v1", reference.kind == "Event" {
                errors.append(
                    .invalid(path, value(of: reference), "/v1, Kind=Event is disallowed from being an owner"))
            }
            guard reference.controller == true else { continue }
            let name = "\(reference.kind)/\(reference.name)"
            if let first = controller {
                errors.append(
                    .invalid(
                        path, .array(references.map { value(of: $0) }),
                        "Only one reference can have Controller set to true. Found \"true\" in references for \(first) "
                            + "and \(name)"))
            } else {
                controller = name
            }
        }
        return errors
    }

    private static func value(of reference: OwnerReference) -> JSONValue {
        var object: JSONObject = [
            "apiVersion": .string(reference.apiVersion), "kind": .string(reference.kind),
            "name": .string(reference.name), "uid": .string(reference.uid),
        ]
        if let controller = reference.controller { object["controller"] = .bool(controller) }
        if let block = reference.blockOwnerDeletion { object["blockOwnerDeletion"] = .bool(block) }
        return .object(object)
    }

    public static func finalizers(_ finalizers: [String], at path: FieldPath) -> [FieldError] {
        var errors = finalizers.flatMap { check($0, at: path, qualifiedName) }
        if finalizers.contains("orphan"), finalizers.contains("foregroundDeletion") {
            errors.append(
                .invalid(
                    path, JSONValue(finalizers), "finalizer orphan and foregroundDeletion cannot be both set"))
        }
        return errors
    }
}
