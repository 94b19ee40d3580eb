import KubeModel
import TestSupport
import Testing

@Suite("The JSON parser") struct JSONParserTests {
    @Test(
        arguments: [
            ("null", .null), (" true ", true), ("false", false), ("0", 0), ("-7", -7),
            ("9223372036854775807", .integer(.max)), ("-9223372036854775808", .integer(.min)),
            ("1.5", 1.5), ("1e3", .number(1000)), ("-2.5E-3", .number(-0.0025)), ("0.1", 0.1),
            ("123456789012345678901.5", .number(123456789012345678901.5)), ("1e-400", .number(0)), ("-0", .number(0)),
            ("2.2250738585072014e-308", .number(2.2250738585072014e-308)),
            ("\"\"", ""), ("\"abc\"", "abc"), (#""\"\\\/\b\f\n\r\t\u0041""#, "\"\\/\u{8}\u{c}\n\r\tA"),
            (#""\ud83d\ude00""#, "😀"),
            (
                "\"größe and a long enough tail to leave the first word\"",
                "größe and a long enough tail to leave the first word"
            ),
            ("[]", []), ("{}", [:]), ("[1,[2,{}],\"x\"]", [1, [2, [:]], "x"]),
            ("{\"a\":{\"b\":[1,2]},\"c\":null}", ["a": ["b": [1, 2]], "c": .null]),
            ("\t{ \"a\" :\r\n1 , \"b\" : [ ] }\n", ["a": 1, "b": []]),
        ] as [(String, JSONValue)])
    func readsEveryForm(text: String, expected: JSONValue) throws {
        #expect(try JSONParser.parse(text) == expected)
    }

    @Test(
        arguments: [
            ("", .unexpectedEnd), (" ", .unexpectedEnd), ("{", .unexpectedEnd), ("[1", .unexpectedEnd),
            ("[1,", .unexpectedEnd), ("\"abc", .unexpectedEnd), ("\"abc\\", .unexpectedEnd), ("tru", .unexpectedEnd),
            ("nul1", .unexpectedByte), ("{a:1}", .unexpectedByte), ("{\"a\" 1}", .unexpectedByte),
            ("{\"a\":1,}", .unexpectedByte), ("[1,]", .unexpectedByte), ("[1 2]", .unexpectedByte),
            ("'a'", .unexpectedByte),
            ("1 2", .trailingBytes), ("{}x", .trailingBytes), ("01", .invalidNumber), ("-", .unexpectedEnd),
            ("-x", .invalidNumber), ("1.", .unexpectedEnd), ("1.x", .invalidNumber), ("1e", .unexpectedEnd),
            ("1e+", .unexpectedEnd), (".5", .unexpectedByte), ("+1", .unexpectedByte), ("NaN", .unexpectedByte),
            ("9223372036854775808", .numberOutOfRange), ("-9223372036854775809", .numberOutOfRange),
            ("1e400", .numberOutOfRange), ("-1e400", .numberOutOfRange), ("\"\u{1}\"", .invalidString),
            ("\"a\nb\"", .invalidString), (#""\x""#, .invalidString), (#""\u12g4""#, .invalidString),
            (#""\ud800""#, .invalidString), (#""\ud800\u0041""#, .invalidString), (#""\udc00""#, .invalidString),
            ("{\"a\":1,\"a\":2}", .duplicateKey), ("\u{feff}{}", .unexpectedByte),
        ] as [(String, JSONError.Code)])
    func refusesWhatIsNotJSON(text: String, code: JSONError.Code) {
        #expect { try JSONParser.parse(text) } throws: { ($0 as? JSONError)?.code == code }
    }

    @Test(
        arguments: [
            [0x22, 0xff, 0x22], [0x22, 0xc0, 0x80, 0x22], [0x22, 0xed, 0xa0, 0x80, 0x22], [0x22, 0xe2, 0x80, 0x22],
            [0x22, 0xf5, 0x80, 0x80, 0x80, 0x22], [0x22, 0x61, 0x80, 0x22],
        ] as [[UInt8]])
    func refusesBadUTF8(bytes: [UInt8]) {
        #expect { try JSONParser.parse(bytes) } throws: { ($0 as? JSONError)?.code == .invalidUTF8 }
    }

    @Test func boundsDepth() throws {
        let deepest = String(repeating: "[", count: 100) + String(repeating: "]", count: 100)
        _ = try JSONParser.parse(deepest)
        for opening in ["[", "{\"a\":"] {
            let bomb = String(repeating: opening, count: 1_000_000)
            #expect { try JSONParser.parse(bomb) } throws: { ($0 as? JSONError)?.code == .tooDeep }
        }
    }

    @Test func readsManyEscapesInLinearTime() throws {
        let text = "\"" + String(repeating: "\\n\\u00e9x", count: 300_000) + "\""
        #expect(try JSONParser.parse(text).string?.utf8.count == 1_200_000)
    }

    @Test func tellsWhereDuplicatesAre() throws {
        var duplicates: [String] = []
        let text = #"{"a":1,"spec":{"ports":[{"x":1},{"name":"a","name":"b"}]},"a":{"z":0}}"#
        let value = try JSONParser.parse(Array(text.utf8), duplicateKeys: &duplicates)
        #expect(duplicates == ["spec.ports[1].name", "a"])
        #expect(value == ["a": ["z": 0], "spec": ["ports": [["x": 1], ["name": "b"]]]])
        #expect(value.object.map { Array($0.keys) } == ["a", "spec"])
    }

    @Test func findsDuplicatesInLargeObjects() throws {
        var members = (0..<5000).map { "\"key-\($0)\":\($0)" }
        let value = try JSONParser.parse("{\(members.joined(separator: ","))}")
        #expect(value.object?.count == 5000)
        #expect(value["key-4321"] == 4321)
        members.append("\"key-4000\":0")
        #expect { try JSONParser.parse("{\(members.joined(separator: ","))}") } throws: {
            ($0 as? JSONError)?.code == .duplicateKey
        }
    }

    @Test func keepsLongKeysApart() throws {
        let text = """
            [{"creationTimestamp":1,"creationTimestamq":2},{"creationTimestamp":3,"creationTimestamq":4}]
            """
        let value = try JSONParser.parse(text)
        #expect(
            value == [
                ["creationTimestamp": 1, "creationTimestamq": 2], ["creationTimestamp": 3, "creationTimestamq": 4],
            ])
    }

    @Test func wordsErrorsAsGo() {
        #expect { try JSONParser.parse("{\"a\":x}") } throws: {
            ($0 as? JSONError)?.message == "invalid character 'x' looking for beginning of value"
        }
        #expect { try JSONParser.parse("{\"a\"") } throws: {
            ($0 as? JSONError)?.message == "unexpected end of JSON input"
        }
    }

