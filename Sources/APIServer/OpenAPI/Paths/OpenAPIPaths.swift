import APIResources
import KubeModel
import WatchCache

/// The `paths` of one group and version's OpenAPI v3 document, made from what is served: every path and method, with the
/// operation ids, parameters, bodies and extensions that kube-apiserver's documents have, so that code generators and
/// `kubectl` find what they look for.
///
/// Subresources that are only answered with 501 are left out, and `proxy`: what answers there is described elsewhere.
struct OpenAPIPaths {
    struct Resource {
        var definition: ResourceDefinition
        var subresources: [SubresourceDefinition]
        /// Whether DELETE answers with the object.
        var returnsDeletedObject: Bool
        /// Whether PATCH takes strategic merge patches.
        var mergesStrategically: Bool
        /// The verbs of what is not kept; nil: all.
        var verbs: [Verb]?

        init(_ resource: ServedResource) {
            let strategy = resource.strategy
            definition = strategy.definition
            let undescribed = Set(strategy.unimplementedSubresources.map(\.name) + ["proxy"])
            subresources = strategy.subresources.filter { !undescribed.contains($0.name) }
            returnsDeletedObject = strategy.returnsDeletedObject
            mergesStrategically = !strategy.isCustomResource
        }

        init(_ resource: ServedUnstoredResource) {
            definition = resource.definition
            verbs = resource.resource.verbs
            subresources = []
            returnsDeletedObject = false
            mergesStrategically = false
        }
    }

    /// What every document needs beside its kinds.
    static let sharedSchemas = ["APIResourceList", "DeleteOptions", "Patch", "Status", "WatchEvent"].map {
        "io.k8s.apimachinery.pkg.apis.meta.v1.\($0)"
    }
    /// What the documents of kinds with replicas need.
    static let scaleSchema = "io.k8s.api.autoscaling.v1.Scale"

    let groupVersion: GroupVersion
    /// The names of the schemas of kinds, as `x-kubernetes-group-version-kind` tells them.
    private let schemas: [GroupVersionKind: String]

    /// - Parameter schemas: the document's `components.schemas`.
    init(_ groupVersion: GroupVersion, schemas: JSONObject) {
        self.groupVersion = groupVersion
        var names: [GroupVersionKind: String] = [:]
        for (name, schema) in schemas {
            for kind in schema["x-kubernetes-group-version-kind"].array ?? [] {
                let kind = GroupVersionKind(
                    group: kind["group"].string ?? "", version: kind["version"].string ?? "",
                    kind: kind["kind"].string ?? "")
                if names[kind] == nil { names[kind] = name }
            }
        }
        self.schemas = names
    }

    /// What decides the paths of resources, so that a document's hash changes with them.
    static func summary(_ resources: [Resource]) -> String {
        let lines = resources.map { resource in
            let definition = resource.definition
            return "\(definition.plural) \(definition.kind) \(definition.namespaced) \(resource.returnsDeletedObject) "
                + resource.subresources.map { "\($0.name) \($0.verbs)" }.joined(separator: " ")
                + (resource.verbs.map { " \($0.map(\.rawValue))" } ?? "")
        }
        return "\(revision)\n" + lines.joined(separator: "\n")
    }

    /// To be counted up with each change of what this code makes.
    private static let revision = 1

    /// Paths in alphabetical order. A resource without schemas is left out.
    func paths(of resources: [Resource]) -> JSONObject {
        let root = groupVersion.group.isEmpty ? "/api/\(groupVersion.version)" : "/apis/\(groupVersion)"
        var items: [(path: String, item: JSONValue)] = [(root + "/", rootItem)]
        for resource in resources {
            let definition = resource.definition
            if let verbs = resource.verbs {
                items += unstored(definition, verbs, below: root)
                continue
            }
            guard let object = schemas[definition.groupVersionKind],
                let list = schemas[groupVersion.kind(definition.kind + "List")]
            else { continue }
            let operations = OpenAPIOperations(
                definition: definition, names: OpenAPINames(groupVersion), object: object, list: list)
            let collection = root + (definition.namespaced ? "/namespaces/{namespace}/" : "/") + definition.plural
            if definition.namespaced {
                items.append(("\(root)/\(definition.plural)", operations.everywhere))
            }
            items.append((collection, operations.collection))
            items.append((collection + "/{name}", operations.single(resource)))
            for subresource in resource.subresources {
                let kind = subresource.kind ?? definition.groupVersionKind
                guard let schema = schemas[kind] else { continue }
                items.append(
                    (
                        "\(collection)/{name}/\(subresource.name)",
                        operations.subresource(subresource, kind: kind, schema: schema, of: resource)
                    ))
            }
        }
        var paths = JSONObject()
        for (path, item) in items.sorted(by: { $0.path < $1.path }) { paths[path] = item }
        return paths
    }

    private func unstored(
        _ definition: ResourceDefinition, _ verbs: [Verb], below root: String
    ) -> [(path: String, item: JSONValue)] {
        guard let object = schemas[definition.groupVersionKind] else { return [] }
        let operations = OpenAPIOperations(
            definition: definition, names: OpenAPINames(groupVersion), object: object,
            list: schemas[groupVersion.kind(definition.kind + "List")] ?? object)
        let collection = root + (definition.namespaced ? "/namespaces/{namespace}/" : "/") + definition.plural
        var items: [(path: String, item: JSONValue)] = []
        if let item = operations.collection(of: verbs) { items.append((collection, item)) }
        if let item = operations.single(of: verbs) { items.append((collection + "/{name}", item)) }
        return items
    }

    private var rootItem: JSONValue {
        let names = OpenAPINames(groupVersion)
        return [
            "get": [
                "description": "Lists the resources of this group and version.",
                "operationId": .string("get\(names.camel)APIResources"), "tags": [.string(names.tag)],
                "responses": .object(
                    OpenAPIOperations.responses([
                        ("200", "OK", "io.k8s.apimachinery.pkg.apis.meta.v1.APIResourceList")
                    ])),
            ]
        ]
    }
}

/// How operations and tags name a group and version.
struct OpenAPINames {
    /// `CoreV1`, `AppsV1`, `RbacAuthorizationV1`, `StableExampleComV1`.
    let camel: String
    /// `core_v1`, `rbacAuthorization_v1`.
    let tag: String

    init(_ groupVersion: GroupVersion) {
        var group = Substring(groupVersion.group.isEmpty ? "core" : groupVersion.group)
        if group.hasSuffix(".k8s.io") { group = group.dropLast(".k8s.io".count) }
        let words = group.split { $0 == "." || $0 == "-" }.map { $0.prefix(1).uppercased() + $0.dropFirst() }
        let name = words.joined()
        camel = name + groupVersion.version.prefix(1).uppercased() + groupVersion.version.dropFirst()
        tag = name.prefix(1).lowercased() + name.dropFirst() + "_" + groupVersion.version
    }
}
