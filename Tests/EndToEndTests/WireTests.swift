import Foundation
import KubeModel
import Testing

extension EndToEnd {
    /// What goes over the wire, request by request, through `curl`.
    @Suite("The API on the wire", .serialized, .martlet("apiserver")) struct WireTests {
        private static let configMaps = "/api/v1/namespaces/default/configmaps"

        private static func configMap(_ name: String, _ more: String = "") -> String {
            #"{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"\#(name)"}\#(more)}"#
        }

        /// Checks that an answer is a `metav1.Status` as Kubernetes sends them.
        private func expect(
            _ response: WireResponse, _ code: Int, _ reason: String, _ message: String? = nil,
            sourceLocation: SourceLocation = #_sourceLocation
        ) throws {
            #expect(response.status == code, "\(response)", sourceLocation: sourceLocation)
            let status = try response.json()
            #expect(response.headers["content-type"] == "application/json", sourceLocation: sourceLocation)
            #expect(status["kind"] == "Status", sourceLocation: sourceLocation)
            #expect(status["apiVersion"] == "v1", sourceLocation: sourceLocation)
            #expect(status["status"] == "Failure", sourceLocation: sourceLocation)
            #expect(status["code"].int == code, sourceLocation: sourceLocation)
            #expect(status["reason"].string == reason, "\(response)", sourceLocation: sourceLocation)
            if let message {
                let text = status["message"].string ?? ""
                #expect(text.contains(message), sourceLocation: sourceLocation)
            }
        }

        // MARK: Doors

        @Test(arguments: ["/livez", "/readyz", "/healthz", "/version"])
        func `health and version need no credentials`(_ path: String) async throws {
            let response = try await suiteServer().request("GET", path, credentials: .none)
            #expect(response.status == 200)
            if path == "/version" {
                #expect(try response.json()["gitVersion"].string?.hasPrefix("v1.") == true)
            } else {
                #expect(response.body == "ok")
            }
        }

        @Test(arguments: ["/api", "/apis", "/api/v1/namespaces", "/openapi/v3", "/nothing"])
        func `everything else needs credentials`(_ path: String) async throws {
            let server = try suiteServer()
            try expect(try await server.request("GET", path, credentials: .none), 401, "Unauthorized")
            let wrong = try await server.request(
                "GET", path, headers: ["Authorization: Bearer wrong"], credentials: .none)
            try expect(wrong, 401, "Unauthorized", "Unauthorized")
        }

        @Test func `the unix socket needs no credentials`() async throws {
            let server = try suiteServer()
            let list = try await server.localRequest("GET", "/api/v1/namespaces")
            #expect(list.status == 200)
            #expect(try list.json()["kind"] == "NamespaceList")
            let attributes = try FileManager.default.attributesOfItem(atPath: server.file("api.sock"))
            #expect((attributes[.posixPermissions] as? NSNumber)?.intValue == 0o600)
            for name in ["admin.kubeconfig", "admin.token"] {
                let attributes = try FileManager.default.attributesOfItem(atPath: server.file(name))
                #expect((attributes[.posixPermissions] as? NSNumber)?.intValue == 0o600, "\(name)")
            }
        }

        @Test(arguments: ["--http1.1", "--http2"], ["--tlsv1.2 --tls-max 1.2", "--tlsv1.3"])
        func `both HTTP versions work on both TLS versions`(_ http: String, _ tls: String) async throws {
            let options = [http] + tls.split(separator: " ").map(String.init)
            let response = try await suiteServer().request("GET", "/api/v1/namespaces/default", options: options)
            #expect(response.status == 200)
            #expect(response.version == (http == "--http2" ? "HTTP/2" : "HTTP/1.1"))
            #expect(try response.json()["metadata"]["name"] == "default")
        }

        // MARK: Discovery

        @Test func `discovery lists groups and resources`() async throws {
            let server = try suiteServer()
            let core = try await server.request("GET", "/api").json()
            #expect(core["kind"] == "APIVersions")
            #expect(core["versions"] == ["v1"])
            let groups = try await server.request("GET", "/apis").json()
            #expect(groups["kind"] == "APIGroupList")
            let names = (groups["groups"].array ?? []).compactMap { $0["name"].string }
            #expect(Set(names).isSuperset(of: ["networking.k8s.io", "discovery.k8s.io", "traffic.martlet.dev"]))
            let group = try await server.request("GET", "/apis/networking.k8s.io").json()
            #expect(group["kind"] == "APIGroup")
            #expect(group["preferredVersion"]["groupVersion"] == "networking.k8s.io/v1")
            let resources = try await server.request("GET", "/api/v1").json()
            #expect(resources["kind"] == "APIResourceList")
            let services = (resources["resources"].array ?? []).filter {
                $0["name"].string?.hasPrefix("services") == true
            }
            #expect(services.contains { $0["name"] == "services/status" })
            let service = try #require(services.first { $0["name"] == "services" })
            #expect(service["namespaced"] == true)
            #expect(service["kind"] == "Service")
            #expect(service["shortNames"] == ["svc"])
            let verbs = Set((service["verbs"].array ?? []).compactMap(\.string))
            #expect(
                verbs == ["create", "delete", "deletecollection", "get", "list", "patch", "update", "watch"])
        }

