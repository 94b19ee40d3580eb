/// An OpenAPI 3.0 document as kube-apiserver serves for one group and version.
public struct OpenAPIDocument: Sendable {
    /// For messages: usually the file's name.
    public let name: String
    public let json: JSONValue

    public init(name: String, json: JSONValue) {
        self.name = name
        self.json = json
    }

    public init(name: String, encoded bytes: [UInt8]) throws(JSONError) {
        self.init(name: name, json: try JSONParser.parse(bytes))
    }
}

/// Why a document's schemas cannot be used.
public struct SchemaError: Error, Hashable, Sendable, CustomStringConvertible {
    /// The document, the component and the keyword.
    public let place: String
    public let message: String

    public init(_ place: String, _ message: String) {
        self.place = place
        self.message = message
    }

    public var description: String { "\(place): \(message)" }
}

/// The compiled schemas of all kinds that documents declare by `x-kubernetes-group-version-kind`.
public final class SchemaRegistry: Sendable {
    private let schemas: [GroupVersionKind: Schema]

    /// A kind that several documents declare is taken from the document of its own group and version.
    public init(documents: [OpenAPIDocument]) throws(SchemaError) {
        var schemas: [GroupVersionKind: Schema] = [:]
        for document in documents {
            let graph = try SchemaCompiler.compile(document)
            for (_, place) in graph.components {
                let kinds = graph.nodes[place].groupVersionKinds
                // Types like DeleteOptions belong to every group and are no objects of their own.
                for kind in kinds where kinds.count == 1 || schemas[kind] == nil {
                    schemas[kind] = Schema(graph: graph, index: place)
                }
            }
        }
        self.schemas = schemas
    }

    public func schema(for kind: GroupVersionKind) -> Schema? {
        schemas[kind]
    }

    public var kinds: some Collection<GroupVersionKind> { schemas.keys }
}
