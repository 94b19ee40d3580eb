import Testing

@testable import martlet

@Suite("The kubeconfig that is meant") struct ClientOptionsTests {
    @Test func `of a list the first file that is there is taken`() {
        func file(_ list: String, _ present: Set<String>) -> String? {
            ClientOptions.file(in: list) { present.contains($0) }
        }
        #expect(file("a:b", ["a", "b"]) == "a")
        #expect(file("a::b", ["b"]) == "b")
        // So that the message names one.
        #expect(file("a:b", []) == "b")
        #expect(file("", []) == nil)
        #expect(file(":", []) == nil)
    }
}
