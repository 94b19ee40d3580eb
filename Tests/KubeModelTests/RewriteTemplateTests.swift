import Testing

@testable import KubeModel

@Suite("Targets of rewrites") struct RewriteTemplateTests {
    private static func text(_ text: String) -> RewriteTemplate.Part { .text(Array(text.utf8)) }

    @Test func `groups, arguments and the question mark at the end are told apart`() throws {
        let plain = try RewriteTemplate("/a/$2/$1b")
        #expect(plain.path == [Self.text("/a/"), .group(2), Self.text("/"), .group(1), Self.text("b")])
        #expect(plain.arguments == nil && plain.keepsArguments)
        let arguments = try RewriteTemplate("$1?x=$2&y")
        #expect(arguments.path == [Self.text("/"), .group(1)])
        #expect(arguments.arguments == [Self.text("x="), .group(2), Self.text("&y")])
        #expect(try RewriteTemplate("/a?").keepsArguments == false)
        #expect(try RewriteTemplate("/a?x?").arguments == [Self.text("x")])
    }

    @Test(arguments: [
        ("https://other.example/", "is a redirect"), ("$scheme://x", "is a redirect"), ("/a b", "has a space"),
        ("/a\r\nX: y", "has a space, a control character"), ("/a;b", "has the character ;"),
        ("/#x", "has the character #"),
        ("/$host", "has a variable other than $1 to $9"), ("/$0", "has a variable"), ("/$", "has a variable"),
        ("/a?b?c", "has more than one question mark"), ("/\u{E9}", "not ASCII"),
        ("/" + String(repeating: "a", count: 1024), "is longer"),
    ])
    func `what cannot be is refused in words`(target: String, words: String) {
        let error = #expect(throws: RewriteTemplate.Unsupported.self) { try RewriteTemplate(target) }
        #expect(error?.description.contains(words) == true, "\(error?.description ?? "-")")
    }
}