        @Test func `aggregated discovery is one document for each root`() async throws {
            let server = try suiteServer()
            let accept = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,application/json"
            for (path, group) in [("/api", ""), ("/apis", "networking.k8s.io")] {
                let response = try await server.request("GET", path, headers: ["Accept: \(accept)"])
                let type = response.headers["content-type"] ?? ""
                #expect(type.hasPrefix("application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList"))
                let document = try response.json()
                #expect(document["kind"] == "APIGroupDiscoveryList")
                #expect(document["apiVersion"] == "apidiscovery.k8s.io/v2")
                let items = document["items"].array ?? []
                let found = try #require(items.first { ($0["metadata"]["name"].string ?? "") == group })
                let resources = found["versions"][0]["resources"].array ?? []
                let wanted = group.isEmpty ? "services" : "ingresses"
                let resource = try #require(resources.first { $0["resource"].string == wanted })
                #expect(resource["scope"] == "Namespaced")
                let subresources = (resource["subresources"].array ?? []).map { $0["subresource"].string }
                #expect(subresources.contains("status"))
            }
        }

        @Test func `OpenAPI documents have hashed addresses that may be cached`() async throws {
            let server = try suiteServer()
            let index = try await server.request("GET", "/openapi/v3").json()
            let address = try #require(index["paths"]["apis/networking.k8s.io/v1"]["serverRelativeURL"].string)
            #expect(address.contains("hash="))
            let response = try await server.request("GET", address)
            #expect(response.status == 200)
            #expect(response.headers["cache-control"]?.contains("immutable") == true)
            let document = try response.json()
            #expect(document["components"]["schemas"]["io.k8s.api.networking.v1.Ingress"] != nil)
            let etag = try #require(response.headers["etag"])
            let again = try await server.request("GET", address, headers: ["If-None-Match: \(etag)"])
            #expect(again.status == 304)
            let second = try await server.request("GET", "/openapi/v2")
            #expect(try second.json()["swagger"] == "2.0")
        }

        // MARK: Errors

