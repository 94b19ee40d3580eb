import Synchronization

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
    /// A document that is read when a kind of its group and version is first asked for.
    public struct Source: Sendable {
        /// Its path in the API: `api/v1`, `apis/networking.k8s.io/v1`.
        public let name: String
        let bytes: @Sendable () -> [UInt8]

        public init(name: String, bytes: @escaping @Sendable () -> [UInt8]) {
            self.name = name
            self.bytes = bytes
        }

        fileprivate func declares(_ kind: GroupVersionKind) -> Bool {
            name == (kind.group.isEmpty ? "api/\(kind.version)" : "apis/\(kind.group)/\(kind.version)")
        }
    }

    private struct State {
        var schemas: [GroupVersionKind: Schema] = [:]
        var pending: [Source] = []
    }

    private let state: Mutex<State>
    private let structs: GoStructs?

    /// A kind that several documents declare is taken from the document of its own group and version.
    /// - Parameter structs: what the kinds are decoded into; nil: of no kind is anything known.
    public init(documents: [OpenAPIDocument], structs: GoStructs? = nil) throws(SchemaError) {
        var schemas: [GroupVersionKind: Schema] = [:]
        for document in documents { try Self.add(document, structs, to: &schemas) }
        state = Mutex(State(schemas: schemas))
        self.structs = structs
    }

    /// Compiles each document when it is needed. The documents are the program's own: one that is wrong ends it.
    public init(compiling sources: [Source], structs: GoStructs? = nil) {
        state = Mutex(State(pending: sources))
        self.structs = structs
    }

    public func schema(for kind: GroupVersionKind) -> Schema? {
        state.withLock { state in
            if let place = state.pending.firstIndex(where: { $0.declares(kind) }) {
                Self.compile(state.pending.remove(at: place), structs, into: &state.schemas)
            }
            // A kind without a document of its own (Scale) stands in those of others.
            while state.schemas[kind] == nil, !state.pending.isEmpty {
                Self.compile(state.pending.removeFirst(), structs, into: &state.schemas)
            }
            return state.schemas[kind]
        }
    }

    /// Of the documents compiled so far.
    public var kinds: some Collection<GroupVersionKind> { state.withLock { $0.schemas.keys } }

    private static func compile(
        _ source: Source, _ structs: GoStructs?, into schemas: inout [GroupVersionKind: Schema]
    ) {
        do {
            try add(OpenAPIDocument(name: source.name, encoded: source.bytes()), structs, to: &schemas)
        } catch {
            preconditionFailure("\(source.name): \(error)")
        }
    }

    private static func add(
        _ document: OpenAPIDocument, _ structs: GoStructs?, to schemas: inout [GroupVersionKind: Schema]
    ) throws(SchemaError) {
        let graph = try SchemaCompiler.compile(document, rules: nil, structs: structs)
        for (_, place) in graph.components {
            let kinds = graph.nodes[place].groupVersionKinds
            // Types like DeleteOptions belong to every group and are no objects of their own.
            for kind in kinds where kinds.count == 1 || schemas[kind] == nil {
                schemas[kind] = Schema(graph: graph, index: place)
            }
        }
    }
}
