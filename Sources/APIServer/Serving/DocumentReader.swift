import APIResources
import KubeModel

/// Bytes of a request → a document of one kind that fits its schema: decoded once, defaulted, pruned, checked.
struct DocumentReader: Sendable {
    let definition: ResourceDefinition
    let schema: Schema?
    var isCustomResource = false
    var isCheckedBySchema = false

    /// Reads the body of a create or update.
    /// - Parameter warnings: gets a text for each unknown or duplicate field when `validation` is `.warn`.
    /// - Throws: 415 for another media type, 400 for what is no object of this kind.
    func read(
        _ body: [UInt8], contentType: String?, _ validation: WriteOptions.FieldValidation, warnings: inout [String]
    ) throws(Status) -> JSONValue {
        try readWithMembers(body, contentType: contentType, validation, warnings: &warnings).document
    }

    /// As `read`, and what the document may share with the object that it replaces.
    func readWithMembers(
        _ body: [UInt8], contentType: String?, _ validation: WriteOptions.FieldValidation, warnings: inout [String]
    ) throws(Status) -> (document: JSONValue, members: ParsedMembers?) {
        var findings = StrictFindings()
        var members: ParsedMembers?
        var document = try parse(body, contentType: contentType, &findings, &members)
        try checkKind(&document)
        let isWhole = try conform(
            &document, findings, hidesDuplicates: true, validation, warnings: &warnings, refusal: unreadable)
        return (document, isWhole ? members : nil)
    }

    /// Drops unknown fields and nulls, reports them as `validation` says, and refuses values of a wrong type.
    /// - Parameters:
    ///   - findings: what was found before, in the bytes.
    ///   - hidesDuplicates: whether a field that is unknown and stands twice counts as unknown only.
    ///   - refusal: makes the answer of what is wrong.
    /// - Returns: whether the document is known to be as it was.
    @discardableResult
    func conform(
        _ document: inout JSONValue, _ findings: StrictFindings, hidesDuplicates: Bool,
        _ validation: WriteOptions.FieldValidation, warnings: inout [String], refusal: (_ reason: String) -> Status
    ) throws(Status) -> Bool {
        if findings.isEmpty, !isCustomResource, schema?.fits(document) ?? true { return true }
        // Of JSON only a document with repeated keys has findings of two kinds to put in order; those of a patch are found
        // first.
        let isInOrder = findings.isEmpty && !findings.areKeysSorted
        let order = isInOrder || isCustomResource || !hidesDuplicates ? nil : document
        let unknown = prune(&document)
        // Values of a wrong type can't be handed to the kind's own rules: they are refused as where Kubernetes decodes
        // into a Go struct.
        if let mismatch = mismatch(in: document) { throw refusal(mismatch.message) }
        guard validation != .ignore, !unknown.isEmpty || !findings.isEmpty else { return false }
        var findings = findings
        findings.add(unknown: unknown, hidesDuplicates: hidesDuplicates)
        if let order { findings.arrange(by: order) }
        if validation == .strict { throw refusal(findings.message) }
        warnings += findings.warnings
        return false
    }

    private func prune(_ document: inout JSONValue) -> [String] {
        guard let schema else { return [] }
        return isCustomResource ? schema.pruneCustomObject(&document) : schema.prune(&document)
    }

    /// Of a custom resource only the metadata becomes a Go struct.
    private func mismatch(in document: JSONValue) -> SchemaMismatch? {
        guard isCustomResource else { return schema?.mismatches(in: document).first }
        guard let metadata = document["metadata"] else { return nil }
        return schema?.property("metadata")?.mismatches(in: metadata).first
    }

    /// What the schema finds wrong in a document with its defaults, for kinds whose rules it states; the strategy of a
    /// custom resource asks for itself.
    /// - Parameter old: the document that this one replaces: what is as it was has been looked at before.
    func schemaErrors(_ document: JSONValue, replacing old: JSONValue? = nil) -> [FieldError] {
        isCheckedBySchema ? schema?.validate(document, replacing: old) ?? [] : []
    }

