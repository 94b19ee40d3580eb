import KubeModel
import TestSupport
import Testing

@Suite("YAML documents") struct YAMLDocumentTests {
    @Test(
        arguments: [
            ("a: 1\nb: [x, \"y\", 'z']\n", ["a": 1, "b": ["x", "y", "z"]]),
            ("", .null), ("---\n", .null), ("# only a comment\n", .null),
            ("- yes\n- Off\n- on\n- n\n- ~\n-\n- null\n", [true, false, true, "n", .null, .null, .null]),
            ("[0777, 0o17, 0x1F, 0b11, 1_000, +5, -3, 0, 08]", [511, 15, 31, 3, 1000, 5, -3, 0, 8]),
            (
                "[1.5, .5, 1., 1e3, -2.5E-3, 1.2.3, 1:30, 10.96.0.10]",
                [1.5, 0.5, 1, 1000, -0.0025, "1.2.3", "1:30", "10.96.0.10"]
            ),
            (
                "[2026-01-02, 2026-01-02T03:04:05Z, 80/tcp, a_b, '1', \"true\", ---x]",
                ["2026-01-02", "2026-01-02T03:04:05Z", "80/tcp", "a_b", "1", "true", "---x"]
            ),
            (
                "[!!str 1, !!int \"7\", !!float 2, !!bool \"true\", !!binary aGk=, !custom x]",
                ["1", 7, 2, true, "hi", "x"]
            ),
            ("true: a\n1: b\n1.5: c\n", ["true": "a", "1": "b", "1.5": "c"]),
            ("a: &x {b: 1}\nc: *x\n", ["a": ["b": 1], "c": ["b": 1]]),
            ("base: &b {x: 1, y: 2}\nd:\n  <<: *b\n  y: 3\n", ["base": ["x": 1, "y": 2], "d": ["y": 3, "x": 1]]),
            ("d:\n  <<: [{x: 1}, {x: 2, z: 3}]\n", ["d": ["x": 1, "z": 3]]),
            ("text: |\n  one\n  two\nfolded: >-\n  a\n  b\n", ["text": "one\ntwo\n", "folded": "a b"]),
            ("s: \"\\u00e9\\n\\0\"\n", ["s": "é\n\0"]),
            ("{\"json\": [1, null, {\"a\": \"b\"}]}", ["json": [1, .null, ["a": "b"]]]),
        ] as [(String, JSONValue)])
    func readsAsKubernetes(text: String, expected: JSONValue) throws {
        #expect(try YAMLDocument.parse(Array(text.utf8)) == expected)
    }

    @Test(
        arguments: [
            ("a: [1", .syntax), ("a: b: c", .syntax), ("\t- a", .syntax), ("a: *nope", .unknownAlias),
            ("a: 1\na: 2\n", .duplicateKey),
            ("? [a]\n: b\n", .badKey), ("~: a\n", .badKey), ("a: .inf", .badScalar),
            ("a: 99999999999999999999", .badScalar),
            ("a: 1\n---\nb: 2\n", .severalDocuments), ("a: &x [*x]", .unknownAlias), ("<<: 1", .badKey),
            ("!!int x", .badScalar),
            (String(repeating: "[", count: 500), .tooDeep), (String(repeating: "- ", count: 500), .tooDeep),
        ] as [(String, YAMLError.Code)])
    func refusesWhatCannotBeKept(text: String, code: YAMLError.Code) {
        #expect { try YAMLDocument.parse(Array(text.utf8)) } throws: { ($0 as? YAMLError)?.code == code }
    }

    @Test func refusesBadUTF8() {
        #expect { try YAMLDocument.parse([0x61, 0x3a, 0x20, 0xff]) } throws: { ($0 as? YAMLError)?.code == .syntax }
    }

    @Test func boundsAliasExpansion() {
        var text = "a0: &a0 [x, x, x, x, x, x, x, x, x]\n"
        for level in 1..<12 {
            let aliases = Array(repeating: "*a\(level - 1)", count: 9).joined(separator: ", ")
            text += "a\(level): &a\(level) [\(aliases)]\n"
        }
        #expect { try YAMLDocument.parse(Array(text.utf8)) } throws: { ($0 as? YAMLError)?.code == .aliasBudget }
    }

