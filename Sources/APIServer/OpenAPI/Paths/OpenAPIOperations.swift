import APIResources
import KubeModel

/// The operations of one resource.
struct OpenAPIOperations {
    let definition: ResourceDefinition
    let names: OpenAPINames
    /// The names of the schemas of an object and of a list of them.
    let object: String
    let list: String

    private static let meta = "io.k8s.apimachinery.pkg.apis.meta.v1."
    private typealias Parameters = OpenAPIParameters

    // MARK: Path items

    /// Over all namespaces.
    var everywhere: JSONValue {
        [
            "get": listing(id: "list\(names.camel)\(definition.kind)ForAllNamespaces"),
            "parameters": .array([Parameters.pretty]),
        ]
    }

    var collection: JSONValue {
        var item: JSONValue = [
            "get": listing(id: id("list")),
            "post": operation(
                "Creates a \(definition.kind).", id: id("create"), action: "post", parameters: Parameters.write,
                body: Self.body(["*/*": object]),
                responses: [("200", "OK", object), ("201", "Created", object), ("202", "Accepted", object)]),
        ]
        if definition.allowsDeleteCollection {
            let kept = ["sendInitialEvents", "timeoutSeconds", "watch", "allowWatchBookmarks"]
            let selection = Parameters.list.filter { !kept.contains($0["name"].string ?? "") }
            item["delete"] = operation(
                "Deletes \(definition.kind) objects that match the selectors.", id: id("delete", "Collection"),
                action: "deletecollection", parameters: Parameters.delete + selection,
                body: Self.body(["*/*": Self.meta + "DeleteOptions"], isRequired: false),
                responses: [("200", "OK", Self.meta + "Status")])
        }
        item["parameters"] = .array(pathParameters(named: false))
        return item
    }

    /// Of what is not kept: only these verbs; nil without one for the collection.
    func collection(of verbs: [Verb]) -> JSONValue? { picked(collection, [("post", .create), ("get", .list)], verbs) }

    func single(of verbs: [Verb]) -> JSONValue? {
        picked(
            [
                "get": operation(
                    "Returns a \(definition.kind).", id: id("read"), action: "get", responses: [("200", "OK", object)]),
                "parameters": .array(pathParameters(named: true)),
            ], [("get", .get)], verbs)
    }

    private func picked(_ item: JSONValue, _ methods: [(name: String, verb: Verb)], _ verbs: [Verb]) -> JSONValue? {
        var picked = JSONObject()
        for method in methods where verbs.contains(method.verb) { picked[method.name] = item[method.name] }
        guard !picked.isEmpty else { return nil }
        picked["parameters"] = item["parameters"]
        return .object(picked)
    }

    func single(_ resource: OpenAPIPaths.Resource) -> JSONValue {
        let deleted = resource.returnsDeletedObject ? object : Self.meta + "Status"
        return [
            "get": operation(
                "Returns a \(definition.kind).", id: id("read"), action: "get", responses: [("200", "OK", object)]),
            "put": operation(
                "Replaces a \(definition.kind).", id: id("replace"), action: "put", parameters: Parameters.write,
                body: Self.body(["*/*": object]), responses: [("200", "OK", object), ("201", "Created", object)]),
            "patch": operation(
                "Changes parts of a \(definition.kind).", id: id("patch"), action: "patch",
                parameters: Parameters.patch, body: Self.patchBody(resource),
                responses: [("200", "OK", object), ("201", "Created", object)]),
            "delete": operation(
                "Deletes a \(definition.kind).", id: id("delete"), action: "delete", parameters: Parameters.delete,
                body: Self.body(["*/*": Self.meta + "DeleteOptions"], isRequired: false),
                responses: [("200", "OK", deleted), ("202", "Accepted", deleted)]),
            "parameters": .array(pathParameters(named: true)),
        ]
    }

