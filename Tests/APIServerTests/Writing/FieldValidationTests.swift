import KubeModel
import Testing

@testable import APIServer

/// `fieldValidation` on every verb that takes a document, in Kubernetes' words.
@Suite("Unknown and repeated fields") struct FieldValidationTests {
    private static let json = "application/json-patch+json"
    private static let merge = "application/merge-patch+json"
    private static let strategic = "application/strategic-merge-patch+json"

    private static let service = #"""
        {"apiVersion":"v1","kind":"Service","metadata":{"name":"a","labels":{"x":"1","x":"2"}},
        "spec":{"ports":[{"port":80,"port":80,"colour":"red"}],"unknown1":1,"twice":1,"twice":2,"type":"ClusterIP"}}
        """#

    private static let serviceFindings = [
        "duplicate field \"metadata.labels.x\"", "duplicate field \"spec.ports[0].port\"",
        "unknown field \"spec.ports[0].colour\"", "unknown field \"spec.unknown1\"", "unknown field \"spec.twice\"",
    ]

    private static let yaml = """
        apiVersion: v1
        kind: Service
        metadata:
          name: a
        spec:
          type: ClusterIP
          type: NodePort
          ports:
          - port: 80
            colour: red
            name: a
            name: b
          - port: 81
            name: c
        """

    private func warnings(_ response: TestResponse) -> [String] {
        response.headers.filter { $0.name == "Warning" }.map(\.value)
    }

    @Test func createAndUpdateReportEachField() async throws {
        let server = try await TestServer()
        let body = Array(Self.service.utf8)
        let strict = await server.sendBytes("POST", "\(Samples.services)?fieldValidation=Strict", body)
        #expect(strict.status == 400)
        #expect(
            strict.message.hasPrefix(
                "Service in version \"v1\" cannot be handled as a Service: strict decoding error: "), "\(strict.text)")
        for finding in Self.serviceFindings { #expect(strict.message.contains(finding)) }
        // What is unknown and stands twice is told once.
        #expect(!strict.message.contains("duplicate field \"spec.twice\""))

        let expected = Set(Self.serviceFindings.map(WarningLog.header))
        let warned = await server.sendBytes("POST", "\(Samples.services)?fieldValidation=Warn", body)
        #expect(warned.status == 201)
        #expect(Set(warnings(warned)) == expected)
        let byDefault = await server.sendBytes("PUT", "\(Samples.services)/a", body)
        #expect(byDefault.status == 200, "\(byDefault.text)")
        #expect(Set(warnings(byDefault)) == expected)
        let ignored = await server.sendBytes("PUT", "\(Samples.services)/a?fieldValidation=Ignore", body)
        #expect(ignored.status == 200)
        #expect(warnings(ignored).isEmpty)
        let strictUpdate = await server.sendBytes("PUT", "\(Samples.services)/a?fieldValidation=Strict", body)
        #expect(strictUpdate.status == 400)
    }

    /// As TestFieldValidation of Kubernetes compares the warnings, one by one.
    @Test(arguments: [
        (
            "application/json",
            #"""
            {"apiVersion":"v1","kind":"Service","metadata":{"name":"a"},"spec":{"unknown1":1,"twice":1,"twice":2,
            "type":"ClusterIP","type":"ClusterIP","ports":[{"port":80,"nested":1,"name":"a","name":"b"}]}}
            """#,
            [
                "unknown field \"spec.unknown1\"", "unknown field \"spec.twice\"", "duplicate field \"spec.type\"",
                "unknown field \"spec.ports[0].nested\"", "duplicate field \"spec.ports[0].name\"",
            ]
        ),
        (
            "application/yaml",
            """
            apiVersion: v1
            kind: Service
            metadata:
              name: a
            spec:
              unknown1: 1
              twice: 1
              twice: 2
              ports:
              - port: 80
                nested: 1
            """,
            [
                "line 8: key \"twice\" already set in map", "unknown field \"spec.ports[0].nested\"",
                "unknown field \"spec.twice\"", "unknown field \"spec.unknown1\"",
            ]
        ),
        (
            "application/yaml",
            "{apiVersion: v1, kind: Service, metadata: {name: a}, spec: {z: 1, ports: [{port: 80, y: 1, x: 1}]}}",
            [
                "unknown field \"spec.ports[0].x\"", "unknown field \"spec.ports[0].y\"", "unknown field \"spec.z\"",
            ]
        ),
    ])
    func `findings of both kinds stand as Kubernetes finds them`(
        type: String, body: String, findings: [String]
    ) async throws {
        let server = try await TestServer()
        let response = await server.sendBytes("POST", Samples.services, Array(body.utf8), contentType: type)
        #expect(response.status == 201, "\(response.text)")
        #expect(warnings(response) == findings.map(WarningLog.header))
    }

    @Test func yamlKeysAreReportedByLine() async throws {
        let server = try await TestServer()
        let body = Array(Self.yaml.utf8)
        let strict = await server.sendBytes(
            "POST", "\(Samples.services)?fieldValidation=Strict", body, contentType: "application/yaml")
        #expect(strict.status == 400)
        #expect(
            strict.message
                == "Service in version \"v1\" cannot be handled as a Service: strict decoding error: error converting "
                + "YAML to JSON: yaml: unmarshal errors:\n  line 7: key \"type\" already set in map\n"
                + "  line 12: key \"name\" already set in map, unknown field \"spec.ports[0].colour\"")
        let warned = await server.sendBytes("POST", Samples.services, body, contentType: "application/yaml")
        #expect(warned.status == 201, "\(warned.text)")
        #expect(
            warnings(warned) == [
                #"299 - "line 7: key \"type\" already set in map""#,
                #"299 - "line 12: key \"name\" already set in map""#,
                #"299 - "unknown field \"spec.ports[0].colour\"""#,
            ])
        // The last one counts.
        #expect(warned.json["spec"]["type"] == "NodePort")
        #expect(warned.json["spec"]["ports"][0]["name"] == "b")
    }

    @Test func patchesReportTheirOwnKeysToo() async throws {
        let server = try await TestServer()
        _ = await server.send("POST", Samples.services, Samples.service("a"))
        let path = "\(Samples.services)/a"
        for (type, body, findings) in [
            (
                Self.merge, #"{"spec":{"foo":1,"foo":2,"sessionAffinity":"None","sessionAffinity":"None"}}"#,
                [
                    "duplicate field \"spec.foo\"", "duplicate field \"spec.sessionAffinity\"",
                    "unknown field \"spec.foo\"",
                ]
            ),
            (
                Self.strategic, #"{"spec":{"ports":[{"port":80,"bar":1}],"type":"ClusterIP","type":"ClusterIP"}}"#,
                ["duplicate field \"spec.type\"", "unknown field \"spec.ports[0].bar\""]
            ),
            (
                Self.json, #"[{"op":"add","path":"/spec/foo","value":1,"values":2,"op":"add"}]"#,
                [
                    "json patch duplicate field \"[0].op\"", "json patch unknown field \"[0].values\"",
                    "unknown field \"spec.foo\"",
                ]
            ),
        ] {
            let strict = await server.sendBytes(
                "PATCH", "\(path)?fieldValidation=Strict", Array(body.utf8), contentType: type)
            #expect(strict.status == 422, "\(strict.text)")
            #expect(strict.message.hasPrefix(" \"\" is invalid: patch: Invalid value: "))
            #expect(strict.message.hasSuffix("strict decoding error: " + findings.joined(separator: ", ")))
            #expect(strict.json["details"]["causes"][0]["field"] == "patch")
            let warned = await server.sendBytes("PATCH", path, Array(body.utf8), contentType: type)
            #expect(warned.status == 200)
            #expect(warnings(warned) == findings.map(WarningLog.header))
            let ignored = await server.sendBytes(
                "PATCH", "\(path)?fieldValidation=Ignore", Array(body.utf8), contentType: type)
            #expect(ignored.status == 200)
            #expect(warnings(ignored).isEmpty)
        }
    }

    @Test func warningsComeWithARefusalToo() async throws {
        let server = try await TestServer()
        var document = Samples.service("a")
        document["spec"]["ports"] = [["port": 0]]
        document["spec"]["bogus"] = true
        let refused = await server.send("POST", Samples.services, document)
        #expect(refused.status == 422)
        #expect(warnings(refused) == [#"299 - "unknown field \"spec.bogus\"""#])
    }

    @Test func findingsAreLimited() async throws {
        let server = try await TestServer()
        var document = Samples.configMap("a")
        for index in 0..<300 { document["unknown-field-\(index)"] = 1 }
        let warned = await server.send("POST", Samples.configMaps, document)
        #expect(warned.status == 201)
        #expect(warnings(warned).count == 100)
        let log = WarningLog()
        log.add((0..<60).map { "\($0) " + String(repeating: "ä", count: 300) })
        #expect(log.headers.count == 16)
        #expect(log.headers.allSatisfy { $0.unicodeScalars.count == 256 + "299 - \"\"".count })
        #expect(log.headers.reduce(0) { $0 + $1.utf8.count } < 10_000)
    }

    @Test func warningsAreToldOnceAndFitAHeader() {
        let log = WarningLog()
        log.add(["a \"b\" \\ c\r\nX: y", "twice"])
        log.add(["twice", ""])
        #expect(log.headers == [#"299 - "a \"b\" \\ cX: y""#, "299 - \"twice\""])
    }
}
