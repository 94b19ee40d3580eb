extension ObjectEncoder {
    /// Writes `apiVersion` and `kind` first.
    public static func encode<T: KubeObject>(_ value: T) throws(ObjectCodingError) -> JSONValue {
        guard case .object(var object) = try encode(value as any Encodable) else {
            throw ObjectCodingError(path: "", message: "an object must encode as an object")
        }
        object.insert("kind", .string(T.definition.kind), at: 0)
        object.insert("apiVersion", .string(T.definition.apiVersion), at: 0)
        return .object(object)
    }
}
