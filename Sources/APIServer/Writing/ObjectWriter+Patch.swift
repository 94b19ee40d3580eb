import KubeModel
import WatchCache

extension ObjectWriter {
    /// PATCH of an object or of one of its subresources.
    ///
    /// A patch without a version of its own is applied again to whatever another writer has left; one that sets
    /// `metadata.resourceVersion` to anything but the present version is a conflict.
    func patch(_ exchange: Exchange, _ operation: ResourceOperation, _ done: @escaping WriteCompletion) throws(Status) {
        let formats = PatchFormat.served(by: operation.resource.strategy)
        let mediaType = DocumentReader.mediaType(exchange.request.contentType)
        guard let format = formats.first(where: { $0.rawValue == mediaType }) else {
            throw Status.unsupportedMediaType(supported: formats.map(\.rawValue))
        }
        let request = try writeRequest(exchange, operation, optionsKind: "PatchOptions")
        if format == .apply {
            try applyConfiguration(exchange, request, done)
            return
        }
        if request.options.force != nil {
            throw WriteOptions.invalid(
                "PatchOptions", [.forbidden(FieldPath("force"), "may not be specified for non-apply patch")])
        }
        // Without an object there is nothing that the patch could be wrong about.
        guard request.resource.cache.get(namespace: request.namespace, name: request.name) != nil else {
            throw Status.notFound(request.resource.definition.groupResource, request.name)
        }
        let patch = try PatchDocument(exchange.request.body, format)
        let reader = request.documentReader
        let edit = Change.Edit(readsManagedFields: patch.readsManagedFields) { (old, warnings) throws(Status) in
            let shown = try request.shown(old)
            var document = try patch.apply(to: shown, schema: reader.schema)
            let patched = document
            try reader.conform(
                &document, patch.findings, hidesDuplicates: false, request.options.fieldValidation,
                warnings: &warnings
            ) { patch.refusal(of: patched, $0) }
            if document["metadata"]["resourceVersion"] == shown["metadata"]["resourceVersion"] {
                document["metadata"]["resourceVersion"] = nil
            } else {
                try self.requireVersion(document, request)
            }
            return try request.whole(document, of: old)
        }
        write(.edit(edit), request, done)
    }
}
