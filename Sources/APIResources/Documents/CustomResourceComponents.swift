package import KubeModel

/// The schemas that every custom resource shares with the built-in kinds, read when the first one needs them.
package enum CustomResourceComponents {
    /// `ObjectMeta` and what it refers to.
    package static let metadata: JSONObject = {
        var found = JSONObject()
        var wanted = [Schema.objectMeta]
        let all = definitions["components"]["schemas"]?.object ?? JSONObject()
        while let name = wanted.popLast() {
            guard found[name] == nil, let schema = all[name] else { continue }
            found[name] = schema
            wanted += references(in: schema)
        }
        return found
    }()

    /// The document of apiextensions.k8s.io/v1.
    package static var definitions: JSONValue {
        let document = EmbeddedDocuments.all.first { $0.path == "apis/apiextensions.k8s.io/v1" }
        // The documents are parsed at start: a failure here can't happen.
        return document.flatMap { try? JSONParser.parse($0.bytes) } ?? [:]
    }

    /// The names of the schemas that a document refers to.
    package static func references(in value: JSONValue) -> [String] {
        switch value {
        case .object(let object):
            object.flatMap { key, member in
                key == "$ref"
                    ? [member.string.flatMap { $0.split(separator: "/").last.map(String.init) } ?? ""]
                    : references(in: member)
            }
        case .array(let elements): elements.flatMap { references(in: $0) }
        default: []
        }
    }
}