    /// Mutated documents either parse, and then survive a round trip, or throw.
    @Test func survivesMutatedDocuments() throws {
        var random = SeededRandom(seed: 0x5eed)
        for seed in fuzzCorpus {
            for _ in 0..<4000 {
                let bytes = random.mutated(Array(seed.utf8))
                do {
                    let value = try JSONParser.parse(bytes)
                    #expect(try JSONParser.parse(value.encoded()) == value)
                } catch {
                    #expect(error.offset <= bytes.count)
                }
            }
        }
    }
}

@Suite struct `Documents share what they have in common` {
    private static let first = """
        {"kind":"A","metadata":{"name":"n"},"list":[{"a":"0123456789"},{"b":"0123456789"},{"c":"0123456789"},{"d":1}],\
        "text":"a text of seventy bytes and more, so that it is worth the while of a comparison, ok"}
        """

    private func members(_ text: String) throws -> (JSONValue, ParsedMembers?) {
        var duplicates: [String] = []
        var members: ParsedMembers?
        let value = try JSONParser.parse(
            Array(text.utf8), duplicateKeys: &duplicates, members: &members, except: "metadata")
        return (value, members)
    }

    private func parse(_ text: String, sharing donor: ParsedMembers?) throws -> JSONValue {
        var members: ParsedMembers?
        return try JSONParser.parse(Array(text.utf8), sharing: donor, members: &members, except: "metadata")
    }

    @Test(arguments: [
        first,
        first.replacing("0123456789\"},{\"d", with: "0123456780\"},{\"d"),
        first.replacing("ok\"", with: "ok!\""),
        first.replacing("\"text\"", with: "\"other\""),
        first.replacing("\"list\":", with: "\"list\" :\n "),
        first.replacing("\"kind\":\"A\"", with: "\"list2\":[]"),
        "{\"text\":1,\"list\":2}",
        "[\(first)]",
    ])
    func `what is read with another's members is what is read without`(_ text: String) throws {
        let (_, donor) = try members(Self.first)
        let shared = try parse(text, sharing: donor)
        let plain = try JSONParser.parse(text)
        #expect(shared == plain)
        #expect(shared.encoded() == plain.encoded())
    }

    @Test func `a longer number is another number`() throws {
        let digits = String(repeating: "1", count: 64)
        let (_, donor) = try members("{\"n\":0.\(digits)}")
        let longer = try parse("{\"n\":0.\(digits)9e5}", sharing: donor)
        #expect(longer["n"].double == Double("0.\(digits)9e5"))
    }

