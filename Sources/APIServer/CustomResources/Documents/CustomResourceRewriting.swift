import KubeModel

/// Turns a path item of CustomResourceDefinition's document into that of a custom resource.
struct CustomResourceRewriting {
    let groupVersion: GroupVersion
    /// nil: of the group version itself.
    var definition: ResourceDefinition?
    /// Lists over all namespaces.
    var spansNamespaces = false
    /// Another subresource in place of `status`: how operations name it, and its schema.
    var subresource: (name: String, schema: String)?

    private static let model = "CustomResourceDefinition"
    private static let modelSchema = "io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.CustomResourceDefinition"

    func apply(to item: JSONValue) -> JSONValue {
        var item = rewritten(item)
        guard let definition, definition.namespaced, !spansNamespaces else { return item }
        let parameter: JSONValue = [
            "name": "namespace", "in": "path", "description": "Namespace of the objects.", "required": true,
            "schema": ["type": "string"],
        ]
        item["parameters"] = .array((item["parameters"].array ?? []) + [parameter])
        return item
    }

    private func rewritten(_ value: JSONValue) -> JSONValue {
        switch value {
        case .object(var object):
            if object["group"] == "apiextensions.k8s.io" { return kind }
            // Custom resources have no strategic merge.
            object["application/strategic-merge-patch+json"] = nil
            object.updateValues { _, member in member = rewritten(member) }
            return .object(object)
        case .array(let elements): return .array(elements.map { rewritten($0) })
        case .string(let text): return .string(rewritten(text))
        default: return value
        }
    }

    private var kind: JSONValue {
        if subresource != nil { return ["group": "autoscaling", "kind": "Scale", "version": "v1"] }
        return [
            "group": .string(groupVersion.group), "kind": .string(definition?.kind ?? ""),
            "version": .string(groupVersion.version),
        ]
    }

    private func rewritten(_ text: String) -> String {
        guard let definition else {
            return text.replacing("ApiextensionsV1", with: camelGroupVersion).replacing("apiextensions_v1", with: tag)
        }
        let name = CustomResourceOpenAPI.name(definition)
        if text.hasSuffix(Self.modelSchema) {
            return text.replacing(Self.modelSchema, with: subresource?.schema ?? name)
        }
        var result = text.replacing(Self.modelSchema, with: name)
        let scope = definition.namespaced && !spansNamespaces ? "Namespaced" : ""
        for collection in ["Collection", ""] {
            result = result.replacing(
                "ApiextensionsV1\(collection)\(Self.model)",
                with: camelGroupVersion + collection + scope + definition.kind
                    + (spansNamespaces ? "ForAllNamespaces" : ""))
        }
        result = result.replacing("apiextensions_v1", with: tag).replacing(Self.model, with: definition.kind)
        if let subresource, result.hasSuffix("Status") {
            result = String(result.dropLast("Status".count)) + subresource.name
        }
        return result
    }

    /// `StableExampleComV1` of stable.example.com/v1.
    private var camelGroupVersion: String {
        (groupVersion.group.split(separator: ".") + [Substring(groupVersion.version)]).map { word in
            word.split(separator: "-").map { $0.prefix(1).uppercased() + $0.dropFirst() }.joined()
        }.joined()
    }

    /// `stableExampleCom_v1`.
    private var tag: String {
        let camel = camelGroupVersion.dropLast(groupVersion.version.count)
        return camel.prefix(1).lowercased() + camel.dropFirst() + "_" + groupVersion.version
    }
}