    /// `status`, `scale`, `finalize`: what is read and written like the object itself; `eviction`: what is posted.
    func subresource(
        _ subresource: SubresourceDefinition, kind: GroupVersionKind, schema: String, of resource: OpenAPIPaths.Resource
    ) -> JSONValue {
        let suffix = subresource.name.prefix(1).uppercased() + subresource.name.dropFirst()
        let what = "the \(subresource.name) of a \(definition.kind)"
        var item: JSONValue = [:]
        if subresource.verbs.contains("get") {
            item["get"] = operation(
                "Returns \(what).", id: id("read") + suffix, action: "get", kind: kind,
                responses: [("200", "OK", schema)])
        }
        if subresource.verbs.contains("create") {
            item["post"] = operation(
                "Creates \(what).", id: id("create") + suffix, action: "post", kind: kind,
                parameters: Parameters.write, body: Self.body(["*/*": schema]),
                responses: [("200", "OK", schema), ("201", "Created", schema), ("202", "Accepted", schema)])
        }
        if subresource.verbs.contains("update") {
            item["put"] = operation(
                "Replaces \(what).", id: id("replace") + suffix, action: "put", kind: kind,
                parameters: Parameters.write, body: Self.body(["*/*": schema]),
                responses: [("200", "OK", schema), ("201", "Created", schema)])
        }
        if subresource.verbs.contains("patch") {
            item["patch"] = operation(
                "Changes parts of \(what).", id: id("patch") + suffix, action: "patch", kind: kind,
                parameters: Parameters.patch, body: Self.patchBody(resource),
                responses: [("200", "OK", schema), ("201", "Created", schema)])
        }
        item["parameters"] = .array(pathParameters(named: true))
        return item
    }

    // MARK: Operations

    private func listing(id: String) -> JSONValue {
        var operation = operation(
            "Lists or watches \(definition.kind) objects.", id: id, action: "list", parameters: Parameters.list,
            responses: [("200", "OK", list)])
        operation["responses"]["200"]["content"]["application/json;stream=watch"] = Self.content(list)
        return operation
    }

    private func operation(
        _ description: String, id: String, action: String, kind: GroupVersionKind? = nil,
        parameters: [JSONValue] = [], body: JSONValue? = nil, responses: [(code: String, text: String, schema: String)]
    ) -> JSONValue {
        let kind = kind ?? definition.groupVersionKind
        var operation: JSONObject = [
            "description": .string(description), "operationId": .string(id), "tags": [.string(names.tag)],
        ]
        if !parameters.isEmpty { operation["parameters"] = .array(parameters) }
        if let body { operation["requestBody"] = body }
        operation["responses"] = .object(Self.responses(responses))
        operation["x-kubernetes-action"] = .string(action)
        operation["x-kubernetes-group-version-kind"] = [
            "group": .string(kind.group), "kind": .string(kind.kind), "version": .string(kind.version),
        ]
        return .object(operation)
    }

    /// `readCoreV1NamespacedPod`, `deleteCoreV1CollectionNamespacedPod`.
    private func id(_ verb: String, _ infix: String = "") -> String {
        verb + names.camel + infix + (definition.namespaced ? "Namespaced" : "") + definition.kind
    }

    private func pathParameters(named: Bool) -> [JSONValue] {
        var parameters: [JSONValue] = []
        if named { parameters.append(Parameters.path("name", "Name of the \(definition.kind).")) }
        if definition.namespaced { parameters.append(Parameters.path("namespace", "Namespace of the objects.")) }
        return parameters + [Parameters.pretty]
    }

    // MARK: Bodies

    private static func patchBody(_ resource: OpenAPIPaths.Resource) -> JSONValue {
        var types = ["application/apply-patch+yaml", "application/json-patch+json", "application/merge-patch+json"]
        if resource.mergesStrategically { types.append("application/strategic-merge-patch+json") }
        var content = JSONObject()
        for type in types { content[type] = Self.content(meta + "Patch") }
        return ["content": .object(content), "required": true]
    }

    private static func body(_ schemas: [String: String], isRequired: Bool = true) -> JSONValue {
        var content = JSONObject()
        for (type, schema) in schemas { content[type] = Self.content(schema) }
        return isRequired ? ["content": .object(content), "required": true] : ["content": .object(content)]
    }

    static func responses(_ responses: [(code: String, text: String, schema: String)]) -> JSONObject {
        var result = JSONObject()
        for (code, text, schema) in responses {
            result[code] = [
                "description": .string(text),
                "content": ["application/json": content(schema), "application/yaml": content(schema)],
            ]
        }
        result["401"] = ["description": "Unauthorized"]
        return result
    }

    private static func content(_ schema: String) -> JSONValue {
        ["schema": ["$ref": .string("#/components/schemas/\(schema)")]]
    }
}
