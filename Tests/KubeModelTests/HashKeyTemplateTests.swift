import Testing

@testable import KubeModel

@Suite("Templates of hash keys") struct HashKeyTemplateTests {
    @Test(arguments: [
        ("$request_uri", [HashKeyTemplate.Part.pathAndQuery]), ("$uri", [.path]), ("$args", [.query]),
        ("$remote_addr", [.clientAddress]), ("$binary_remote_addr", [.clientAddress]),
        ("$http_x_user_id", [.field("x-user-id")]), ("$cookie_Session", [.cookie("Session")]),
        ("$arg_id", [.argument("id")]), ("$host$request_uri", [.host, .pathAndQuery]),
        ("${request_uri}-text", [.pathAndQuery, .text("-text")]), ("a$scheme.b", [.text("a"), .scheme, .text(".b")]),
        ("$request_method", [.method]),
    ])
    func `variables of nginx are read`(text: String, parts: [HashKeyTemplate.Part]) throws {
        #expect(try HashKeyTemplate(text).parts == parts)
    }

    @Test(arguments: [
        "$", "$$uri", "${uri", "$nope", "$http_", "$cookie_", "text", "$upstream_addr", "$http_é",
        String(repeating: "a", count: 300) + "$uri", String(repeating: "$uri", count: 17),
    ])
    func `what is not known is refused`(text: String) {
        #expect(throws: HashKeyTemplate.Failure.self) { try HashKeyTemplate(text) }
    }
}
