import KubeModel
import TestSupport
import Testing

@Suite("JSON in bytes") struct JSONEncodingTests {
    @Test(
        arguments: [
            (.null, "null"), (true, "true"), (0, "0"), (10, "10"), (-5, "-5"), (.integer(.min), "-9223372036854775808"),
            (1.0, "1"), (1.5, "1.5"), (0.1, "0.1"), (-0.0025, "-0.0025"), (.number(1e18), "1000000000000000000"),
            (.number(1e20), "1e+20"), (.number(-0.0), "-0"),
            (.number(1e21), "1e+21"), (.number(1.5e21), "1.5e+21"), (.number(1e-6), "0.000001"),
            (.number(1e-7), "1e-7"), (.number(1.25e-10), "1.25e-10"), (.number(1e100), "1e+100"),
            (.number(123456.789), "123456.789"), (.number(.leastNonzeroMagnitude), "5e-324"),
            (.number(1.7976931348623157e308), "1.7976931348623157e+308"),
            ("", #""""#), ("a\"b\\c/", #""a\"b\\c/""#),
            ("\n\r\t\u{8}\u{c}\u{1}\u{1f}\u{7f}", "\"\\n\\r\\t\\b\\f\\u0001\\u001f\u{7f}\""),
            ("<a href='x'>&", "\"<a href='x'>&\""), ("\u{2028}x\u{2029}", #""\u2028x\u2029""#),
            ("größe 😀 \u{2030}", "\"größe 😀 \u{2030}\""),
            (
                "long text without anything special, then \" a quote",
                #""long text without anything special, then \" a quote""#
            ),
            ([], "[]"), ([1, "a", .null], #"[1,"a",null]"#), ([:], "{}"), (["b": 1, "a": [2]], #"{"b":1,"a":[2]}"#),
        ] as [(JSONValue, String)])
    func writesAsGo(value: JSONValue, text: String) throws {
        #expect(value.description == text)
        #expect(try JSONParser.parse(text) == value)
    }

    @Test func doublesSurviveARoundTrip() throws {
        var random = SeededRandom(seed: 7)
        for _ in 0..<20_000 {
            let number = Double(bitPattern: random.next())
            guard number.isFinite else { continue }
            #expect(try JSONParser.parse(JSONValue.number(number).encoded()).double == number)
        }
    }
}
