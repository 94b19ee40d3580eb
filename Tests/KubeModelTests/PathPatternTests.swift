import Testing

@testable import KubeModel

@Suite("Paths as regular expressions") struct PathPatternTests {
    @Test(arguments: [
        ("/foo", "/foo", true), ("/foo", "/FOObar", true), ("/foo", "/x/foo", false), ("/foo$", "/foo", true),
        ("/foo$", "/foo/", false), ("/(?<a>x)y", "/xy", true), ("/a\\.b", "/a.b", true), ("/a\\.b", "/aXb", false),
        ("/a\\\\.b", "/a.b", true), ("/a\\\\.b", "/aXb", false), ("/caf\u{E9}", "/caf\u{E9}", true),
        ("/caf\u{E9}", "/caf\u{C9}", false), ("/x|/y", "/a/y", true), ("/[]x]", "/]", true), ("/\\Qa.b", "/aXb", false),
    ])
    func `they match as nginx has them`(pattern: String, path: String, isMatched: Bool) {
        #expect(PathPattern.problem(of: pattern) == nil)
        #expect(PathPattern(pattern).matches(path) == isMatched)
    }

    @Test(arguments: [
        ("/", "/"), ("/Foo(/|$)(.*)", "/foo"), ("/a\\.b", "/a.b"), ("/ab*", "/a"), ("/ab+", "/ab"), ("/ab{2}", "/a"),
        ("/a.b", "/a"), ("/a|/b", ""), ("/(a|b)", "/"), ("/a[bc]", "/a"), ("/a\\d", "/a"), ("/ab?", "/a"), ("", ""),
    ])
    func `what every match begins with is known`(pattern: String, start: String) {
        #expect(PathPattern(pattern).start == Array(start.utf8))
    }

    @Test(arguments: [
        ("/(?!x)", "a look ahead"), ("/(?=x)", "a look ahead"), ("/(?<!x)", "a look behind"),
        ("/(?<=x)", "a look behind"), ("/(a)\\1", "the back reference \\1"), ("/(?>a)", "an atomic group"),
        ("/a++", "a possessive repetition"), ("/a*+", "a possessive repetition"), ("/(?R)", "a recursion"),
        ("/(", "is no regular expression of RE2"), ("/a)", "is no regular expression of RE2"),
        ("/[a", "is no regular expression of RE2"), ("/a\\", "is no regular expression of RE2"),
        ("/((a{100}){100}){100}", "of RE2"), ("/" + String(repeating: "[a-z0-9]{900}", count: 30), "too large"),
        ("/" + String(repeating: "a", count: 1024), "is longer than 1,024 characters"),
    ])
    func `what cannot be is refused in words`(pattern: String, words: String) {
        #expect(PathPattern.problem(of: pattern)?.contains(words) == true, "\(PathPattern.problem(of: pattern) ?? "-")")
    }
}
