import Testing

@testable import martlet

@Suite("The status line says the news first")
@MainActor
struct StatusLineTests {
    private let calm = [
        "apiserver": "https://127.0.0.1:6443", "dataplane": "3 service addresses", "controllers": "endpoints",
    ]

    @Test func `in calm there is what runs`() {
        let line = StatusLine(texts: calm, restarts: 0)
        #expect(line.full == "3 service addresses · https://127.0.0.1:6443")
        #expect(line.trouble.isEmpty)
        #expect(
            line.text(processes: 4, megabytes: 80)
                == "3 service addresses · 4 processes, 80 MB · https://127.0.0.1:6443")
    }

    @Test func `what is served stands within 80 columns, whatever the proxy listens on`() {
        let served = "120 service addresses by nftables, 240 routes for 96 hosts, 96 certificates"
        var texts = calm
        texts["dataplane"] = "\(served) · L7 proxy on 0.0.0.0:80, 0.0.0.0:443 (TLS), [::]:80, [::]:443 (TLS)"
        let line = StatusLine(texts: texts, restarts: 0).text(processes: 4, megabytes: 80)
        #expect(Terminal.fitting(line, columns: 80).hasPrefix(served))
    }

    @Test func `what is wrong comes first, where a narrow terminal still shows it`() {
        var texts = calm
        texts["dataplane"] = "3 service addresses; NOT served: 127.0.0.1:80 (in use)"
        texts["controllers"] = "endpoints; no sign of life from the API server"
        let line = StatusLine(texts: texts, restarts: 1)
        #expect(line.trouble == "NOT served: 127.0.0.1:80 (in use); no sign of life from the API server")
        #expect(line.text(processes: 4, megabytes: 80).hasPrefix("NOT served"))
        #expect(line.full.contains("1 restart ·"))
    }

    @Test func `one is one, and two are more`() {
        #expect(Terminal.count(1, "restart") == "1 restart")
        #expect(Terminal.count(2, "restart") == "2 restarts")
        #expect(Terminal.count(0, "restart") == "0 restarts")
    }
}

@Suite("The end of a log tells why a program did not start")
struct LogTailTests {
    @Test(arguments: [
        ("2026 info serving\nmartlet: cannot listen: in use\n", "cannot listen: in use"),
        ("Error: --x is wrong\nHelp:  --x <x>\nUsage: martlet\n  See 'martlet --help'\n", "--x is wrong"),
        ("just this\n", "just this"),
    ])
    func `the line that names the error counts, not the usage behind it`(log: String, reason: String) {
        #expect(LogTail.reason(log) == reason)
    }

    @Test func `a log on a full disk is empty for that reason`() {
        #expect(
            LogTail.silence(of: "/dev/full")
                == "it could not write: cannot write /dev/full: No space left on device; free some space on that disk, "
                + "then start again")
        #expect(LogTail.silence(of: "/dev/null") == "it wrote nothing to its log")
    }

    @Test func `an empty log has no reason`() { #expect(LogTail.reason("\n") == nil) }
}

@Suite("The networks of node ports are read before anything starts")
struct NodePortAddressesTests {
    @Test(arguments: ["foo", "10.0.0.0/8,", "", "10.0.0.0/8,x"])
    func `what is no network is refused`(text: String) { #expect(NodePortAddresses(argument: text) == nil) }

    @Test func `networks and every address are read, and written as they were`() {
        #expect(NodePortAddresses(argument: "all")?.networks.isEmpty == true)
        #expect(NodePortAddresses(argument: "10.0.0.0/8,fd00::/8")?.description == "10.0.0.0/8,fd00::/8")
        #expect(NodePortAddresses.loopback.description == "127.0.0.0/8")
    }
}
