import KubeModel
import Testing

@testable import APIServer

/// What nobody sends by mistake: each is answered with a Status of the 4xx kind that says why, or taken for what it is,
/// and the server works on. (The parsers themselves are fuzzed in `Fuzzing/`.)
@Suite("Bodies that mean no good") struct HostileInputTests {
    private static let configMaps = Samples.configMaps

    /// A body that is refused.
    struct Body: Sendable, CustomTestStringConvertible {
        var name: String
        var bytes: [UInt8]
        var contentType = "application/json"
        var status = 400
        var testDescription: String { name }

        init(_ name: String, _ text: String, _ contentType: String = "application/json", status: Int = 400) {
            self.init(name, Array(text.utf8), contentType, status: status)
        }

        init(_ name: String, _ bytes: [UInt8], _ contentType: String = "application/json", status: Int = 400) {
            self.name = name
            self.bytes = bytes
            self.contentType = contentType
            self.status = status
        }
    }

    private static func times(_ text: String, _ count: Int) -> String { String(repeating: text, count: count) }

    private static func configMap(data: String) -> String {
        #"{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"a"},"data":\#(data)}"#
    }

    static let bodies: [Body] = [
        Body("nothing", ""), Body("null", "null"), Body("a number", "1"), Body("a list", "[]"),
        Body("a half", #"{"a":"#),
        Body("arrays a million deep", times("[", 1_000_000)),
        Body("objects a hundred thousand deep", times(#"{"a":"#, 100_000) + "1" + times("}", 100_000)),
        Body("depth in a field", configMap(data: times("[", 5000) + times("]", 5000))),
        Body("a number beyond a double", configMap(data: "1e400")),
        Body("a thousand digits", configMap(data: times("9", 1000))),
        Body("an exponent of ten million digits", configMap(data: "1e" + times("9", 1_000_000))),
        Body("bytes that are no text", Array(#"{"kind":""#.utf8) + [0xff, 0xfe, 0xc0, 0x80] + Array(#""}"#.utf8)),
        Body("half a surrogate pair", configMap(data: #"{"k":"\ud800"}"#)),
        Body("overlong text", Array(#"{"data":{"k":""#.utf8) + [0xe0, 0x80, 0xaf] + Array(#""}}"#.utf8)),
        Body("another shape", configMap(data: #"{"k":{"deep":1}}"#)),
        Body("a list for a map", configMap(data: #"["k"]"#)),
        Body("YAML that is none", "a: [", "application/yaml"), Body("tabs", "\ta: b", "application/yaml"),
        Body("YAML sequences deep", times("[", 200_000), "application/yaml"),
        Body("YAML blocks deep", (0..<3000).map { times(" ", $0) + "a:" }.joined(separator: "\n"), "application/yaml"),
        Body(
            "YAML aliases doubling",
            "a0: &a0 [x,x]\n" + (1..<64).map { "a\($0): &a\($0) [*a\($0 - 1),*a\($0 - 1)]\n" }.joined(),
            "application/yaml"),
        Body(
            "YAML aliases nesting",
            "a0: &a0 " + times("[", 90) + times("]", 90) + "\n"
                + (1..<300).map { "a\($0): &a\($0) \(times("[", 90))*a\($0 - 1)\(times("]", 90))\n" }.joined(),
            "application/yaml"),
        Body("a YAML alias of itself", "a: &a [*a]", "application/yaml"),
        Body("a YAML alias of nothing", "a: *b", "application/yaml"),
        Body("a YAML key that is a list", "? [a]\n: b", "application/yaml"),
        Body("UTF-16 halves", [0xff, 0xfe, 0x00, 0xd8], "application/yaml"),
        Body("no protobuf", [UInt8](repeating: 0xff, count: 100), "application/vnd.kubernetes.protobuf"),
        Body(
            "a protobuf length beyond the body",
            [0x6b, 0x38, 0x73, 0, 0x0a] + [UInt8](repeating: 0xff, count: 9) + [0x7f],
            "application/vnd.kubernetes.protobuf"),
        Body("another media type", "{}", "text/html", status: 415), Body("no media type", "{}", ";;;", status: 415),
    ]

    @Test(arguments: bodies)
    func `a body that is no object of the kind is refused`(_ body: Body) async throws {
        let server = try await TestServer()
        for (method, path) in [("POST", Self.configMaps), ("PUT", "\(Self.configMaps)/a")] {
            let answer = await server.sendBytes(method, path, body.bytes, contentType: body.contentType)
            #expect(answer.status == body.status, "\(method): \(answer.text.prefix(300))")
            Self.expectStatus(answer)
        }
        await Self.expectAlive(server)
    }

    @Test(arguments: bodies)
    func `the same as a patch or as options is refused`(_ body: Body) async throws {
        let server = try await TestServer()
        _ = await server.send("POST", Self.configMaps, Samples.configMap("a"))
        for type in [
            "application/json-patch+json", "application/merge-patch+json", "application/strategic-merge-patch+json",
            "application/apply-patch+yaml",
        ] {
            let answer = await server.sendBytes(
                "PATCH", "\(Self.configMaps)/a?fieldManager=m", body.bytes, contentType: type)
            // An empty list of operations, and what is no JSON for a ConfigMap but is YAML, may pass.
            #expect(answer.status < 500, "\(type): \(answer.status) \(answer.text.prefix(300))")
            if answer.status != 200 { Self.expectStatus(answer) }
        }
        guard !body.bytes.isEmpty else { return }
        let answer = await server.sendBytes(
            "DELETE", "\(Self.configMaps)/missing", body.bytes, contentType: body.contentType)
        #expect((400..<500).contains(answer.status), "\(answer.status)")
        await Self.expectAlive(server)
    }

    private static let document = #"{"data":{"k":"v"}}"#

    static let patches: [Body] = [
        Body(
            "copies that double",
            "[" + (0..<60).map { #"{"op":"copy","from":"","path":"/data/c\#($0)"}"# }.joined(separator: ",") + "]",
            "application/json-patch+json", status: 422),
        Body(
            "ten thousand and one operations",
            "[" + (0..<10_001).map { _ in #"{"op":"test","path":"/kind","value":"ConfigMap"}"# }.joined(separator: ",")
                + "]", "application/json-patch+json", status: 413),
        Body(
            "a pointer into the depth", #"[{"op":"add","path":"\#(times("/a", 100_000))","value":1}]"#,
            "application/json-patch+json", status: 422),
        Body(
            "depth upon depth",
            "["
                + (0..<100).map {
                    #"{"op":"add","path":"/data\#(times("/a", 90 * $0))","value":\#(times(#"{"a":"#, 90))1\#(times("}", 90))}"#
                }.joined(separator: ",") + "]", "application/json-patch+json", status: 422),
        Body(
            "an index beyond all integers",
            #"[{"op":"add","path":"/metadata/finalizers/99999999999999999999","value":"x"}]"#,
            "application/json-patch+json", status: 422),
        Body(
            "a pointer without a slash", #"[{"op":"add","path":"data","value":1}]"#, "application/json-patch+json",
            status: 422),
        Body("an unknown operation", #"[{"op":"exec","path":"/data"}]"#, "application/json-patch+json", status: 422),
        Body(
            "the kind away", #"{"kind":null,"apiVersion":null,"metadata":null}"#, "application/merge-patch+json",
            status: 400),
        Body("another kind", #"{"kind":"Secret"}"#, "application/merge-patch+json", status: 400),
        Body("another name", #"{"metadata":{"name":"b"}}"#, "application/merge-patch+json", status: 400),
        Body("a directive of another type", #"{"$patch":{}}"#, "application/strategic-merge-patch+json", status: 400),
        Body(
            "a list of directives", #"{"data":{"$patch":"explode"}}"#, "application/strategic-merge-patch+json",
            status: 400),
    ]

    @Test(arguments: patches)
    func `a hostile patch is refused and changes nothing`(_ patch: Body) async throws {
        let server = try await TestServer()
        let before = await server.send("POST", Self.configMaps, Samples.configMap("a")).json
        let answer = await server.sendBytes(
            "PATCH", "\(Self.configMaps)/a", patch.bytes, contentType: patch.contentType)
        #expect((400..<500).contains(answer.status), "\(answer.status): \(answer.text.prefix(300))")
        Self.expectStatus(answer)
        #expect(await server.send("GET", "\(Self.configMaps)/a").json == before)
    }

    @Test(arguments: ["labels", "annotations", "finalizers", "ownerReferences", "name", "generateName", "namespace"])
    func `a mebibyte in the metadata is refused`(_ field: String) async throws {
        let server = try await TestServer()
        let long = Self.times("x", 1 << 20)
        var object = Samples.configMap("a")
        switch field {
        case "labels": object["metadata"]["labels"] = ["k": .string(long)]
        case "annotations": object["metadata"]["annotations"] = ["k": .string(long)]
        case "finalizers": object["metadata"]["finalizers"] = [.string(long)]
        case "ownerReferences":
            object["metadata"]["ownerReferences"] = [
                ["apiVersion": "v1", "kind": .string(long), "name": .string(long), "uid": ""]
            ]
        case "generateName":
            object["metadata"]["name"] = nil
            object["metadata"]["generateName"] = .string(long)
        default: object["metadata"][field] = .string(long)
        }
        let answer = await server.send("POST", Self.configMaps, object)
        #expect([400, 422].contains(answer.status), "\(answer.status)")
        Self.expectStatus(answer)
        await Self.expectAlive(server)
    }

    @Test func `many labels that are each valid are taken, annotations only to their limit`() async throws {
        let server = try await TestServer()
        var object = Samples.configMap("a")
        var labels = JSONObject()
        for number in 0..<20_000 { labels["k\(number)"] = .string("v\(number)") }
        object["metadata"]["labels"] = .object(labels)
        #expect(await server.send("POST", Self.configMaps, object).status == 201)
        object = Samples.configMap("b")
        object["metadata"]["annotations"] = ["k": .string(Self.times("x", (256 << 10) - 1))]
        #expect(await server.send("POST", Self.configMaps, object).status == 201)
        object = Samples.configMap("c")
        object["metadata"]["annotations"] = ["k": .string(Self.times("x", 256 << 10))]
        let answer = await server.send("POST", Self.configMaps, object)
        #expect(answer.status == 422)
        #expect(answer.message.contains("Too long"))
    }

    @Test func `hundreds of thousands of unknown fields do not become as many headers`() async throws {
        let server = try await TestServer()
        var object = Samples.configMap("a")
        for number in 0..<50_000 { object["unknown\(number)"] = 1 }
        let answer = await server.send("POST", "\(Self.configMaps)?fieldValidation=Warn", object)
        #expect(answer.status == 201)
        let size = answer.headers.filter { $0.name == "Warning" }.reduce(0) { $0 + $1.value.utf8.count }
        #expect(size < 8 << 10, "\(size) bytes of warnings")
        let strict = await server.send("POST", "\(Self.configMaps)?fieldValidation=Strict", object)
        #expect(strict.status == 400)
        #expect(strict.body.count < 8 << 20)
    }

    static let queries: [String] = [
        "limit=-1", "limit=99999999999999999999", "limit=1e3", "limit=0x10", "limit=%00", "continue=%FF",
        "continue=" + times("A", 30_000), "continue=eyJ2IjoibWV0YS5rOHMuaW8vdjEiLCJydiI6LTEsInN0YXJ0IjoiYSJ9",
        "continue=eyJ2IjoibWV0YS5rOHMuaW8vdjEiLCJydiI6OTIyMzM3MjAzNjg1NDc3NTgwNywic3RhcnQiOiJhIn0&limit=1",
        "resourceVersion=-1", "resourceVersion=x", "resourceVersion=99999999999999999999",
        "resourceVersion=9223372036854775807&resourceVersionMatch=Exact", "resourceVersion=1&resourceVersionMatch=%00",
        "labelSelector=" + times("(", 5000), "labelSelector=" + times("a,", 5000) + "b%3D%3D%3D",
        "labelSelector=a%20in%20(" + times("b,", 10_000), "labelSelector=%FF%FE",
        "labelSelector=a%3D" + times("x", 20_000),
        "fieldSelector=" + times("a", 30_000), "fieldSelector=metadata.name%3D%5C", "fieldSelector=%3D%3D%3D",
        "watch=true&timeoutSeconds=-99999999999999999999", "watch=true&resourceVersion=x",
        "watch=true&sendInitialEvents=true", "%", "%zz=1", "a=%f", times("a=b&", 10_000) + "limit=x",
    ]

    @Test(arguments: queries)
    func `hostile list options are refused, or mean nothing`(_ query: String) async throws {
        let server = try await TestServer()
        _ = await server.send("POST", Self.configMaps, Samples.configMap("a"))
        let answer: TestResponse
        if query.hasPrefix("watch=true") {
            let (watch, refusal) = server.watch("\(Self.configMaps)?\(query)")
            watch.cancel()
            answer = TestResponse(try #require(refusal, "\(query) is a watch"))
        } else {
            answer = await server.send("GET", "\(Self.configMaps)?\(query)")
        }
        // A version that the server has not reached is a Timeout, as in Kubernetes.
        let isTooLarge = answer.status == 504 && answer.message.contains("Too large resource version")
        #expect(answer.status < 500 || isTooLarge, "\(answer.status): \(answer.text.prefix(300))")
        if answer.status != 200 { Self.expectStatus(answer) }
        #expect(answer.body.count < 64 << 10)
        let deletion = await server.send("DELETE", "\(Self.configMaps)?\(query.replacing("watch=true&", with: ""))")
        #expect(deletion.status < 500, "\(deletion.status): \(deletion.text.prefix(300))")
    }

    @Test(arguments: [
        "/api/v1/namespaces/default/configmaps/%FF%FE", "/api/v1/namespaces/%00/configmaps",
        "/api/v1/namespaces/../configmaps", "/api/v1/namespaces/default/configmaps/%2e%2e",
        "/api/v1/namespaces//configmaps",
        "/api/v1/" + times("a/", 20_000), "/apis/%", "/apis/a%2Fb/v1/c", "/" + times("%41", 10_000),
        "/api/v1/namespaces/default/configmaps/" + times("a", 50_000),
        "/apis/networking.k8s.io/v1/ipaddresses/%3A%3A%3A",
        "//////", "/api/v1/namespaces/default/configmaps/a/b/c/d", "/openapi/v3/%2e%2e/secret", "/healthz/%00",
    ])
    func `hostile paths are refused`(_ path: String) async throws {
        let server = try await TestServer()
        for method in ["GET", "POST", "PUT", "PATCH", "DELETE"] {
            let answer = await server.send(
                method, path, method == "GET" ? nil : Samples.configMap("a"),
                contentType: method == "PATCH" ? "application/merge-patch+json" : "application/json")
            // Lists of namespaces that can't exist are empty lists, as in Kubernetes, and slashes alone are the root.
            let isHarmless = method == "GET" && answer.status == 200 && (answer.names.isEmpty || path.hasPrefix("//"))
            #expect((400..<500).contains(answer.status) || isHarmless, "\(method): \(answer.status)")
            #expect(answer.body.count < 256 << 10)
        }
        await Self.expectAlive(server)
    }

    @Test(arguments: [
        times("application/", 5000), times("application/json,", 20_000), "application/json;q=1e400", ";;;,,,;=",
        "application/json;as=Table;v=v1;g=meta.k8s.io;" + times("a=b;", 5000), "\u{0}\u{7f}", "*/*;q=-1",
    ])
    func `hostile Accept headers do no harm`(_ accept: String) async throws {
        let server = try await TestServer()
        let answer = await server.send("GET", Self.configMaps, accept: accept)
        #expect([200, 406].contains(answer.status), "\(answer.status)")
    }

    @Test(arguments: [
        "dryRun=Some", "dryRun=All&dryRun=None", "fieldValidation=Maybe", "fieldManager=" + times("x", 129),
        "fieldManager=%00",
    ])
    func `hostile write options are refused`(_ query: String) async throws {
        let server = try await TestServer()
        let answer = await server.send("POST", "\(Self.configMaps)?\(query)", Samples.configMap("a"))
        #expect([400, 422].contains(answer.status), "\(answer.status) \(answer.message)")
        Self.expectStatus(answer)
    }

    private static func expectStatus(_ answer: TestResponse) {
        #expect(answer.json["kind"] == "Status", "\(answer.text.prefix(200))")
        #expect(answer.json["status"] == "Failure")
        #expect(answer.json["code"].int == answer.status)
        #expect(!answer.message.isEmpty)
    }

    private static func expectAlive(_ server: TestServer) async {
        #expect(await server.send("GET", "/readyz").status == 200)
    }
}