        @Test func `malformed requests are 400`() async throws {
            let server = try suiteServer()
            try expect(try await server.request("POST", Self.configMaps, body: "{"), 400, "BadRequest")
            try expect(
                try await server.request("POST", Self.configMaps, body: #"{"apiVersion":"v1","kind":"Secret"}"#), 400,
                "BadRequest")
            try expect(try await server.request("GET", "/api/v1/pods?limit=x"), 400, "BadRequest")
            try expect(try await server.request("GET", "/api/v1/pods?labelSelector=a%3Db%3Dc"), 400, "BadRequest")
            try expect(
                try await server.request("GET", "/api/v1/pods?continue=nonsense"), 400, "BadRequest",
                "continue key is not valid")
            try expect(
                try await server.request(
                    "PATCH", "/api/v1/namespaces/default", body: "[", type: "application/json-patch+json"), 400,
                "BadRequest")
        }

        @Test func `what does not exist is 404`() async throws {
            let server = try suiteServer()
            try expect(
                try await server.request("GET", Self.configMaps + "/none"), 404, "NotFound",
                #"configmaps "none" not found"#)
            let details = try await server.request("GET", Self.configMaps + "/none").json()["details"]
            #expect(details == ["name": "none", "kind": "configmaps"])
            for path in ["/api/v1/gizmos", "/apis/nothing.example.com/v1/x", "/api/v2"] {
                let response = try await server.request("GET", path)
                #expect(response.status == 404, "\(path)")
            }
        }

        @Test func `a verb that a resource lacks is 405`() async throws {
            let server = try suiteServer()
            try expect(try await server.request("DELETE", "/api/v1/namespaces"), 405, "MethodNotAllowed")
            try expect(try await server.request("POST", Self.configMaps + "/x", body: "{}"), 405, "MethodNotAllowed")
        }

        @Test func `an answer nobody can make is 406, a body nobody can read 415`() async throws {
            let server = try suiteServer()
            let accept = "Accept: application/xml"
            try expect(
                try await server.request("GET", "/api/v1/namespaces/default", headers: [accept]), 406, "NotAcceptable")
            // With a fallback the fallback is what comes.
            let both = try await server.request(
                "GET", "/api/v1/namespaces/default", headers: [accept + ",application/json"])
            #expect(both.headers["content-type"] == "application/json")
            try expect(
                try await server.request("POST", Self.configMaps, body: "x", type: "text/plain"), 415,
                "UnsupportedMediaType")
            try expect(
                try await server.request("PATCH", Self.configMaps + "/x", body: "{}", type: "application/json"), 415,
                "UnsupportedMediaType")
        }

        @Test func `conflicts are 409`() async throws {
            let server = try suiteServer()
            let made = try await server.request("POST", Self.configMaps, body: Self.configMap("twice"))
            #expect(made.status == 201)
            try expect(
                try await server.request("POST", Self.configMaps, body: Self.configMap("twice")), 409, "AlreadyExists",
                #"configmaps "twice" already exists"#)
            let stale = #"{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"twice","resourceVersion":"1"}}"#
            try expect(
                try await server.request("PUT", Self.configMaps + "/twice", body: stale), 409, "Conflict",
                "Operation cannot be fulfilled on configmaps \"twice\": the object has been modified")
        }

        @Test func `a body over 3 MiB is 413`() async throws {
            let server = try suiteServer()
            let value = String(repeating: "x", count: 3 << 20)
            let body = Self.configMap("big", #","data":{"a":"\#(value)"}"#)
            for version in ["--http1.1", "--http2"] {
                let response = try await server.request("POST", Self.configMaps, body: body, options: [version])
                try expect(response, 413, "RequestEntityTooLarge")
            }
        }

        @Test func `an invalid object is 422 with a cause for each field`() async throws {
            let server = try suiteServer()
            let body = #"""
                {"apiVersion":"v1","kind":"Service","metadata":{"name":"-"},
                 "spec":{"ports":[{"port":0},{"port":80,"protocol":"X"}],"sessionAffinity":"Y"}}
                """#
            let response = try await server.request("POST", "/api/v1/namespaces/default/services", body: body)
            try expect(response, 422, "Invalid", #"Service "-" is invalid"#)
            let details = try response.json()["details"]
            #expect(details["kind"] == "Service")
            #expect(details["name"] == "-")
            let causes = details["causes"].array ?? []
            let fields = Set(causes.compactMap { $0["field"].string })
            #expect(
                fields.isSuperset(of: [
                    "metadata.name", "spec.ports[0].port", "spec.ports[0].name", "spec.ports[1].name",
                    "spec.ports[1].protocol", "spec.sessionAffinity",
                ]), "\(fields)")
            #expect(causes.allSatisfy { $0["reason"].string?.hasPrefix("FieldValue") == true })
        }

        // MARK: Representations

        @Test func `YAML goes in and out`() async throws {
            let server = try suiteServer()
            let response = try await server.request(
                "POST", Self.configMaps, body: "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: yaml\n",
                type: "application/yaml", headers: ["Accept: application/yaml"])
            #expect(response.status == 201)
            #expect(response.headers["content-type"] == "application/yaml")
            #expect(response.body.contains("kind: ConfigMap\n"))
        }

        @Test func `tables and partial metadata are made on request`() async throws {
            let server = try suiteServer()
            let table = try await server.request(
                "GET", "/api/v1/namespaces", headers: ["Accept: application/json;as=Table;v=v1;g=meta.k8s.io"])
            let document = try table.json()
            #expect(document["kind"] == "Table")
            #expect(document["apiVersion"] == "meta.k8s.io/v1")
            #expect(document["columnDefinitions"][0]["format"] == "name")
            #expect(document["rows"][0]["object"]["kind"] == "PartialObjectMetadata")
            #expect(document["rows"][0]["cells"].array?.count == document["columnDefinitions"].array?.count)
            let partial = try await server.request(
                "GET", "/api/v1/namespaces/default",
                headers: ["Accept: application/json;as=PartialObjectMetadata;v=v1;g=meta.k8s.io"])
            let metadata = try partial.json()
            #expect(metadata["kind"] == "PartialObjectMetadata")
            #expect(metadata["spec"] == nil)
            #expect(metadata["metadata"]["name"] == "default")
        }

        @Test func `unknown and duplicate fields are warned of or refused`() async throws {
            let server = try suiteServer()
            let body = #"{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"warned"},"dada":{},"dada":{}}"#
            let strict = try await server.request("POST", Self.configMaps + "?fieldValidation=Strict", body: body)
            try expect(strict, 400, "BadRequest", #"unknown field "dada""#)
            let warned = try await server.request("POST", Self.configMaps + "?fieldValidation=Warn", body: body)
            #expect(warned.status == 201)
            #expect(warned.headers["warning"]?.contains(#"unknown field \"dada\""#) == true, "\(warned)")
            #expect(try warned.json()["dada"] == nil)
        }
    }
}
