import Testing

@testable import martlet

@Suite("What the terminal shows") struct TerminalTests {
    @Test(arguments: [
        ("short", 80, "short"), ("exactly", 8, "exactly"), ("too long", 8, "too lo…"), ("any", 1, "any"),
    ])
    func `a status never wraps, since a wrapped line could not be replaced`(text: String, columns: Int, shown: String) {
        #expect(Terminal.fitting(text, columns: columns) == shown)
    }
}