    func unreadable(_ reason: String) -> Status {
        .badRequest(
            "\(definition.kind) in version \"\(definition.version)\" cannot be handled as a \(definition.kind): \(reason)"
        )
    }

    private func parse(
        _ body: [UInt8], contentType: String?, _ findings: inout StrictFindings, _ members: inout ParsedMembers?
    ) throws(Status) -> JSONValue {
        let value: JSONValue
        switch Self.mediaType(contentType) {
        // A header that names no type is not the same as none.
        case "" where contentType?.isEmpty == false: throw unsupported
        case "", "application/json":
            do {
                var duplicates: [String] = []
                // Metadata is never the same: the server adds to it.
                value = try JSONParser.parse(
                    body, duplicateKeys: &duplicates, members: &members, except: "metadata")
                if !duplicates.isEmpty { findings = StrictFindings(duplicates: duplicates) }
            } catch {
                throw unrecognized("json parse error: \(error)")
            }
        case "application/yaml":
            do {
                var duplicates: [YAMLDocument.Duplicate] = []
                value = try YAMLDocument.parse(body, duplicates: &duplicates)
                findings = StrictFindings(duplicates: duplicates)
            } catch {
                throw unrecognized("yaml parse error: \(error)")
            }
        case ProtobufDocument.mediaType: value = try parseProtobuf(body)
        default:
            throw unsupported
        }
        guard case .object = value else {
            throw unrecognized("json: cannot unmarshal \(goTypeName(value)) into an object")
        }
        return value
    }

    private func parseProtobuf(_ body: [UInt8]) throws(Status) -> JSONValue {
        let value: JSONValue?
        do throws(ProtobufDocument.Malformed) {
            value = try ProtobufDocument.parse(body, kind: definition.groupVersionKind)
        } catch {
            throw unrecognized("proto: \(error.message)")
        }
        guard let value else { throw unsupported }
        return value
    }

    /// Bodies of kinds without a protobuf message (custom resources) are JSON or YAML.
    private var unsupported: Status {
        let kind = definition.groupVersionKind
        return Self.unsupported(protobuf: ProtobufFields.kinds["\(kind.apiVersion)/\(kind.kind)"] != nil)
    }

    static func unsupported(protobuf: Bool) -> Status {
        .unsupportedMediaType(
            supported: ["application/json", "application/yaml"] + (protobuf ? [ProtobufDocument.mediaType] : []))
    }

    private func unrecognized(_ reason: String) -> Status {
        .badRequest(
            "the object provided is unrecognized (must be of type \(definition.kind)): couldn't get version/kind; "
                + reason)
    }

    /// Missing `apiVersion` and `kind` are those of the path; others than those are refused.
    private func checkKind(_ document: inout JSONValue) throws(Status) {
        let apiVersion = document["apiVersion"].string ?? ""
        let kind = document["kind"].string ?? ""
        if !apiVersion.isEmpty, apiVersion != definition.apiVersion {
            throw Status.badRequest(
                "the API version in the data (\(apiVersion)) does not match the expected API version "
                    + "(\(definition.apiVersion))")
        }
        if !kind.isEmpty, kind != definition.kind {
            throw Status.badRequest(
                "\(kind) in version \"\(definition.version)\" cannot be handled as a \(definition.kind): the kind in "
                    + "the data does not match the expected kind")
        }
        document["apiVersion"] = .string(definition.apiVersion)
        document["kind"] = .string(definition.kind)
    }

    /// The type without parameters, lower case; "" when there is no header.
    static func mediaType(_ header: String?) -> String {
        guard let header else { return "" }
        // Nearly all clients say the type alone, as it is written here.
        let isPlain = header.utf8.allSatisfy { byte in
            byte > 0x20 && byte < 0x7f && byte != UInt8(ascii: ";")
                && !(UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(byte)
        }
        if isPlain { return header }
        var type = header.prefix { $0 != ";" }
        while type.last == " " { type.removeLast() }
        return type.lowercased()
    }
}
