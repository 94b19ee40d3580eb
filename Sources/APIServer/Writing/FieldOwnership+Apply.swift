import KubeModel
import Patching

extension FieldOwnership {
    /// The annotation in which `kubectl apply` keeps what it applied when it is the client that merges.
    static let lastAppliedAnnotation = "kubectl.kubernetes.io/last-applied-configuration"
    /// The manager that `kubectl apply --server-side` names unless told otherwise.
    static let kubectl = "kubectl"
    private static let maximumAnnotationBytes = 256 << 10

    /// Merges a configuration into an object.
    ///
    /// - Parameter configuration: for the whole object, checked.
    /// - Returns: the object that is to be, not yet fit for the schema, and its owners.
    /// - Throws: 409 with a cause for each field that others own.
    func applied(_ configuration: JSONValue, to live: LiveObject) throws(Status) -> (JSONValue, ManagedFields) {
        let time = request.now.description
        var managed = Self.read(live.managedFields)
        let exists = live.document.object?.isEmpty == false
        if managed.isEmpty, exists {
            let comparison = FieldComparison(
                from: .object(JSONObject()), to: live.document, schema: request.resource.schema,
                hasZeroFields: hasZeroFields)
            managed.recordUpdate(
                by: identity(.update, manager: "before-first-apply"),
                .init(comparison, apiVersion: request.resource.apiVersion) { _ in nil }, ignoring: ignored, time: time)
        }
        let isKubectl = request.manager == Self.kubectl
        let context = ManagedFields.ApplyContext(
            schema: request.resource.schema, hasZeroFields: hasZeroFields, apiVersion: request.resource.apiVersion
        ) { document, version in self.form(of: document, in: version) }
        var wanted = configuration
        for path in ignored.paths {
            guard path.count == 1, case .field(let name) = path[0] else { continue }
            wanted[name] = name == "metadata" ? Self.identity(of: configuration) : nil
        }
        var result: JSONValue
        do throws(FieldConflicts) {
            result = try managed.apply(
                wanted, to: live.document, by: identity(.apply), force: request.options.force ?? false,
                takesOver: isKubectl ? { self.lastApplied(in: live.document) } : nil, context, time: time)
        } catch {
            throw Self.status(error)
        }
        if isKubectl { updateLastApplied(&result, configuration) }
        return (result, managed)
    }

    /// What of the metadata says which object is meant.
    private static func identity(of configuration: JSONValue) -> JSONValue {
        var metadata = JSONObject()
        for key in ["name", "namespace", "uid", "resourceVersion"] { metadata[key] = configuration["metadata"][key] }
        return .object(metadata)
    }

    private static func status(_ conflicts: FieldConflicts) -> Status {
        Status(
            code: 409, reason: .conflict, message: conflicts.message,
            details: Status.Details(
                causes: conflicts.conflicts.map {
                    Status.Cause(
                        reason: "FieldManagerConflict", message: "conflict with \($0.manager.description)",
                        field: $0.field)
                }))
    }

    /// The fields that an earlier apply of the client's own kind has set and that nobody has changed since: kubectl may
    /// take them from whoever that was.
    private func lastApplied(in live: JSONValue) -> FieldSet? {
        guard let text = live["metadata"]["annotations"][Self.lastAppliedAnnotation].string, !text.isEmpty,
            // An annotation that anybody may write: what is no configuration allows nothing.
            let document = try? JSONParser.parse(Array(text.utf8)),
            document["apiVersion"].string == request.resource.apiVersion,
            AppliedConfiguration.problems(document, schema: request.resource.schema) == nil
        else { return nil }
        let set = FieldSet(applied: document, schema: request.resource.schema, hasZeroFields: hasZeroFields)
        guard let changes = comparison(from: document, to: live, in: request.resource.apiVersion) else { return nil }
        return set.subtracting(changes.modified).subtracting(changes.added).subtracting(changes.removed)
    }

    /// Keeps the annotation in step, for the next time that the client merges.
    private func updateLastApplied(_ object: inout JSONValue, _ configuration: JSONValue) {
        guard let current = object["metadata"]["annotations"][Self.lastAppliedAnnotation].string, !current.isEmpty
        else { return }
        var kept = configuration
        if kept["metadata"]["annotations"] != nil {
            kept["metadata"]["annotations"][Self.lastAppliedAnnotation] = nil
        }
        let text = Self.goText(kept)
        let annotations = object["metadata"]["annotations"]?.object ?? JSONObject()
        let others = annotations.reduce(0) { sum, annotation in
            annotation.key == Self.lastAppliedAnnotation
                ? sum : sum + annotation.key.utf8.count + (annotation.value.string ?? "").utf8.count
        }
        let isTooLong = others + Self.lastAppliedAnnotation.utf8.count + text.utf8.count > Self.maximumAnnotationBytes
        object["metadata"]["annotations"][Self.lastAppliedAnnotation] = .string(isTooLong ? "" : text)
    }

    /// JSON as Go writes a map: keys sorted, HTML escaped, with a line break.
    private static func goText(_ value: JSONValue) -> String {
        func sorted(_ value: JSONValue) -> JSONValue {
            switch value {
            case .object(let object):
                var copy = object.sortedByKey()
                copy.updateValues { _, member in member = sorted(member) }
                return .object(copy)
            case .array(let list): return .array(list.map(sorted))
            default: return value
            }
        }
        var output: [UInt8] = []
        for byte in sorted(value).encoded() {
            switch byte {
            case UInt8(ascii: "<"): output += "\\u003c".utf8
            case UInt8(ascii: ">"): output += "\\u003e".utf8
            case UInt8(ascii: "&"): output += "\\u0026".utf8
            default: output.append(byte)
            }
        }
        return String(decoding: output, as: UTF8.self) + "\n"
    }
}
