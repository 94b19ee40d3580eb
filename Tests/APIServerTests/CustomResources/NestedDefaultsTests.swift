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

    @Test func `a definition costs no more than its size, however its defaults multiply`() throws {
        var properties = JSONObject()
        for index in 0..<40 { properties["p\(index)"] = Self.nested(levels: 11, breadth: 4) }
        properties["wrong"] = ["type": "string", "default": 3]
        let schema: JSONValue = ["type": "object", "properties": .object(properties)]
        let compiled = try Schema(customObject: schema, components: CustomResourceComponents.metadata, rules: .cel)
        var errors: [FieldError] = []
        let added = DefaultRules.check(schema, compiled, FieldPath(), &errors)
        // One goes over it, and by no more than what it says itself.
        #expect(added > 0 && added < DefaultRules.limit + 1000)
        #expect(errors.count == 1)
        #expect(errors.first?.message.hasPrefix("properties[wrong].default: Invalid value") == true, "\(errors)")
    }

    /// Defaults may come, or grow, when objects are there already.
    @Test func `defaults that would make too much of a stored object are left out, and it is said`() async throws {
        let server = try await TestServer()
        #expect(await server.define(CustomResourceSamples.crontabs()).status == 201)
        for name in ["one", "two"] {
            #expect(
                await server.send("POST", CustomResourceSamples.crontabs, CustomResourceSamples.crontab(name)).status
                    == 201)
        }
        #expect(await server.send("GET", CustomResourceSamples.crontabs).header("Warning") == nil)
        var spec = CustomResourceSamples.spec
        spec["properties"]["more"] = Self.nested(levels: 11, breadth: 4)
        spec["properties"]["more"]["default"] = [:]
        let definition = "\(CustomResourceSamples.path)/crontabs.stable.example.com"
        let changed = await server.send(
            "PATCH", definition,
            ["spec": ["versions": [CustomResourceSamples.version("v1", spec: spec)]]],
            contentType: "application/merge-patch+json")
        #expect(changed.status == 200, "\(changed.message)")

        let one = "\(CustomResourceSamples.crontabs)/one"
        let read = await server.send("GET", one)
        #expect(read.json["spec"] == ["schedule": "* * * * *", "replicas": 1])
        #expect(
            read.header("Warning")
                == #"299 - "crontabs.stable.example.com \"default/one\" is shown without the defaults of the schema, "#
                + #"which would add more than 3145728 bytes""#)
        let list = await server.send("GET", CustomResourceSamples.crontabs)
        #expect(list.names == ["one", "two"])
        #expect(list.header("Warning")?.contains(#"\"default/one\" and 1 more are shown without"#) == true)
        let patched = await server.send(
            "PATCH", one, ["metadata": ["labels": ["a": "b"]]], contentType: "application/merge-patch+json")
        #expect(patched.status == 413)
        #expect(
            patched.message
                == "Request entity too large: the defaults in the schema of crontabs.stable.example.com would add more "
                + "than 3145728 bytes to the object")
        #expect(await server.send("DELETE", one).status == 200)
        #expect(await server.send("GET", CustomResourceSamples.crontabs).names == ["two"])
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
