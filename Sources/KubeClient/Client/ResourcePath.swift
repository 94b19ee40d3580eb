import KubeModel

/// Builds request targets for a resource (Kubernetes API concepts, "Resource URIs").
struct ResourcePath {
    var definition: ResourceDefinition
    /// Nil or empty for cluster-scoped resources and for lists across namespaces.
    var namespace: String?
    var name: String?
    var subresource: String?

    /// The path and query.
    func target(_ query: [(String, String)] = []) -> String {
        var target =
            definition.group.isEmpty
            ? "/api/\(definition.version)" : "/apis/\(definition.group)/\(definition.version)"
        if definition.namespaced, let namespace, !namespace.isEmpty {
            target += "/namespaces/" + Self.escaped(namespace)
        }
        target += "/" + definition.plural
        if let name { target += "/" + Self.escaped(name) }
        if let subresource { target += "/" + subresource }
        for (index, item) in query.enumerated() {
            target += (index == 0 ? "?" : "&") + Self.escaped(item.0) + "=" + Self.escaped(item.1)
        }
        return target
    }

    /// Percent-encodes everything but RFC 3986's unreserved characters.
    static func escaped(_ text: String) -> String {
        var result = ""
        let digits = Array("0123456789ABCDEF".utf8)
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "a")...UInt8(ascii: "z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"),
                UInt8(ascii: "~"):
                result.unicodeScalars.append(Unicode.Scalar(byte))
            default:
                result += "%"
                result.unicodeScalars.append(Unicode.Scalar(digits[Int(byte >> 4)]))
                result.unicodeScalars.append(Unicode.Scalar(digits[Int(byte & 15)]))
            }
        }
        return result
    }
}
