import APIResources
import KubeModel

/// The OpenAPI v3 document of one group and version of custom resources, in the form of those of the built-in kinds:
/// schemas, to which `OpenAPIService` adds the paths.
struct CustomResourceOpenAPI {
    struct Resource {
        var definition: ResourceDefinition
        /// `openAPIV3Schema`.
        var schema: JSONValue
        var hasScale: Bool
    }

    let groupVersion: GroupVersion
    let resources: [Resource]

    private static let listMeta = "io.k8s.apimachinery.pkg.apis.meta.v1.ListMeta"

    var document: JSONValue {
        let model = CustomResourceComponents.definitions
        var known = model["components"]["schemas"]?.object ?? JSONObject()
        var wanted = OpenAPIPaths.sharedSchemas
        if resources.contains(where: \.hasScale) {
            for (name, schema) in Self.scaleSchemas where known[name] == nil { known[name] = schema }
            wanted.append(OpenAPIPaths.scaleSchema)
        }
        var schemas = JSONObject()
        for resource in resources {
            schemas[Self.name(resource.definition)] = Self.schema(resource)
            schemas[Self.name(resource.definition) + "List"] = Self.listSchema(resource.definition)
        }
        // And what all of them refer to.
        wanted += CustomResourceComponents.references(in: .object(schemas))
        while let name = wanted.popLast() {
            guard schemas[name] == nil, let schema = known[name] else { continue }
            schemas[name] = schema
            wanted += CustomResourceComponents.references(in: schema)
        }
        var result = model
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
            if schemas[OpenAPIPaths.scaleSchema] != nil { return schemas }
        }
        return JSONObject()
    }
}