    @Test func tellsWhereDuplicatesAre() throws {
        var duplicates: [String] = []
        let value = try YAMLDocument.parse(
            Array("spec:\n  ports:\n  - a: 1\n    a: 2\n".utf8), duplicateKeys: &duplicates)
        #expect(value == ["spec": ["ports": [["a": 2]]]])
        #expect(duplicates == ["spec.ports[0].a"])
    }

    @Test func readsStreams() throws {
        let text = "a: 1\n---\n---\nb: 2\n...\n"
        #expect(try YAMLDocument.parseAll(Array(text.utf8)) == [["a": 1], ["b": 2]])
    }

    @Test func writesReadably() {
        let value: JSONValue = [
            "apiVersion": "v1", "metadata": ["name": "web", "creationTimestamp": "2026-01-02T03:04:05Z"],
            "spec": [
                "ports": [["port": 80, "name": "http"], ["port": 81]], "empty": [:], "none": [],
                "nested": [[1, 2], []],
            ],
            "data": ["script": "one\n\n  two\n", "yes": "yes", "n": "123", "colon": "a: b", "dash": "-x"],
        ]
        let text = """
            apiVersion: v1
            metadata:
              name: web
              creationTimestamp: "2026-01-02T03:04:05Z"
            spec:
              ports:
              - port: 80
                name: http
              - port: 81
              empty: {}
              none: []
              nested:
              - - 1
                - 2
              - []
            data:
              script: |
                one

                  two
              "yes": "yes"
              "n": "123"
              colon: "a: b"
              dash: "-x"

            """
        #expect(String(decoding: YAMLDocument.encode(value), as: UTF8.self) == text)
    }

    @Test(arguments: [
        "", " ", "a ", "~", "null", "true", "off", "1", "1e3", "0x1", ".5", "1_0", "<<", "=", "- a", "a: b", "a #b",
        "#a", "a:", "*x",
        "&x", "!x", "%x", "@x", "`x", "{a", "[a", "|", ">", "'", "\"", "a\nb", "a\n", "\na", "a\n\n", "a \nb", " a\nb",
        "\n", "é",
        "\u{7f}", "\u{85}", "\u{feff}", "\u{2028}", "\0", "tab\tx", "2026-01-02", "12:30", "?", "? a", ":", "---",
        "--- a", "...", "😀",
        "long " + String(repeating: "word ", count: 1000) + "end",
    ])
    func everyStringSurvivesARoundTrip(text: String) throws {
        for value in [
            .string(text), ["key": .string(text)], [.string(text)], [[[.string(text)]]], .object([text: "x"]),
            ["a": [["b": .string(text), "c": 1]]],
        ] as [JSONValue] {
            #expect(try YAMLDocument.parse(YAMLDocument.encode(value)) == value)
        }
    }

    @Test func survivesMutatedDocuments() throws {
        var random = SeededRandom(seed: 0xa11a5)
        let seeds =
            [
                "apiVersion: v1\nkind: Service\nmetadata:\n  name: web\n  labels: {app: web, \"x/y\": 'z'}\nspec:\n  ports:\n  - port: 80\n"
                    + "    targetPort: http\n  - {port: 443, name: https}\n  text: |\n    a\n    b\n",
                "a: &x [1, 2.5, ~, yes]\nb: *x\nc:\n  <<: &m {k: v}\n  d: !!str 1\n? e\n: >-\n  folded\n  text\n---\nnext: \"\\u0041\"\n",
            ] + fuzzCorpus
        for seed in seeds {
            for _ in 0..<2000 {
                let bytes = random.mutated(Array(seed.utf8))
                guard let value = try? YAMLDocument.parse(bytes) else { continue }  // refusing is fine, trapping is not
                #expect(try YAMLDocument.parse(YAMLDocument.encode(value)) == value)
            }
        }
    }
}
