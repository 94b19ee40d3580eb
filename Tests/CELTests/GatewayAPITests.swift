import CEL
import Foundation
import KubeModel
import Testing

/// Gateway API's own definitions and what they say of objects, without a server.
@Suite("Rules of the Gateway API") struct GatewayAPITests {
    struct Case: Sendable, CustomTestStringConvertible {
        let resource: String
        let name: String
        let object: JSONValue
        let old: JSONValue?
        let errors: [String]

        var testDescription: String { "\(resource): \(name)" }
    }

    static let resources = [
        "gatewayclasses", "gateways", "httproutes", "grpcroutes", "referencegrants", "backendtlspolicies",
    ]

    private static func document(_ name: String) throws -> JSONValue {
        let tests = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        let file = tests.appending(path: "EndToEndTests/Manifests/gateway-api/\(name).yaml")
        return try YAMLDocument.parse(Array(try Data(contentsOf: file)))
    }

    static func cases() throws -> [Case] {
        try resources.flatMap { resource in
            let file = try document("cases/\(resource)")
            return try #require(file["cases"].array).map { entry in
                func object(_ spec: JSONValue) -> JSONValue {
                    [
                        "apiVersion": file["apiVersion"] ?? .null, "kind": file["kind"] ?? .null,
                        "metadata": ["name": "case"], "spec": spec,
                    ]
                }
                return Case(
                    resource: resource, name: entry["name"].string ?? "",
                    object: object(try #require(entry["spec"])), old: entry["old"].map { object($0) },
                    errors: (entry["errors"].array ?? []).compactMap(\.string))
            }
        }
    }

    @Test(arguments: resources) func rulesCompileWithinTheLimits(_ resource: String) throws {
        let definition = try Self.document("crds/\(resource)")
        for version in try #require(definition["spec"]["versions"].array) {
            let schema = try #require(version["schema"]["openAPIV3Schema"])
            #expect(CELRules.problems(inSchema: schema, at: FieldPath("schema")).map(\.message) == [])
        }
    }

    @Test(arguments: try cases()) func objectsAreJudged(_ example: Case) throws {
        let definition = try Self.document("crds/\(example.resource)")
        let versions = try #require(definition["spec"]["versions"].array)
        for version in versions where version["served"] == true {
            let schema = try Schema(json: try #require(version["schema"]["openAPIV3Schema"]), rules: .cel)
            var object = example.object
            schema.applyDefaults(&object)
            var errors = schema.validate(object)
            if let skipped = FieldError.skippedRules(after: errors), schema.hasRules {
                errors.append(skipped)
            } else {
                errors += schema.ruleErrors(object, old: example.old)
            }
            #expect(errors.map(\.message).sorted() == example.errors.sorted())
        }
    }
}
