import KubeModel

/// Reads what is posted to an unstored resource, and shows its answer in the form the client asked for.
enum UnstoredService {
    /// Calls `done` once, now or later. The exchange has its body.
    static func perform(_ exchange: Exchange, _ operation: UnstoredOperation, _ done: @escaping WriteCompletion) {
        do throws(Status) {
            let request = try request(exchange, operation)
            operation.resource.resource.answer(request) { result in
                done(result.map { response($0, shape: exchange.shape) })
            }
        } catch {
            done(.failure(error))
        }
    }

    private static func request(_ exchange: Exchange, _ operation: UnstoredOperation) throws(Status)
        -> UnstoredRequest
    {
        var document: JSONValue = [:]
        if operation.verb == .create {
            let options = try WriteOptions(exchange.query, kind: "CreateOptions")
            var warnings: [String] = []
            document = try operation.resource.documentReader.read(
                exchange.request.body, contentType: exchange.request.contentType, options.fieldValidation,
                warnings: &warnings)
            exchange.warnings?.add(warnings)
            try align(&document, operation)
        }
        return UnstoredRequest(
            verb: operation.verb, namespace: operation.namespace, name: operation.name, document: document,
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

    private static func response(_ answer: UnstoredAnswer, shape: ResponseShape) -> OutgoingResponse {
        var document = answer.document
        if case .partialMetadata(let version) = shape.form {
            document = MetadataCut.partialMetadata(document["metadata"] ?? [:], version: version)
        }
        return OutgoingResponse(status: answer.status, document: document, shape.format)
    }
}
