import APIResources
import KubeModel

/// Reads what is posted to an unstored resource, and shows its answer in the form the client asked for.
enum UnstoredService {
    /// Calls `done` once, now or later. The exchange has its body.
    static func perform(_ exchange: Exchange, _ operation: UnstoredOperation, _ done: @escaping WriteCompletion) {
        do throws(Status) {
            let request = try request(exchange, operation)
            let included = try ObjectReader.included(exchange)
            operation.resource.resource.answer(request) { result in
                done(
                    Result { () throws(Status) in
                        try response(try result.get(), operation.resource.resource, exchange, included)
                    })
            }
        } catch {
            done(.failure(error))
        }
    }

    private static func request(_ exchange: Exchange, _ operation: UnstoredOperation) throws(Status)
        -> UnstoredRequest
    {
        var document: JSONValue = [:]
        var isDryRun = false
        if operation.verb == .create {
            let options = try WriteOptions(exchange.query, kind: "CreateOptions")
            isDryRun = options.isDryRun
            var warnings: [String] = []
            document = try operation.resource.documentReader.read(
                exchange.request.body, contentType: exchange.request.contentType, options.fieldValidation,
                warnings: &warnings)
            exchange.warnings?.add(warnings)
            try align(&document, operation)
        }
        return UnstoredRequest(
            verb: operation.verb, namespace: operation.namespace, name: operation.name, document: document,
            selection: operation.verb == .list ? try ListOptions(exchange.query) : ListOptions(), isDryRun: isDryRun,
            user: exchange.user, now: exchange.now)
    }

    /// The namespace of the path is that of the document.
    private static func align(_ document: inout JSONValue, _ operation: UnstoredOperation) throws(Status) {
        let given = document["metadata"]["namespace"].string ?? ""
        guard given.isEmpty || given == operation.namespace else {
            throw Status.badRequest(
                "the namespace of the provided object does not match the namespace sent on the request")
        }
        if !operation.namespace.isEmpty { document["metadata"]["namespace"] = .string(operation.namespace) }
    }

    private static func response(
        _ answer: UnstoredAnswer, _ resource: any UnstoredResource, _ exchange: Exchange,
        _ included: TableRenderer.IncludedObject
    ) throws(Status) -> OutgoingResponse {
        let shape = exchange.shape
        // A Status says how it went and is no object of the kind.
        guard answer.document["kind"].string != "Status" else {
            return OutgoingResponse(status: answer.status, document: answer.document, shape.format)
        }
        let items = answer.document["items"]?.array
        switch shape.form {
        case .object:
            return OutgoingResponse(status: answer.status, document: answer.document, shape.format)
        case .partialMetadata(let version):
            let cut = (items ?? [answer.document]).map {
                MetadataCut.partialMetadata($0["metadata"] ?? [:], version: version)
            }
            let document: JSONValue =
                items == nil
                ? cut[0]
                : [
                    "kind": "PartialObjectMetadataList", "apiVersion": .string("meta.k8s.io/\(version)"),
                    "metadata": answer.document["metadata"] ?? [:], "items": .array(cut),
                ]
            return OutgoingResponse(status: answer.status, document: document, shape.format)
        case .table(let version):
            let table = TableRenderer(
                columns: resource.columns ?? .standard, version: version, included: included, now: exchange.now)
            let bytes = try table.table((items ?? [answer.document]).map { $0.encoded() }, metadata: Array("{}".utf8))
            let document: JSONValue
            do {
                document = try JSONParser.parse(bytes)
            } catch {
                throw .internalError("a table is not JSON")
            }
            return OutgoingResponse(status: answer.status, document: document, shape.format)
        }
    }
}
