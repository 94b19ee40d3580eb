import KubeModel

extension ObjectWriter {
    /// POST to a collection.
    func create(_ exchange: Exchange, _ operation: ResourceOperation, _ done: @escaping WriteCompletion) throws(Status)
    {
        let request = try writeRequest(exchange, operation, optionsKind: "CreateOptions")
        var warnings: [String] = []
        let (document, members) = try request.resource.documentReader.readWithMembers(
            exchange.request.body, contentType: exchange.request.contentType, request.options.fieldValidation,
            warnings: &warnings)
        write(.create(document, members: members), request, warnings: warnings, done)
    }
}
