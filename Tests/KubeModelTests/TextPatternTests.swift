import Testing

@testable import KubeModel

@Suite("Patterns of schemas") struct TextPatternTests {
    @Test(arguments: [
        ("(", "missing closing ): `(`"), (")", "unexpected ): `)`"), ("[", "missing closing ]: `[`"),
        ("*", "missing argument to repetition operator: `*`"), ("a**", "invalid nested repetition operator: `**`"),
        ("[z-a]", "invalid character class range: `z-a`"), (#"\8"#, #"invalid escape sequence: `\8`"#),
        ("(?=a)", "invalid or unsupported Perl syntax: `(?=`"), (#"\"#, "trailing backslash at end of expression"),
        ("a{1001}", "invalid repeat count: `{1001}`"), (#"\pX"#, #"invalid character class range: `\pX`"#),
        (#"a\C"#, #"invalid escape sequence: `\C`"#),
    ])
    func `a pattern that cannot be used is refused in Go's words`(pattern: String, message: String) {
        let problem = #expect(throws: TextPattern.Unsupported.self) { try TextPattern(pattern) }
        #expect(problem?.message == message)
    }

    @Test func `groups may be named as in newer Go, but not inside of classes and quotations`() throws {
        #expect(try TextPattern("^(?<year>[0-9]+)-(?P<month>[0-9]+)$").matches("2024-05"))
        #expect(try TextPattern("^[(?<a>]+$").matches("(?<a>"))
        #expect(try TextPattern("^[]](?<a>b)$").matches("]b"))
        #expect(try TextPattern(#"^\Q(?<a>b)\E(?<c>d)$"#).matches("(?<a>b)d"))
        #expect(try TextPattern(#"^\(?<"#).matches("(<"))
    }

    @Test func `matches do not overlap, and empty ones stand between characters`() throws {
        #expect(try TextPattern("[0-9]+").finds(in: "a1b22é333", limit: 2) == ["1", "22"])
        #expect(try TextPattern("").finds(in: "aé", limit: .max).count == 3)
        #expect(try TextPattern("a*").finds(in: "baac", limit: .max) == ["", "aa", ""])
        #expect(try TextPattern("^a").finds(in: "aaa", limit: .max) == ["a"])
        #expect(try TextPattern(#"\bb"#).finds(in: "ab b", limit: .max) == ["b"])
        #expect(try TextPattern(#"\p{Greek}+"#).finds(in: "x αβγ", limit: .max) == ["αβγ"])
    }

    @Test func `characters are told apart as they are written`() throws {
        #expect(try !TextPattern("^\u{e9}$").matches("e\u{301}"))
        #expect(try TextPattern("^..$").matches("e\u{301}"))
    }

    @Test func `counted classes of Unicode have room in schemas, not in rules`() throws {
        #expect(try TextPattern(#"^\pL{1,255}$"#).matches(String(repeating: "ü", count: 255)))
        #expect(throws: TextPattern.Unsupported.self) { try TextPattern(usedNow: #"^\pL{1,255}$"#) }
        #expect(throws: TextPattern.Unsupported.self) { try TextPattern("((a{100}){100}){100}") }
    }

    @Test func `groups nest as deeply as in Go`() throws {
        func nested(_ open: String, _ depth: Int) -> String {
            String(repeating: open, count: depth) + "a" + String(repeating: ")", count: depth)
        }
        #expect(try TextPattern(nested("(", 999)).matches("a"))
        for pattern in [nested("(", 1000), nested("(", 50_000), nested("(?:", 50_000), nested("(?P<a>", 1000)] {
            let problem = #expect(throws: TextPattern.Unsupported.self) { try TextPattern(pattern) }
            #expect(problem?.message == "expression nests too deeply")
        }
        // What stands beside each other, in classes, quoted or escaped does not nest.
        for piece in ["(a)", "[(]", #"\Q(\E"#, #"\("#] {
            #expect(throws: Never.self) { try TextPattern(String(repeating: piece, count: 2000)) }
        }
    }

    @Test func `the patterns of a schema are bounded together, and counted once`() {
        var patterns = PatternCollection()
        for _ in 0..<100 { #expect(patterns.problem(#"^\pL{1,99}$"#) == nil) }
        var refused = 0
        for count in 100..<120 where patterns.problem(#"^\pL{1,\#(count)}$"#) != nil { refused += 1 }
        #expect(refused > 0)
        #expect(patterns.problem(#"^\pL{1,99}$"#) == nil)
    }
}
