import KubeModel
import Testing

@testable import APIResources
@testable import APIServer

@Suite("The OpenAPI v2 document") struct OpenAPIv2DocumentTests {
    private static let document: JSONValue = [
        "openapi": "3.0.0", "info": ["title": "T", "version": "v1"],
        "paths": [
            "/api/v1/things/{name}": [
                "patch": [
                    "operationId": "patchThing",
                    "parameters": [
                        ["name": "dryRun", "in": "query", "description": "d", "schema": ["type": "string"]]
                    ],
                    "requestBody": [
                        "content": [
                            "application/merge-patch+json": ["schema": ["$ref": "#/components/schemas/io.Thing"]]
                        ],
                        "required": true,
                    ],
                    "responses": [
                        "200": [
                            "description": "OK",
                            "content": ["application/json": ["schema": ["$ref": "#/components/schemas/io.Thing"]]],
                        ]
                    ],
                    "x-kubernetes-action": "patch",
                ],
                "parameters": [["name": "name", "in": "path", "required": true, "schema": ["type": "string"]]],
            ]
        ],
        "components": [
            "schemas": [
                "io.Thing": [
                    "type": "object", "required": ["port"],
                    "properties": [
                        "port": [
                            "description": "p", "default": [:],
                            "allOf": [["$ref": "#/components/schemas/io.IntOrString"]],
                        ],
                        "names": ["type": "array", "items": ["type": "string"], "x-kubernetes-list-type": "set"],
                    ],
                ],
                "io.IntOrString": ["oneOf": [["type": "integer"], ["type": "string"]], "format": "int-or-string"],
            ]
        ],
    ]

    @Test func aWrappedReferenceKeepsItsDescription() {
        let root = OpenAPIv2Document(merging: [Self.document]).root
        let port = root["definitions"]["io.Thing"]["properties"]["port"]
        #expect(port == ["description": "p", "default": [:], "$ref": "#/definitions/io.IntOrString"])
        #expect(root["definitions"]["io.IntOrString"] == ["type": "string", "format": "int-or-string"])
        #expect(root["swagger"] == "2.0")
    }

    @Test func aRequestBodyBecomesAParameter() {
        let root = OpenAPIv2Document(merging: [Self.document]).root
        let patch = root["paths"]["/api/v1/things/{name}"]["patch"]
        #expect(patch["requestBody"] == nil)
        #expect(patch["consumes"] == ["application/merge-patch+json"])
        #expect(patch["produces"] == ["application/json"])
        #expect(patch["parameters"][0] == ["name": "dryRun", "in": "query", "description": "d", "type": "string"])
        let body: JSONValue = [
            "in": "body", "name": "body", "required": true, "schema": ["$ref": "#/definitions/io.Thing"],
        ]
        #expect(patch["parameters"][1] == body)
        let response: JSONValue = ["description": "OK", "schema": ["$ref": "#/definitions/io.Thing"]]
        #expect(patch["responses"]["200"] == response)
    }

    @Test func protobufFieldsAreTaggedAndCounted() {
        var writer = ProtobufWriter()
        writer.write("ab", field: 1)
        writer.write("", field: 2)
        writer.write(300, field: 3)
        writer.write(true, field: 4)
        writer.write(1.0, field: 5)
        writer.message(field: 16) { $0.write("c", field: 1) }
        #expect(
            writer.buffer == [
                0x0a, 2, 0x61, 0x62, 0x18, 0xac, 0x02, 0x20, 1, 0x29, 0, 0, 0, 0, 0, 0, 0xf0, 0x3f, 0x82, 0x01, 3, 0x0a,
                1, 0x63,
            ])
    }

    @Test func theProtobufFormStartsWithTheVersionAndNamesEveryDefinition() {
        let bytes = OpenAPIv2Document(merging: [Self.document]).encodedProtobuf()
        #expect(Array(bytes.prefix(5)) == [0x0a, 3, 0x32, 0x2e, 0x30])
        let text = String(decoding: bytes, as: UTF8.self)
        #expect(text.contains("io.Thing") && text.contains("patchThing") && text.contains("dryRun"))
    }
}
