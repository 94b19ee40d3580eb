import CEL
import KubeModel
import Testing

@testable import APIResources
@testable import APIServer

/// Defaults that make objects which have defaults: a document of a few bytes could become any size.
@Suite("Defaults that multiply") struct NestedDefaultsTests {
    /// A list whose default has `breadth` elements, each of which has such a list, `levels` deep.
    private static func nested(levels: Int, breadth: Int) -> JSONValue {
        var item: JSONValue = ["type": "object"]
        for _ in 0..<levels {
            let elements = JSONValue.array(Array(repeating: [:], count: breadth))
            item = [
                "type": "object", "properties": ["x": ["type": "array", "default": elements, "items": item]],
            ]
        }
        return item
    }

    @Test func `eleven levels of four are refused, and the server goes on`() async throws {
        let server = try await TestServer()
        let version = CustomResourceSamples.version("v1", spec: Self.nested(levels: 11, breadth: 4))
        #expect(await server.define(CustomResourceSamples.crontabs(version)).status == 201)
        let answer = await server.send(
            "POST", CustomResourceSamples.crontabs, CustomResourceSamples.crontab("one", [:]))
        #expect(answer.status == 413, "\(answer.message)")
        #expect(answer.json["reason"] == "RequestEntityTooLarge")
        #expect(await server.send("GET", CustomResourceSamples.crontabs).names == [])
    }

    @Test func `what defaults add ends at the limit, whatever the schema would make`() throws {
        for levels in [11, 14] {
            let schema = try Schema(
                customObject: ["type": "object", "properties": ["spec": Self.nested(levels: levels, breadth: 4)]],
                components: CustomResourceComponents.metadata, rules: .cel)
            var document: JSONValue = ["spec": [:]]
            #expect(!schema.applyDefaults(&document))
            #expect(document.encoded().count <= Schema.defaultsLimit + 1000)
        }
    }

    @Test func `what fits is filled in`() async throws {
        let server = try await TestServer()
        let version = CustomResourceSamples.version("v1", spec: Self.nested(levels: 3, breadth: 2))
        #expect(await server.define(CustomResourceSamples.crontabs(version)).status == 201)
        let answer = await server.send(
            "POST", CustomResourceSamples.crontabs, CustomResourceSamples.crontab("one", [:]))
        #expect(answer.status == 201, "\(answer.message)")
        #expect(answer.json["spec"]["x"][1]["x"][1]["x"] == [[:], [:]])
    }
}
