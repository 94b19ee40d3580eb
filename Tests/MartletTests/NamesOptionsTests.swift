import ArgumentParser
import DNS
import NetworkTypes
import Testing

@testable import martlet

@Suite("Flags of DNS") struct NamesOptionsTests {
    @Test(
        arguments: [
            ("192.0.2.53", "192.0.2.53:53", nil), ("192.0.2.53:5300", "192.0.2.53:5300", nil),
            ("tls://192.0.2.53", "192.0.2.53:853", SecuredServer()),
            ("tls://192.0.2.53:8853#dns.example", "192.0.2.53:8853", SecuredServer(name: "dns.example")),
            ("tls://[2001:db8::53]:853#a.b", "[2001:db8::53]:853", SecuredServer(name: "a.b")),
        ] as [(String, String, SecuredServer?)])
    func `an upstream server has an address, and over TLS a name`(
        text: String, address: String, secured: SecuredServer?
    ) throws {
        let read = try #require(NamesOptions.upstream(text))
        #expect("\(read.address)" == address && read.secured == secured)
    }

    @Test(arguments: ["", "nowhere", "tls://", "tls://host", "tls://192.0.2.53#", "https://192.0.2.53", "192.0.2.53#a"])
    func `what is none is refused`(text: String) {
        #expect(NamesOptions.upstream(text) == nil)
        #expect(throws: (any Error).self) { try NamesOptions.parse(["--dns-upstream", text]) }
    }

    @Test func `a child gets the flags as they were`() throws {
        let flags = [
            "--cluster-domain", "c.example", "--dns-port", "53", "--dns-address", "127.0.0.54", "--dns-upstream",
            "tls://192.0.2.53#a.b", "--dns-network", "192.0.2.0/24", "--dns-host-resolver", "resolv.conf",
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
