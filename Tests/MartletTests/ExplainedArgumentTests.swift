import ArgumentParser
import Testing

@testable import martlet

@Suite("A value on the command line that cannot be read is refused with how one looks")
struct ExplainedArgumentTests {
    @Test(arguments: [
        (["dataplane", "--nodeport-addresses", "foo"], "'foo' is invalid for '--nodeport-addresses", "10.0.0.0/8"),
        (["up", "--nodeport-addresses", "10.0.0.0/33"], "'10.0.0.0/33' is invalid", "10.0.0.0/8"),
        (["dataplane", "--http-address", "80"], "'80' is invalid for '--http-address", "127.0.0.1:8080"),
        (["dataplane", "--metrics-bind-address", "a:b"], "'a:b' is invalid", "[::1]:8080"),
        (["echo", "--listen", "x"], "'x' is invalid for '--listen", "127.0.0.1:8080"),
        (["up", "--node-monitor-period", "5"], "'5' is invalid for '--node-monitor-period", "1h30m"),
    ])
    func `the refusal names the flag and shows a value that is right`(
        arguments: [String], start: String, example: String
    ) throws {
        let text: String
        do {
            _ = try Martlet.parseAsRoot(arguments)
            text = ""
        } catch {
            text = Martlet.message(for: error)
        }
        #expect(text.contains(start), "\(text)")
        #expect(text.contains(example), "\(text)")
    }
}
