import APIResources
import KubeModel
import Patching

extension ObjectWriter {
    /// PATCH with a configuration that is to be so: server-side apply. Creates the object when there is none.
    func applyConfiguration(
        _ exchange: Exchange, _ request: WriteRequest, _ done: @escaping WriteCompletion
    ) throws(Status) {
        guard !request.options.fieldManager.isEmpty else {
            throw WriteOptions.invalid(
                "PatchOptions", [.required(FieldPath("fieldManager"), "is required for apply patch")])
        }
        var warnings: [String] = []
        let document = try Self.configuration(exchange.request.body, request, warnings: &warnings)
        let definition = request.documentReader.definition
        let apiVersion = document["apiVersion"].string ?? ""
        let kind = document["kind"].string ?? ""
        guard apiVersion == definition.apiVersion, kind == definition.kind else {
            throw Status.badRequest("invalid object type: \(Self.goType(apiVersion, kind))")
        }
        if case .array? = document["metadata"]["managedFields"] {
            throw Status.badRequest("metadata.managedFields must be nil")
        }
        if let problem = AppliedConfiguration.problems(document, schema: request.documentReader.schema) {
            let metadata = document["metadata"]
            // Kubernetes answers 500 here; it is the client that has to change something.
            throw Status.badRequest(
                "failed to create typed patch object (\(metadata["namespace"].string ?? "")/"
                    + "\(metadata["name"].string ?? ""); \(Self.goType(apiVersion, kind))): \(problem)")
        }
        write(.apply(try request.wholeConfiguration(document)), request, warnings: warnings, done)
    }

    /// YAML, of which JSON is a part; that is read by the faster parser.
    private static func configuration(
        _ body: [UInt8], _ request: WriteRequest, warnings: inout [String]
    ) throws(Status) -> JSONValue {
        let document: JSONValue
        var findings = StrictFindings()
        do {
            var duplicates: [String] = []
            if body.first(where: { $0 > 0x20 }) == UInt8(ascii: "{"),
                // What only looks like JSON is read as YAML.
                let json = try? JSONParser.parse(body, duplicateKeys: &duplicates)
            {
                document = json
                if !duplicates.isEmpty { findings = StrictFindings(duplicates: duplicates) }
            } else {
                var duplicates: [YAMLDocument.Duplicate] = []
                document = try YAMLDocument.parse(body, duplicates: &duplicates)
                if !duplicates.isEmpty { findings = StrictFindings(duplicates: duplicates) }
            }
        } catch {
            throw Status.badRequest("error decoding YAML: \(error)")
        }
        guard case .object = document else {
            throw Status.badRequest(
                "error decoding YAML: error unmarshaling JSON: while decoding JSON: json: cannot unmarshal "
                    + "\(document.typeName) into Go value of type map[string]interface {}")
        }
        if !findings.isEmpty {
            switch request.options.fieldValidation {
            case .ignore: break
            case .warn: warnings += findings.warnings
            case .strict: throw Status.badRequest("error strict decoding YAML: \(findings.message)")
            }
        }
        return document
    }

    /// `networking.k8s.io/v1, Kind=Ingress`, as Go writes a kind with its group and version.
    private static func goType(_ apiVersion: String, _ kind: String) -> String {
        apiVersion.contains("/") ? "\(apiVersion), Kind=\(kind)" : "/\(apiVersion), Kind=\(kind)"
    }

    /// The object that an apply leads to, fit for the schema, and its owners.
    func applied(
        _ configuration: JSONValue, to live: LiveObject, _ request: WriteRequest, warnings: inout [String]
    ) throws(Status) -> (document: JSONValue, managedFields: [UInt8]) {
        let ownership = FieldOwnership(request, resources)
        var (document, managed) = try ownership.applied(configuration, to: live)
        // Nulls that an apply has left and the schema does not allow are dropped; unknown fields were refused before.
        try request.resource.documentReader.conform(
            &document, StrictFindings(), hidesDuplicates: false, .ignore, warnings: &warnings,
            refusal: { Status.badRequest($0) })
        return (document, managed.encoded())
    }
}

extension WriteRequest {
    /// The configuration of the whole object that a client's one stands for: of a `Scale`, that of its replicas.
    fileprivate func wholeConfiguration(_ document: JSONValue) throws(Status) -> JSONValue {
        guard subresource == .scale, let mapping = strategy.scale else { return document }
        var metadata: JSONObject = ["name": .string(name), "namespace": .string(namespace)]
        for field in ["uid", "resourceVersion"] { metadata[field] = document["metadata"][field] }
        let bare: JSONValue = [
            "apiVersion": .string(resource.apiVersion), "kind": .string(resource.definition.kind),
            "metadata": .object(metadata),
        ]
        guard document["spec"]["replicas"] != nil else { return bare }
        return try mapping.apply(document, to: bare)
    }
}
