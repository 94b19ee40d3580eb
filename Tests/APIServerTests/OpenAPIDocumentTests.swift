import Foundation
import KubeModel
import NetworkTypes
import Testing
import WatchCache

@testable import APIResources
@testable import APIServer

/// The documents in `openapi/` drive validation, defaulting, patches and `kubectl explain`, so they must be sound themselves.
@Suite("The OpenAPI documents") struct OpenAPIDocumentTests {
    private typealias Object = [String: Any]

    static let names = [
        "api__v1", "apis__apps__v1", "apis__autoscaling__v1", "apis__autoscaling__v2",
        "apis__authentication.k8s.io__v1", "apis__authorization.k8s.io__v1",
        "apis__batch__v1",
        "apis__networking.k8s.io__v1", "apis__discovery.k8s.io__v1",
        "apis__coordination.k8s.io__v1", "apis__events.k8s.io__v1", "apis__policy__v1",
        "apis__rbac.authorization.k8s.io__v1", "apis__apiextensions.k8s.io__v1", "apis__traffic.martlet.dev__v1",
        "apis__admissionregistration.k8s.io__v1", "apis__apiregistration.k8s.io__v1", "apis__certificates.k8s.io__v1",
        "apis__flowcontrol.apiserver.k8s.io__v1", "apis__node.k8s.io__v1", "apis__resource.k8s.io__v1",
        "apis__scheduling.k8s.io__v1", "apis__storage.k8s.io__v1",
        "apis__metallb.io__v1beta1", "apis__metallb.io__v1beta2",
    ]

    /// Kinds that are posted and answered: there are no lists of them.
    private static let posted = ReviewKind.allCases.map(\.definition) + [PodBinding.definition]
    private static let unstored = posted + [ComponentStatuses(components: []).definition]
    private static let unlisted = Set(posted.map(\.kind))

    /// The kinds of the registry and of what is not kept, by the document that describes them.
    private static func kinds() throws -> [String: [String]] {
        let cidr = try #require(CIDR("127.96.0.0/16"))
        let registry = try BuiltInResources.registry(ranges: AllocationRanges(serviceCIDRs: [cidr]))
        var kinds: [String: [String]] = [:]
        for definition in registry.strategies.map(\.definition) + unstored {
            let group = definition.group.isEmpty ? "api" : "apis__\(definition.group)"
            kinds["\(group)__\(definition.version)", default: []].append(definition.kind)
        }
        return kinds
    }

    private static func directory() -> URL {
        URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent().appendingPathComponent("openapi")
    }

    private static func document(_ name: String) throws -> Object {
        let data = try Data(contentsOf: directory().appendingPathComponent(name + ".json"))
        return try #require(try JSONSerialization.jsonObject(with: data) as? Object)
    }

    private static func schemas(_ document: Object) throws -> [String: Object] {
        let components = try #require(document["components"] as? Object)
        return try #require(components["schemas"] as? [String: Object])
    }

    /// Calls `visit` for every object below `value`, with its path.
    private static func walk(_ value: Any, _ path: String, _ visit: (Object, String) -> Void) {
        if let object = value as? Object {
            visit(object, path)
            for (key, child) in object { walk(child, path + "/" + key, visit) }
        } else if let array = value as? [Any] {
            for (index, child) in array.enumerated() { walk(child, path + "/\(index)", visit) }
        }
    }

    @Test func everyDocumentIsListedHere() throws {
        let files = try FileManager.default.contentsOfDirectory(atPath: Self.directory().path)
        #expect(files.filter { $0.hasSuffix(".json") }.sorted() == Self.names.map { $0 + ".json" }.sorted())
        #expect(Set(Self.names) == Set(try Self.kinds().keys))
    }

