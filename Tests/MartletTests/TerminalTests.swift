import Testing

@testable import martlet

@Suite("A status stays on one line") struct TerminalTests {
    @Test(arguments: [
        ("short", 80, "short"), ("exactly", 8, "exactly"), ("too long", 8, "too lo…"), ("any", 1, "any"),
    ])
    func `a status never wraps, since a wrapped line could not be replaced`(text: String, columns: Int, shown: String) {
        #expect(Terminal.fitting(text, columns: columns) == shown)
    }

    @Test(arguments: [
        ("plain é ✓\n", "plain é ✓\n"), ("\u{1b}[2J", "\\u{1b}[2J"), ("a\rb\u{7}", "a\\u{d}b\\u{7}"),
        ("\u{9b}31m", "\\u{9b}31m"), ("x\u{202e}y", "x\\u{202e}y"),
    ])
    func `what a terminal would act upon is shown instead`(text: String, shown: String) {
        #expect(Terminal.visible(text) == shown)
    }

    @Test func `a stranger's text has an end`() {
        #expect(Terminal.visible(String(repeating: "x", count: 1 << 20)).count == 4096)
    }
}
