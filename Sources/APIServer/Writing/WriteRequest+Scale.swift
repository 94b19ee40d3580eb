import APIResources
import KubeModel

/// What a client reads and writes of an object: the object itself, or its `Scale`.
extension WriteRequest {
    /// Reads what the client sends.
    var documentReader: DocumentReader {
        subresource == .scale
            ? DocumentReader(definition: ScaleMapping.definition, schema: resource.scaleSchema)
            : resource.documentReader
    }

    /// What the subresource shows of an object.
    func shown(_ object: JSONValue) throws(Status) -> JSONValue {
        guard subresource == .scale, let mapping = strategy.scale else { return object }
        return try mapping.scale(of: object)
    }

    /// The whole object that a client wants who sends `document` for what ``shown(_:)`` gives of `old`.
    func whole(_ document: JSONValue, of old: JSONValue) throws(Status) -> JSONValue {
        guard subresource == .scale, let mapping = strategy.scale else { return document }
        return try mapping.apply(document, to: old)
    }
}