    @Test(arguments: names) func everyReferenceResolves(_ name: String) throws {
        let document = try Self.document(name)
        let known = Set(try Self.schemas(document).keys)
        let prefix = "#/components/schemas/"
        var dangling: [String] = []
        var used: Set<String> = []
        Self.walk(document, "") { object, path in
            guard let reference = object["$ref"] as? String else { return }
            let target = String(reference.dropFirst(prefix.count))
            used.insert(target)
            if !reference.hasPrefix(prefix) || !known.contains(target) { dangling.append("\(path): \(reference)") }
        }
        #expect(dangling.isEmpty)
        // What paths refer to: kinds, lists of them, and what requests and answers share.
        let roots = Set([
            "APIResourceList", "DeleteOptions", "LabelSelector", "Patch", "Status", "WatchEvent", "TokenRequest",
        ])
        .union(Self.unstored.map(\.kind))
        let wanted = known.filter { !roots.contains(String($0.split(separator: ".").last ?? "")) }
            .filter { !$0.hasSuffix("List") && !$0.hasSuffix("v1.Scale") && !$0.hasSuffix("v1.Eviction") }
        #expect(wanted.subtracting(used).isEmpty, "schemas that nothing refers to")
    }

    @Test(arguments: names) func everyPropertyAndSchemaIsDescribed(_ name: String) throws {
        var silent: [String] = []
        for (schemaName, schema) in try Self.schemas(Self.document(name)) {
            if (schema["description"] as? String ?? "").isEmpty { silent.append(schemaName) }
            for (property, node) in schema["properties"] as? [String: Object] ?? [:]
            where (node["description"] as? String ?? "").isEmpty {
                silent.append(schemaName + "." + property)
            }
        }
        #expect(silent.isEmpty)
    }

    @Test(arguments: names) func requiredFieldsListKeysAndMergeKeysExist(_ name: String) throws {
        let schemas = try Self.schemas(Self.document(name))
        var wrong: [String] = []
        func itemProperties(_ node: Object) -> Object? {
            guard let items = node["items"] as? Object, let reference = items["$ref"] as? String else { return nil }
            return schemas[String(reference.split(separator: "/").last ?? "")]?["properties"] as? Object
        }
        for (schemaName, schema) in schemas {
            let properties = schema["properties"] as? [String: Object] ?? [:]
            for field in schema["required"] as? [String] ?? [] where properties[field] == nil {
                wrong.append("\(schemaName): required \(field)")
            }
            for (property, node) in properties {
                if let keys = node["x-kubernetes-list-map-keys"] as? [String] {
                    let known = itemProperties(node) ?? [:]
                    wrong += keys.filter { known[$0] == nil }.map { "\(schemaName).\(property): list key \($0)" }
                    if node["x-kubernetes-list-type"] as? String != "map" { wrong.append("\(schemaName).\(property)") }
                }
                if let key = node["x-kubernetes-patch-merge-key"] as? String, itemProperties(node)?[key] == nil {
                    wrong.append("\(schemaName).\(property): merge key \(key)")
                }
                if let values = node["enum"] as? [String] {
                    if values != values.sorted() { wrong.append("\(schemaName).\(property): unsorted values") }
                    if let standard = node["default"] as? String, !standard.isEmpty, !values.contains(standard) {
                        wrong.append("\(schemaName).\(property): default \(standard)")
                    }
                }
            }
        }
        #expect(wrong.isEmpty)
    }

    @Test(arguments: names) func everyKindHasSchemasAndPathsAreLeftToTheServer(_ name: String) throws {
        let document = try Self.document(name)
        func kinds(_ node: Object) -> [String] {
            (node["x-kubernetes-group-version-kind"] as? [Object] ?? []).compactMap { $0["kind"] as? String }
        }
        let described = Set(try Self.schemas(document).values.flatMap(kinds))
        for kind in try #require(try Self.kinds()[name]) {
            #expect(described.isSuperset(of: Self.unlisted.contains(kind) ? [kind] : [kind, kind + "List"]))
        }
        #expect(described.isSuperset(of: ["APIResourceList", "DeleteOptions", "Status"]))
        #expect(document["paths"] == nil)
    }
}
