/// A typed Kubernetes object. `apiVersion` and `kind` are not members: the encoder writes them from `definition`.
public protocol KubeObject: Codable, Sendable {
    static var definition: ResourceDefinition { get }
    var metadata: ObjectMeta { get set }
}

extension KubeObject {
    /// Decodes a document. `apiVersion` and `kind` are not compared, so that items of a list, which may lack them,
    /// can be read.
    public init(json: JSONValue) throws(ObjectCodingError) {
        self = try ObjectDecoder.decode(Self.self, from: json)
    }

    /// Decodes JSON text.
    public init(encoded bytes: [UInt8]) throws {
        self = try ObjectDecoder.decode(Self.self, from: JSONParser.parse(bytes))
    }

    /// The document, starting with `apiVersion` and `kind`.
    public func json() throws(ObjectCodingError) -> JSONValue {
        try ObjectEncoder.encode(self)
    }

    /// The JSON text, starting with `apiVersion` and `kind`.
    public func encoded() throws(ObjectCodingError) -> [UInt8] {
        try json().encoded()
    }

    /// `namespace/name`, or the name alone for a cluster-scoped object.
    public var namespacedName: String {
        let name = metadata.name ?? ""
        guard let namespace = metadata.namespace, !namespace.isEmpty else { return name }
        return "\(namespace)/\(name)"
    }
}
