import KubeModel

extension ObjectWriter {
    /// The patch formats that are served, by media type.
    enum PatchFormat: String, CaseIterable {
        case json = "application/json-patch+json"
        case merge = "application/merge-patch+json"
        case strategicMerge = "application/strategic-merge-patch+json"
    }

    /// PATCH of an object or of its `status`.
    func patch(_ exchange: Exchange, _ operation: ResourceOperation, _ done: @escaping WriteCompletion) throws(Status) {
        let request = try writeRequest(exchange, operation, optionsKind: "PatchOptions")
        guard let format = PatchFormat(rawValue: DocumentReader.mediaType(exchange.request.contentType)) else {
            throw Status.unsupportedMediaType(supported: PatchFormat.allCases.map(\.rawValue))
        }
        if request.options.force != nil {
            throw WriteOptions.invalid(
                "PatchOptions", [.forbidden(FieldPath("force"), "may not be specified for non-apply patch")])
        }
        let patch: JSONValue
        var duplicates: [String] = []
        do {
            patch = try JSONParser.parse(exchange.request.body, duplicateKeys: &duplicates)
        } catch {
            throw Status.badRequest("error decoding patch: \(error)")
        }
        let repeated = duplicates
        let reader = request.documentReader
        let change = Change(retriesLostRaces: Self.version(in: patch, format) == nil) {
            (old, warnings) throws(Status) in
            let shown = try request.shown(old)
            var document = try Self.patched(shown, patch, format, reader.schema)
            document["apiVersion"] = shown["apiVersion"]
            document["kind"] = shown["kind"]
            try reader.conform(
                &document, duplicates: repeated, request.options.fieldValidation, warnings: &warnings)
            if Self.version(in: patch, format) == nil { document["metadata"]["resourceVersion"] = nil }
            return try request.whole(document, of: old)
        }
        try apply(change, request, attempt: 1, done)
    }

    /// The version a patch insists on; JSON patches say it with a `test` operation instead.
    private static func version(in patch: JSONValue, _ format: PatchFormat) -> String? {
        guard format != .json, let version = patch["metadata"]["resourceVersion"].string, !version.isEmpty else {
            return nil
        }
        return version
    }

    private static func patched(
        _ old: JSONValue, _ patch: JSONValue, _ format: PatchFormat, _ schema: Schema?
    ) throws(Status) -> JSONValue {
        do throws(PatchError) {
            switch format {
            case .json: return try JSONPatch.apply(patch, to: old)
            case .merge: return try MergePatch.apply(patch, to: old)
            case .strategicMerge:
                return try StrategicMergePatch.apply(patch, to: old, schema: schema)
            }
        } catch {
            throw error.status
        }
    }
}
