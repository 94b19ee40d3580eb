import KubeModel

/// The OpenAPI v3 document of one group and version of custom resources, in the form of those of the built-in kinds: the
/// paths are those of CustomResourceDefinition itself, for another kind.
struct CustomResourceOpenAPI {
    struct Resource {
        var definition: ResourceDefinition
        /// `openAPIV3Schema`.
        var schema: JSONValue
        var hasScale: Bool
    }

    let groupVersion: GroupVersion
    let resources: [Resource]

    private static let model = "io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.CustomResourceDefinition"
    private static let modelPath = "/apis/apiextensions.k8s.io/v1"
    private static let scale = "io.k8s.api.autoscaling.v1.Scale"
    private static let listMeta = "io.k8s.apimachinery.pkg.apis.meta.v1.ListMeta"

    var document: JSONValue {
        let model = CustomResourceComponents.definitions
        let modelPaths = model["paths"]?.object ?? JSONObject()
        var known = model["components"]["schemas"]?.object ?? JSONObject()
        if resources.contains(where: \.hasScale) {
            for (name, schema) in Self.scaleSchemas where known[name] == nil { known[name] = schema }
        }
        var paths = JSONObject()
        var schemas = JSONObject()
        if let root = modelPaths[Self.modelPath + "/"] {
            paths["/apis/\(groupVersion)/"] = CustomResourceRewriting(groupVersion: groupVersion).apply(to: root)
        }
        for resource in resources {
            for (path, item) in self.paths(of: resource, modelPaths, hasScale: known[Self.scale] != nil) {
                paths[path] = item
            }
            schemas[Self.name(resource.definition)] = Self.schema(resource)
            schemas[Self.name(resource.definition) + "List"] = Self.listSchema(resource.definition)
        }
        // What the paths and schemas refer to, and what that refers to.
        var wanted = CustomResourceComponents.references(in: .object(paths))
        wanted += CustomResourceComponents.references(in: .object(schemas))
        wanted.append("io.k8s.apimachinery.pkg.apis.meta.v1.WatchEvent")
        while let name = wanted.popLast() {
            guard schemas[name] == nil, let schema = known[name] else { continue }
            schemas[name] = schema
            wanted += CustomResourceComponents.references(in: schema)
        }
        var result = model
        result["paths"] = .object(paths.sortedByKey())
        result["components"]["schemas"] = .object(schemas.sortedByKey())
        return result
    }

    /// `com.example.stable.v1.CronTab` of stable.example.com/v1.
    static func name(_ definition: ResourceDefinition) -> String {
        (definition.group.split(separator: ".").reversed().map(String.init) + [definition.version, definition.kind])
            .joined(separator: ".")
    }

    // MARK: Schemas

    private static func schema(_ resource: Resource) -> JSONValue {
        let definition = resource.definition
        var schema = resource.schema
        schema["properties"]["apiVersion"] = [
            "description": "Schema version of this object, as group/version; the core group has the bare version.",
            "type": "string",
        ]
        schema["properties"]["kind"] = [
            "description": "Kind of the object, in CamelCase. Can't be changed.", "type": "string",
        ]
        schema["properties"]["metadata"] = [
            "description": "Metadata of the object.",
            "allOf": [["$ref": .string("#/components/schemas/\(Schema.objectMeta)")]], "default": [:],
        ]
        schema["x-kubernetes-group-version-kind"] = [kind(definition, definition.kind)]
        return schema
    }

    private static func listSchema(_ definition: ResourceDefinition) -> JSONValue {
        let object: JSONValue = .string("#/components/schemas/\(name(definition))")
        let metadata: JSONValue = .string("#/components/schemas/\(listMeta)")
        return [
            "description": .string("A list of \(definition.kind) objects."), "type": "object", "required": ["items"],
            "properties": [
                "apiVersion": [
                    "description":
                        "Schema version of this object, as group/version; the core group has the bare version.",
                    "type": "string",
                ],
                "items": ["description": "The objects.", "type": "array", "items": ["$ref": object]],
                "kind": ["description": "Kind of the object, in CamelCase. Can't be changed.", "type": "string"],
                "metadata": [
                    "description": "Metadata of the list.", "allOf": [["$ref": metadata]], "default": [:],
                ],
            ], "x-kubernetes-group-version-kind": [kind(definition, definition.listKind)],
        ]
    }

    private static func kind(_ definition: ResourceDefinition, _ kind: String) -> JSONValue {
        ["group": .string(definition.group), "kind": .string(kind), "version": .string(definition.version)]
    }

    /// The schemas of a document that has Scale.
    private static var scaleSchemas: JSONObject {
        for document in EmbeddedDocuments.all {
            // The documents are parsed at start: a failure here can't happen.
            guard let parsed = try? JSONParser.parse(document.bytes) else { continue }
            let schemas = parsed["components"]["schemas"]?.object ?? JSONObject()
            if schemas[scale] != nil { return schemas }
        }
        return JSONObject()
    }

    // MARK: Paths

    private func paths(of resource: Resource, _ model: JSONObject, hasScale: Bool) -> [(String, JSONValue)] {
        let definition = resource.definition
        let base = "\(Self.modelPath)/customresourcedefinitions"
        let rewriting = CustomResourceRewriting(groupVersion: groupVersion, definition: definition)
        let prefix = "/apis/\(groupVersion)"
        let root = prefix + (definition.namespaced ? "/namespaces/{namespace}/" : "/") + definition.plural
        var result: [(String, JSONValue)] = []
        if let collection = model[base] {
            result.append((root, rewriting.apply(to: collection)))
            if definition.namespaced {
                var all: JSONValue = ["get": collection["get"] ?? [:]]
                if let parameters = collection["parameters"] { all["parameters"] = parameters }
                let everywhere = CustomResourceRewriting(
                    groupVersion: groupVersion, definition: definition, spansNamespaces: true)
                result.append(("\(prefix)/\(definition.plural)", everywhere.apply(to: all)))
            }
        }
        if let single = model[base + "/{name}"] { result.append((root + "/{name}", rewriting.apply(to: single))) }
        guard let status = model[base + "/{name}/status"] else { return result }
        if definition.hasStatus { result.append((root + "/{name}/status", rewriting.apply(to: status))) }
        if resource.hasScale, hasScale {
            let scaling = CustomResourceRewriting(
                groupVersion: groupVersion, definition: definition, subresource: ("Scale", Self.scale))
            result.append((root + "/{name}/scale", scaling.apply(to: status)))
        }
        return result
    }
}
