import APIResources
import KubeModel
import WatchCache

extension ObjectWriter {
    /// PUT of an object or of one of its subresources.
    func update(_ exchange: Exchange, _ operation: ResourceOperation, _ done: @escaping WriteCompletion) throws(Status)
    {
        let request = try writeRequest(exchange, operation, optionsKind: "UpdateOptions")
        var warnings: [String] = []
        var (document, members) = try request.documentReader.readWithMembers(
            exchange.request.body, contentType: exchange.request.contentType, request.options.fieldValidation,
            warnings: &warnings)
        try request.alignIdentity(&document, expectedName: request.name)
        try requireVersion(document, request)
        let replacement = Change.Replacement(
            document: document, members: members,
            createsWhenMissing: request.subresource == nil && request.strategy.allowsCreateOnUpdate)
        write(.replace(replacement), request, warnings: warnings, done)
    }

    /// 422 for a document without a version, where the kind takes none.
    func requireVersion(_ document: JSONValue, _ request: WriteRequest) throws(Status) {
        guard !request.strategy.allowsUnconditionalUpdate,
            (document["metadata"]["resourceVersion"].string ?? "").isEmpty,
            request.resource.cache.get(namespace: request.namespace, name: request.name) != nil
        else { return }
        throw Status.invalid(
            request.resource.definition.groupKind, request.name,
            [.invalid(FieldPath("metadata", "resourceVersion"), 0, "must be specified for an update")])
    }
}
