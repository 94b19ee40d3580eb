import APIResources
import KubeModel
import Patching

/// The patch formats that are served, by media type.
enum PatchFormat: String, CaseIterable, Sendable {
    case json = "application/json-patch+json"
    case merge = "application/merge-patch+json"
    case strategicMerge = "application/strategic-merge-patch+json"
    /// Server-side apply, which reads its body otherwise.
    case apply = "application/apply-patch+yaml"

    /// Those of one resource.
    static func served(by strategy: any ResourceStrategy) -> [PatchFormat] {
        allCases.filter { $0 != .strategicMerge || strategy.servesStrategicMergePatch }
    }
}

/// A patch as it came: read once, applied to the object as often as other writers make it necessary.
struct PatchDocument: Sendable {
    let format: PatchFormat
    private let value: JSONValue
    /// What is wrong with the patch itself.
    let findings: StrictFindings

    /// - Throws: 400 for what is no JSON.
    init(_ body: [UInt8], _ format: PatchFormat) throws(Status) {
        self.format = format
        var duplicates: [String] = []
        do {
            value = try JSONParser.parse(body, duplicateKeys: &duplicates)
        } catch {
            throw Status.badRequest(format == .strategicMerge ? "\(error)" : "error decoding patch: \(error)")
        }
        var findings = StrictFindings(duplicates: duplicates)
        switch format {
        case .json:
            findings = StrictFindings()
            findings.add(duplicates.map { "json patch duplicate field \(goQuoted($0))" })
            findings.add(JSONPatch.unknownMembers(of: value))
        case .merge, .strategicMerge, .apply:
            guard case .object = value else {
                let problem =
                    "json: cannot unmarshal \(goTypeName(value)) into Go value of type map[string]interface {}"
                throw Status.badRequest(format == .merge ? "error decoding patch: \(problem)" : problem)
            }
        }
        self.findings = findings
    }

    /// Whether the patch has to do with the owners of fields, which it need not see otherwise.
    var readsManagedFields: Bool {
        guard format == .json else { return value["metadata"]["managedFields"] != nil }
        return (value.array ?? []).contains { operation in
            [operation["path"].string, operation["from"].string].contains { pointer in
                pointer == "" || pointer == "/metadata" || pointer?.hasPrefix("/metadata/managedFields") == true
            }
        }
    }

    /// The patched document. What a patch says about `apiVersion` and `kind` has to be what they are.
    func apply(to document: JSONValue, schema: Schema?) throws(Status) -> JSONValue {
        var result: JSONValue
        do throws(PatchError) {
            switch format {
            case .json: result = try JSONPatch.apply(value, to: document)
            case .merge, .apply: result = try MergePatch.apply(value, to: document)
            case .strategicMerge: result = try StrategicMergePatch.apply(value, to: document, schema: schema)
            }
        } catch {
            throw error.status
        }
        guard case .object = result else {
            throw refusal(
                of: result, "json: cannot unmarshal \(goTypeName(result)) into Go value of type map[string]interface {}"
            )
        }
        for key in ["apiVersion", "kind"] where result[key] != document[key] {
            // A strategic merge patch is applied to a struct whose type is known.
            if format != .strategicMerge { throw refusal(of: result, Self.typeProblem(result, document)) }
            result[key] = document[key]
        }
        return result
    }

    private static func typeProblem(_ result: JSONValue, _ document: JSONValue) -> String {
        guard let kind = result["kind"].string, !kind.isEmpty else { return "Object 'Kind' is missing in '\(result)'" }
        guard let version = result["apiVersion"].string, !version.isEmpty else {
            return "Object 'apiVersion' is missing in '\(result)'"
        }
        return "no kind \(goQuoted(kind)) is registered for version \(goQuoted(version)): the patched object is a "
            + "\(document["kind"].string ?? "") in version \(goQuoted(document["apiVersion"].string ?? ""))"
    }

    /// 422 for a patch that makes something of the object that can't be read: the field is the patch.
    func refusal(of result: JSONValue, _ reason: String) -> Status {
        .invalid(
            GroupKind(group: "", kind: ""), "",
            [
                .invalid(
                    FieldPath("patch"),
                    .string(format == .strategicMerge ? goText(value) : result.description), reason)
            ])
    }
}
