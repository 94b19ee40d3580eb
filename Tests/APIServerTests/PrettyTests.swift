import KubeModel
import Testing

@testable import APIServer

@Suite("Indented answers") struct PrettyTests {
    @Test func prettyJSONIsIndented() async throws {
        let server = try await TestServer()
        _ = await server.send("POST", Samples.configMaps, Samples.configMap("a", ["k": "{\"x\": [1,2]}"]))
        let path = "\(Samples.configMaps)/a"
        let plain = await server.send("GET", path)
        #expect(plain.text.filter { $0 == "\n" }.count == 1)
        let pretty = await server.send("GET", "\(path)?pretty=true")
        #expect(pretty.json == plain.json)
        #expect(
            pretty.text.hasPrefix("{\n  \"apiVersion\": \"v1\",\n  \"kind\": \"ConfigMap\",\n  \"metadata\": {\n    "))
        #expect(pretty.text.contains("\n    \"k\": \"{\\\"x\\\": [1,2]}\"\n"))
        #expect(await server.send("GET", "\(path)?pretty=0").body == plain.body)
        let missing = await server.send("GET", "\(path)x?pretty=1")
        #expect(missing.text.contains("\n  \"metadata\": {},\n"))
        #expect(missing.json["code"] == 404)
        let list = await server.send("GET", "\(Samples.services)?pretty=true&labelSelector=a%3Db")
        #expect(list.text.contains("\"items\": []"))
    }
}
