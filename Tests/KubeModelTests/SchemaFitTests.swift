import TestSupport
import Testing

@testable import KubeModel

/// `fits` stands in front of pruning and of the search for wrong types: what it lets pass, neither would have touched.
@Suite struct `A document that fits its schema needs no closer look` {
    private static let schema: Schema? = {
        let text: JSONValue = ["type": "string"]
        let ports: JSONValue = [
            "type": "array",
            "items": [
                "type": "object",
                "properties": [
                    "name": text, "port": ["type": "integer", "format": "int32"],
                    "target": ["x-kubernetes-int-or-string": true],
                ],
            ],
        ]
        let spec: JSONValue = [
            "type": "object",
            "properties": [
                "ports": ports, "labels": ["type": "object", "additionalProperties": text],
                "count": ["type": "integer"], "ratio": ["type": "number"], "isOn": ["type": "boolean"],
                "data": ["type": "string", "format": "byte"], "since": ["type": "string", "format": "date-time"],
                "maybe": ["type": "string", "nullable": true], "free": ["type": "object"],
                "open": [
                    "type": "object", "x-kubernetes-preserve-unknown-fields": true, "properties": ["known": text],
                ],
                "any": ["x-kubernetes-preserve-unknown-fields": true],
            ],
        ]
        // The tests fail on nil.
        return try? Schema(json: ["type": "object", "properties": ["kind": text, "spec": spec]])
    }()

    private static let document = """
        {"kind":"Widget","spec":{"ports":[{"name":"http","port":80,"target":"web"},{"name":"m","port":81,"target":9}],\
        "labels":{"a":"b"},"count":7,"ratio":0.5,"isOn":true,"data":"aGVsbG8=","since":"2026-01-02T03:04:05Z",\
        "maybe":null,"free":{"x":[1,null]},"open":{"known":"k","other":{"y":1}},"any":[{"z":null}]}}
        """

    @Test func `a whole document fits`() throws {
        let schema = try #require(Self.schema)
        #expect(schema.fits(try JSONParser.parse(Array(Self.document.utf8))))
    }

    @Test(
        arguments: [
            ("count", "text"), ("count", .number(0.5)), ("count", .number(7)), ("isOn", "true"), ("data", "?"),
            ("since", "yesterday"),
            ("unknown", 1), ("labels", ["a": 1]), ("labels", .null), ("ports", [["port": 3_000_000_000]]),
            ("ports", [["bogus": 1]]), ("ports", [:]), ("ports", [["target": true]]), ("open", ["known": 1]),
        ] as [(String, JSONValue)])
    func `anything that would be pruned or refused does not`(_ name: String, _ value: JSONValue) throws {
        let schema = try #require(Self.schema)
        var document = try JSONParser.parse(Array(Self.document.utf8))
        document["spec"][name] = value
        #expect(!schema.fits(document))
    }

    @Test func `what fits is left as it is and has no mismatch`() throws {
        let schema = try #require(Self.schema)
        var random = SeededRandom(seed: 27)
        var fitting = 0
        for _ in 0..<20_000 {
            let bytes = random.mutated(Array(Self.document.utf8))
            // What is no JSON any more is nothing to look at.
            guard let value = try? JSONParser.parse(bytes), schema.fits(value) else { continue }
            fitting += 1
            var pruned = value
            let unknown = schema.prune(&pruned)
            #expect(unknown.isEmpty && pruned == value && schema.mismatches(in: value).isEmpty)
        }
        #expect(fitting > 100)
    }
}
