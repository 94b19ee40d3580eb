import KubeModel
import Testing

@testable import APIResources
@testable import APIServer

/// The paths of the documents that are served.
@Suite("Paths of the OpenAPI documents") struct OpenAPIPathsTests {
    private func documents(_ server: TestServer) async -> [String: JSONValue] {
        var result: [String: JSONValue] = [:]
        let index = await server.send("GET", "/openapi/v3").json
        for (path, entry) in index["paths"]?.object ?? JSONObject() {
            let url = entry["serverRelativeURL"]?.string ?? ""
            let response = await server.send("GET", url)
            #expect(response.status == 200, "\(url)")
            result[path] = response.json
        }
        return result
    }

    private static func references(_ value: JSONValue, _ visit: (String) -> Void) {
        switch value {
        case .object(let object):
            for (key, member) in object {
                if key == "$ref", let target = member.string { visit(target) } else { references(member, visit) }
            }
        case .array(let elements): for element in elements { references(element, visit) }
        default: break
        }
    }

    private static func parameters(_ value: JSONValue?) -> Set<String> {
        Set((value["parameters"].array ?? []).compactMap { $0["name"]?.string })
    }

    @Test func referencesResolveAndOperationsHaveNamesOfTheirOwn() async throws {
        let server = try await TestServer()
        var ids: Set<String> = []
        for (name, document) in await documents(server) {
            let schemas = document["components"]?["schemas"]?.object ?? JSONObject()
            var dangling: Set<String> = []
            Self.references(document) { target in
                let parts = target.split(separator: "/").map(String.init)
                if parts.count != 4 || schemas[parts[3]] == nil { dangling.insert(target) }
            }
            #expect(dangling.isEmpty, "\(name)")
            for (path, item) in document["paths"]?.object ?? JSONObject() {
                let given = Self.parameters(item)
                for part in path.split(separator: "/") where part.hasPrefix("{") {
                    #expect(given.contains(String(part.dropFirst().dropLast())), "\(path)")
                }
                for (method, operation) in item.object ?? JSONObject() where method != "parameters" {
                    let id = operation["operationId"]?.string ?? ""
                    #expect(ids.insert(id).inserted, "\(id) of \(path)")
                    #expect(operation["responses"]?["401"] != nil)
                }
            }
        }
        #expect(
            ids.isSuperset(of: [
                "listCoreV1ServiceForAllNamespaces", "listCoreV1NamespacedService", "createCoreV1NamespacedService",
                "deleteCoreV1CollectionNamespacedService", "readCoreV1NamespacedService",
                "replaceCoreV1NamespacedService", "patchCoreV1NamespacedService", "deleteCoreV1NamespacedService",
                "readCoreV1NamespacedServiceStatus", "replaceCoreV1NamespaceFinalize", "listNetworkingV1IngressClass",
                "getCoreV1APIResources", "getNetworkingV1APIResources", "listTrafficMartletDevV1AddressPool",
            ]))
        #expect(!ids.contains("deleteCoreV1CollectionNamespace"))
    }

    @Test func everythingThatIsServedIsDescribed() async throws {
        let server = try await TestServer()
        let documents = await documents(server)
        for resource in server.core.resources.current.all {
            let definition = resource.definition
            let root = definition.group.isEmpty ? "api/v1" : "apis/\(definition.apiVersion)"
            let paths = documents[root]?["paths"]
            let scope = definition.namespaced ? "/namespaces/{namespace}/" : "/"
            let collection = paths?["/\(root)\(scope)\(definition.plural)"]
            let single = paths?["/\(root)\(scope)\(definition.plural)/{name}"]
            #expect(collection?["get"] != nil && collection?["post"] != nil, "\(definition.plural)")
            #expect(collection.map { $0["delete"] != nil } == definition.allowsDeleteCollection)
            for method in ["get", "put", "patch", "delete"] { #expect(single?[method] != nil, "\(definition.plural)") }
            for subresource in resource.strategy.subresources {
                let isServed =
                    resource.unimplemented(Subresource(rawValue: subresource.name) ?? .status) == nil
                    && subresource.name != "proxy"
                let item = paths?["/\(root)\(scope)\(definition.plural)/{name}/\(subresource.name)"]
                #expect((item != nil) == isServed, "\(definition.plural)/\(subresource.name)")
            }
        }
    }

    @Test func requestsAreDescribedAsKubernetesDoes() async throws {
        let server = try await TestServer()
        let document = try #require(await documents(server)["api/v1"])
        let collection = document["paths"]?["/api/v1/namespaces/{namespace}/configmaps"]
        let single = document["paths"]?["/api/v1/namespaces/{namespace}/configmaps/{name}"]
        #expect(
            Self.parameters(collection?["get"]) == [
                "allowWatchBookmarks", "continue", "fieldSelector", "labelSelector", "limit", "resourceVersion",
                "resourceVersionMatch", "sendInitialEvents", "timeoutSeconds", "watch",
            ])
        #expect(Self.parameters(collection?["post"]) == ["dryRun", "fieldManager", "fieldValidation"])
        #expect(Self.parameters(single?["patch"]) == ["dryRun", "fieldManager", "fieldValidation", "force"])
        let deletion = Self.parameters(single?["delete"])
        #expect(deletion.isSuperset(of: ["dryRun", "gracePeriodSeconds", "orphanDependents", "propagationPolicy"]))
        #expect(Self.parameters(single) == ["name", "namespace", "pretty"])
        let types = single?["patch"]?["requestBody"]?["content"]?.object?.map(\.key)
        #expect(
            types == [
                "application/apply-patch+yaml", "application/json-patch+json", "application/merge-patch+json",
                "application/strategic-merge-patch+json",
            ])
        #expect(single?["patch"]?["x-kubernetes-action"] == "patch")
        #expect(
            single?["patch"]?["x-kubernetes-group-version-kind"] == ["group": "", "kind": "ConfigMap", "version": "v1"])
        #expect(collection?["delete"]?["x-kubernetes-action"] == "deletecollection")
        #expect(
            collection?["get"]?["responses"]?["200"]?["content"]?.object?.map(\.key).contains(
                "application/json;stream=watch") == true)
    }

    @Test func theSecondVersionIsTaggedWithoutBeingRendered() async throws {
        let server = try await TestServer()
        let first = await server.send("GET", "/openapi/v2")
        let tag = try #require(first.header("ETag"))
        let second = await server.send("GET", "/openapi/v2", ifNoneMatch: tag)
        #expect(second.status == 304)
        #expect(second.body.isEmpty)
        #expect(first.json["paths"]?["/api/v1/namespaces/{namespace}/configmaps/{name}"]?["patch"]?["consumes"] != nil)
    }

    @Test(
        arguments: [
            ("", "CoreV1", "core_v1"), ("apps", "AppsV1", "apps_v1"),
            ("networking.k8s.io", "NetworkingV1", "networking_v1"),
            ("rbac.authorization.k8s.io", "RbacAuthorizationV1", "rbacAuthorization_v1"),
            ("my-shop.example.com", "MyShopExampleComV1", "myShopExampleCom_v1"),
        ])
    func groupsHaveNamesInOperations(group: String, camel: String, tag: String) {
        let names = OpenAPINames(GroupVersion(group: group, version: "v1"))
        #expect(names.camel == camel)
        #expect(names.tag == tag)
    }
}
