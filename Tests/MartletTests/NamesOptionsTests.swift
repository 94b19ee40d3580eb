import ArgumentParser
import Testing

@testable import martlet

@Suite("Flags of DNS") struct NamesOptionsTests {
    @Test(arguments: [
        "", "nowhere", "tls://", "tls://host", "tls://192.0.2.53#", "https://host/dns-query", "192.0.2.53#a",
    ])
    func `what is no upstream server is refused`(text: String) {
        #expect(throws: (any Error).self) { try NamesOptions.parse(["--dns-upstream", text]) }
    }

    @Test func `a child gets the flags as they were`() throws {
        let flags = [
            "--cluster-domain", "c.example", "--dns-port", "53", "--dns-address", "127.0.0.54", "--dns-upstream",
            "tls://192.0.2.53#a.b", "--dns-upstream", "https://192.0.2.53/dns-query", "--dns-network", "192.0.2.0/24",
            "--dns-host-resolver", "resolv.conf",
            "--dns-host-root", "/x", "--dns-log", "-",
        ]
        #expect(try NamesOptions.parse(flags).arguments == flags)
    }

    @Test(arguments: [
        ["--dns-port", "0", "--dns-host-resolver", "systemd-resolved"],
        ["--dns-port", "5353", "--dns-host-resolver", "resolv.conf"],
    ])
    func `this machine cannot ask where nobody answers`(flags: [String]) {
        #expect(throws: (any Error).self) { try NamesOptions.parse(flags) }
    }
}
