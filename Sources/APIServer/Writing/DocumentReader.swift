import KubeModel

/// Bytes of a request → a document of one kind that fits its schema: decoded once, defaulted, pruned, checked.
struct DocumentReader: Sendable {
    let definition: ResourceDefinition
    let schema: Schema?

    /// Reads the body of a create or update.
    /// - Parameter warnings: gets a text for each unknown or duplicate field when `validation` is `.warn`.
    /// - Throws: 415 for another media type, 400 for what is no object of this kind.
    func read(
        _ body: [UInt8], contentType: String?, _ validation: WriteOptions.FieldValidation, warnings: inout [String]
    ) throws(Status) -> JSONValue {
        var duplicates: [String] = []
        var document = try parse(body, contentType: contentType, duplicates: &duplicates)
        try checkKind(&document)
        try conform(&document, duplicates: duplicates, validation, warnings: &warnings)
        return document
    }

    /// Drops unknown fields and nulls, reports them as `validation` says, and refuses values of a wrong type.
    func conform(
        _ document: inout JSONValue, duplicates: [String], _ validation: WriteOptions.FieldValidation,
        warnings: inout [String]
    ) throws(Status) {
        var findings = duplicates.map { "duplicate field \"\($0)\"" }
        if let schema { findings += schema.prune(&document).map { "unknown field \"\($0)\"" } }
        // Values of a wrong type can't be handed to the kind's own rules: they are a 400, as where Kubernetes decodes into
        // a Go struct.
        if let mismatch = schema?.mismatches(in: document).first { throw unreadable(mismatch.message) }
        if !findings.isEmpty {
            switch validation {
            case .ignore: break
            case .warn: warnings += findings
            case .strict:
                throw unreadable("strict decoding error: \(findings.joined(separator: ", "))")
            }
        }
    }

    /// What the schema finds wrong in a document with its defaults.
    func schemaErrors(_ document: JSONValue) -> [FieldError] {
        schema?.validate(document) ?? []
    }

    func unreadable(_ reason: String) -> Status {
        .badRequest(
            "\(definition.kind) in version \"\(definition.version)\" cannot be handled as a \(definition.kind): \(reason)"
        )
    }

    private func parse(_ body: [UInt8], contentType: String?, duplicates: inout [String]) throws(Status) -> JSONValue {
        let value: JSONValue
        switch Self.mediaType(contentType) {
        case "", "application/json":
            do {
                value = try JSONParser.parse(body, duplicateKeys: &duplicates)
            } catch {
                throw unrecognized("json parse error: \(error)")
            }
        case "application/yaml":
            do {
                value = try YAMLDocument.parse(body)
            } catch {
                throw unrecognized("yaml parse error: \(error)")
            }
        case ProtobufDocument.mediaType: value = try parseProtobuf(body)
        default:
            throw Self.unsupported
        }
        guard case .object = value else {
            throw unrecognized("json: cannot unmarshal \(value.typeName) into an object")
        }
        return value
    }

    private func parseProtobuf(_ body: [UInt8]) throws(Status) -> JSONValue {
        let value: JSONValue?
        do throws(ProtobufDocument.Malformed) {
            value = try ProtobufDocument.parse(body)
        } catch {
            throw unrecognized("proto: \(error.message)")
        }
        guard let value else { throw Self.unsupported }
        return value
    }

    static var unsupported: Status {
        .unsupportedMediaType(supported: ["application/json", "application/yaml"])
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
        var type = header.prefix { $0 != ";" }
        while type.last == " " { type.removeLast() }
        return type.lowercased()
    }
}
