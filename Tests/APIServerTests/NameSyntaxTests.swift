import Testing

@testable import APIServer

@Suite struct NameSyntaxTests {
    @Test(arguments: [
        ("web", true), ("a.b-c.d", true), ("", false), ("-a", false), ("a.", false), ("A", false), ("a_b", false),
        ("a..b", false), (String(repeating: "a", count: 254), false),
    ])
    func subdomains(_ text: String, _ isValid: Bool) {
        #expect(NameSyntax.dnsSubdomain(text).isEmpty == isValid)
    }

    @Test(arguments: [
        ("app", true), ("example.com/App_1.x", true), ("/x", false), ("a/b/c", false), ("x/", false), ("-x", false),
        ("Ex.com/x", false), (String(repeating: "a", count: 64), false),
    ])
    func qualifiedNames(_ text: String, _ isValid: Bool) {
        #expect(NameSyntax.qualifiedName(text).isEmpty == isValid)
    }

    @Test func generatedNamesKeepTheirLimit() {
        let name = NameGenerator.name(from: String(repeating: "x", count: 80))
        #expect(name.utf8.count == 63)
        #expect(NameSyntax.dnsLabel(name).isEmpty)
    }

    @Test func uidsAreVersion4() {
        let uids = (0..<100).map { _ in NameGenerator.uid() }
        #expect(Set(uids).count == 100)
        for uid in uids {
            let groups = uid.split(separator: "-").map(\.count)
            #expect(groups == [8, 4, 4, 4, 12])
            #expect(Array(uid)[14] == "4")
            #expect("89ab".contains(Array(uid)[19]))
        }
    }
}
