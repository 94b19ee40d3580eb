import Foundation
import KubeModel
import Testing

extension EndToEnd {
    /// Gateway API's own definitions and objects, by `kubectl`.
    @Suite("The Gateway API's definitions on the wire", .serialized, .martlet("apiserver")) struct GatewayAPITests {
        private static let kinds = [
            "gatewayclasses", "gateways", "httproutes", "grpcroutes", "referencegrants", "backendtlspolicies",
        ]

        private static func manifest(_ name: String) -> String {
            URL(filePath: #filePath).deletingLastPathComponent().appending(path: "Manifests/gateway-api/\(name)").path
        }

        private struct Case {
            let name: String
            let spec: JSONValue
            let old: JSONValue?
            let errors: [String]
        }

        /// Numbered names, since the cases' own are sentences.
        private static func cases(_ resource: String) throws -> (head: JSONObject, cases: [Case]) {
            let bytes = Array(try Data(contentsOf: URL(filePath: manifest("cases/\(resource).yaml"))))
            let file = try YAMLDocument.parse(bytes)
            let cases = try #require(file["cases"].array).enumerated().map { place, entry in
                Case(
                    name: "case-\(place)", spec: try #require(entry["spec"]), old: entry["old"],
                    errors: (entry["errors"].array ?? []).compactMap(\.string))
            }
            let head: JSONObject = ["apiVersion": file["apiVersion"] ?? .null, "kind": file["kind"] ?? .null]
            return (head, cases)
        }

        private static func list(_ head: JSONObject, _ entries: [(name: String, spec: JSONValue)]) -> String {
            let items = entries.map { name, spec in
                var object = head
                object["metadata"] = ["name": .string(name)]
                object["spec"] = spec
                return JSONValue.object(object)
            }
            return JSONValue.object(["apiVersion": "v1", "kind": "List", "items": .array(items)]).description
        }

        /// What was said of each object, by its name.
        private static func complaints(_ text: String) -> [String: String] {
            var result: [String: String] = [:]
            let pattern = #/"(case-\d+)" is invalid: ([\s\S]*?)(?=\nError from server|\nThe \w+ "|\n*$)/#
            for match in text.matches(of: pattern) {
                result[String(match.output.1)] = String(match.output.2)
            }
            return result
        }

        @Test func `the standard channel is installed and judges objects`() async throws {
            let server = try suiteServer()
            try await server.kubectl("apply", "--server-side", "-f", Self.manifest("crds"))
            for kind in Self.kinds {
                try await server.kubectl(
                    "wait", "--for=condition=Established", "--timeout=30s", "crd/\(kind).gateway.networking.k8s.io")
            }
            // Once more, by the same manager: nothing to do.
            try await server.kubectl("apply", "--server-side", "-f", Self.manifest("crds"))
            try await server.makeNamespace("gateways")
            for kind in Self.kinds { try await judge(kind, server) }
        }

        private func judge(_ resource: String, _ server: MartletServer) async throws {
            let (head, cases) = try Self.cases(resource)
            func send(_ verb: String, _ entries: [(name: String, spec: JSONValue)]) async throws -> Program.Output {
                try await server.tryKubectl(
                    [verb, "--validate=false", "-n", "gateways", "-f", "-"], input: Self.list(head, entries))
            }
            let fresh = cases.filter { $0.old == nil }
            let good = try await send("create", fresh.filter(\.errors.isEmpty).map { ($0.name, $0.spec) })
            #expect(good.succeeded, "\(resource): \(good)")
            let replaced = cases.filter { $0.old != nil }
            if !replaced.isEmpty {
                let first = try await send("create", replaced.map { ($0.name, $0.old ?? .null) })
                #expect(first.succeeded, "\(resource): \(first)")
            }
            let bad = try await send("create", fresh.filter { !$0.errors.isEmpty }.map { ($0.name, $0.spec) })
            var told = Self.complaints(bad.err)
            if !replaced.isEmpty {
                let output = try await send("replace", replaced.map { ($0.name, $0.spec) })
                told.merge(Self.complaints(output.err)) { $1 }
            }
            #expect(Set(told.keys) == Set(cases.filter { !$0.errors.isEmpty }.map(\.name)), "\(resource): \(bad.err)")
            for example in cases {
                for error in example.errors {
                    #expect(told[example.name]?.contains(error) == true, "\(resource): \(told[example.name] ?? "")")
                }
            }
        }

        @Test func `definitions with rules that cannot work are refused`() async throws {
            let server = try suiteServer()
            func definition(_ rule: String, limit: String = "maxItems: 10, ") -> String {
                """
                apiVersion: apiextensions.k8s.io/v1
                kind: CustomResourceDefinition
                metadata: {name: widgets.rules.example.com}
                spec:
                  group: rules.example.com
                  names: {kind: Widget, listKind: WidgetList, plural: widgets, singular: widget}
                  scope: Namespaced
                  versions:
                  - name: v1
                    served: true
                    storage: true
                    schema:
                      openAPIV3Schema:
                        type: object
                        properties:
                          spec:
                            type: object
                            properties:
                              names: {type: array, \(limit)items: {type: string, maxLength: 10}}
                            x-kubernetes-validations: [{rule: "\(rule)"}]
                """
            }
            let place =
                "spec.versions[0].schema.openAPIV3Schema.properties[spec].x-kubernetes-validations[0].rule"
            let field = try await server.kubectlError("create", "-f", "-", input: definition("self.missing == 1"))
            #expect(field.contains(place))
            #expect(field.contains("undefined field 'missing'"))
            let unknown = try await server.kubectlError(
                "create", "-f", "-", input: definition("self.names.frobnicate()"))
            #expect(unknown.contains("undeclared reference to 'frobnicate' (in container '')"))
            let costly = try await server.kubectlError(
                "create", "-f", "-",
                input: definition("self.names.all(a, self.names.all(b, a == b))", limit: ""))
            #expect(
                costly.contains("\(place): Forbidden: estimated rule cost exceeds budget by factor of more than 100x"))
        }
    }
}
