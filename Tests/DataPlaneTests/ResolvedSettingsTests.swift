import Testing

@testable import DataPlane

@Suite("What systemd-resolved's configuration says of servers") struct ResolvedSettingsTests {
    @Test(arguments: [
        ([""], []),
        (["[Resolve]\nDNS=192.0.2.1 2001:db8::1\n"], ["192.0.2.1", "2001:db8::1"]),
        (["[Resolve]\nDNS=192.0.2.1\nDNS=192.0.2.2\n", "[Resolve]\nDNS=192.0.2.1\n"], ["192.0.2.1", "192.0.2.2"]),
        // Nothing takes back what was before.
        (["[Resolve]\nDNS=192.0.2.1\n", "[Resolve]\nDNS=\nDNS=192.0.2.2\n"], ["192.0.2.2"]),
        // Written as one likes.
        (
            ["  [Resolve]\r\n  DNS =\t192.0.2.1:5353%eth0#a.example \\\n 192.0.2.2\n"],
            ["192.0.2.1:5353%eth0#a.example", "192.0.2.2"]
        ),
        // Elsewhere, commented out, or of another name.
        (
            [
                "DNS=192.0.2.1\n[Other]\nDNS=192.0.2.2\n[Resolve]\n#DNS=192.0.2.3\n; DNS=192.0.2.4\n"
                    + "FallbackDNS=192.0.2.5\nDNS\n"
            ], []
        ),
    ])
    func `servers add up, file by file, until nothing takes them back`(texts: [String], servers: [String]) {
        #expect(ResolvedSettings(texts).servers == servers)
    }

    @Test(arguments: [("yes", true), ("TRUE", true), ("opportunistic", false), ("no", false), ("", false)])
    func `only DNSOverTLS=yes wants every server asked by TLS`(value: String, wantsTLS: Bool) {
        #expect(ResolvedSettings(["[Resolve]\nDNSOverTLS=\(value)\n"]).wantsTLS == wantsTLS)
    }
}