    @Test func `broken text is refused where its beginning is shared`() throws {
        let (_, donor) = try members(Self.first)
        for length in Array(Self.first.utf8).indices {
            let text = String(decoding: Self.first.utf8.prefix(length), as: UTF8.self)
            #expect(throws: JSONError.self) { try parse(text, sharing: donor) }
        }
    }

    @Test func `an object with a key that stands twice lends nothing`() throws {
        let (_, donor) = try members(Self.first.replacing("\"kind\":\"A\"", with: "\"kind\":1,\"kind\":2"))
        #expect(donor == nil)
    }

    /// Padded, so that every member is long enough to be kept.
    private static let padding = String(repeating: "0123456789", count: 7)

    @Test(arguments: [
        ("{\"a\":[1,-5,true,false,null,\"x\"],\"b\":{}}", true),
        ("{\"a\" :1}", false), ("{\"a\": 1}", false), ("{\"a\":1 }", false), ("{\"a\":[1, 2]}", false),
        ("{\"a\":\"\\u0041\"}", false), ("{\"\\u0041\":1}", false), ("{\"a\":1.0}", false), ("{\"a\":1e2}", false),
        ("{\"a\":-0}", false), ("{\"a\":1,\"a\":2}", false), ("{\"a\":\"ä\"}", false), ("{\"ä\":1}", false),
    ])
    func `a member's text is copied only where writing it would give the same`(_ text: String, isCopied: Bool) throws {
        let (value, known) = try members("{\"m\":[\(text),\"\(Self.padding)\"],\"n\":[\"\(Self.padding)\"]}")
        let member = try #require(value["m"])
        var output: [UInt8] = []
        // An object with a key that stands twice lends nothing at all.
        #expect((known?.append("m", member, to: &output) ?? false) == isCopied)
        if isCopied { #expect(output == member.encoded()) }
    }

    @Test func `a copied text is what would be written, whatever was read`() throws {
        var random = SeededRandom(seed: 0xc0b1ed)
        var copies = 0
        for seed in fuzzCorpus {
            for _ in 0..<1000 {
                let text = String(decoding: random.mutated(Array(seed.utf8)), as: UTF8.self)
                guard let (value, known) = try? members("{\"m\":[\(text),\"\(Self.padding)\"]}"),
                    let member = value["m"]
                else { continue }
                var output: [UInt8] = []
                guard known?.append("m", member, to: &output) == true else { continue }
                copies += 1
                #expect(output == member.encoded())
            }
        }
        #expect(copies > 0)
    }

    @Test func `a changed member is not copied`() throws {
        let (value, members) = try members(Self.first)
        let known = try #require(members)
        var changed = try #require(value["list"])
        var output: [UInt8] = []
        #expect(known.append("list", changed, to: &output))
        changed[0]["a"] = "other"
        #expect(!known.append("list", changed, to: &output))
        #expect(!known.append("text", changed, to: &output))
        #expect(output == value["list"]?.encoded())
    }

    @Test func `members taken from another document can be copied too`() throws {
        let (_, donor) = try members(Self.first)
        var known: ParsedMembers?
        let value = try JSONParser.parse(
            Array(Self.first.replacing("\"n\"", with: "\"other\"").utf8), sharing: donor, members: &known,
            except: "metadata")
        let list = try #require(value["list"])
        var output: [UInt8] = []
        #expect(known?.append("list", list, to: &output) == true)
        #expect(output == value["list"]?.encoded())
    }
}

@Suite struct `Texts of keys are kept` {
    @Test func `keys of every length are read as they stand, whatever was read before`() throws {
        let letters = Array("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_/.".utf8)
        for round in 0..<4 {
            for length in 0...80 {
                // Keys with the same ends differ in their middle.
                var key = (0..<length).map { letters[($0 * 7 + length) % letters.count] }
                if length > 2 { key[length / 2] = letters[round] }
                let name = String(decoding: key, as: UTF8.self)
                // The value is as short as can be: the key's last bytes are the text's last but four.
                #expect(try JSONParser.parse("{\"\(name)\":1}").object?.keys.first == name)
            }
        }
    }

    @Test func `parsers at the same time don't share what they keep`() async throws {
        try await withThrowingTaskGroup { group in
            for task in 0..<8 {
                group.addTask {
                    for number in 0..<300 {
                        let name = "key-\(task % 4)-\(number % 50)-of-some-length"
                        let nested = "{\"\(name)\":{\"short\":{\"\(name)\":1}}}"
                        let inner = JSONValue.object(JSONObject([(name, .integer(1))]))
                        let value = try JSONParser.parse(nested)
                        #expect(value == .object(JSONObject([(name, .object(["short": inner]))])))
                    }
                }
            }
            try await group.waitForAll()
        }
    }
}
