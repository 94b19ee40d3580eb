extension ObjectEncoder {
    /// Writes `apiVersion` and `kind` first.
    public static func encode<T: KubeObject>(_ value: T) throws(ObjectCodingError) -> JSONValue {
        guard case .object(var object) = try members(value) else {
            throw ObjectCodingError(path: "", message: "an object must encode as an object")
        }
        object.insert("kind", .string(T.definition.kind), at: 0)
        object.insert("apiVersion", .string(T.definition.apiVersion), at: 0)
        return .object(object)
    }

    /// The members alone: where no more is known of `T` than that it is encodable.
    private static func members<T: Encodable>(_ value: T) throws(ObjectCodingError) -> JSONValue { try encode(value) }
}
