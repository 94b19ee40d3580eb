import DNS
import NetworkTypes
import Testing

@testable import DataPlane

@Suite("Upstream servers as they are written") struct UpstreamServerTests {
    @Test(
        arguments: [
            ("192.0.2.53", "192.0.2.53:53", nil), ("[2001:db8::53]:5353", "[2001:db8::53]:5353", nil),
            ("dns://192.0.2.53", "192.0.2.53:53", nil), ("tls://192.0.2.53", "192.0.2.53:853", SecuredServer()),
            ("tls://192.0.2.53:8853#dns.example", "192.0.2.53:8853", SecuredServer(name: "dns.example")),
            ("https://1.1.1.1/dns-query", "1.1.1.1:443", SecuredServer(path: "/dns-query")),
            ("https://1.1.1.1", "1.1.1.1:443", SecuredServer(path: "/dns-query")),
            ("https://1.1.1.1/dns-query{?dns}", "1.1.1.1:443", SecuredServer(path: "/dns-query")),
            (
                "https://[2001:db8::53]:8443/q?x=y#dns.example", "[2001:db8::53]:8443",
                SecuredServer(name: "dns.example", path: "/q?x=y")
            ),
        ] as [(String, String, SecuredServer?)])
    func `addresses are read with what stands around them`(
        text: String, address: String, credentials: SecuredServer?
    ) throws {
        let server = try #require(UpstreamServer(text))
        #expect(server.address.description == address && server.credentials == credentials)
        // What is told of it can be read again.
        #expect(UpstreamServer(server.text) == server)
    }

    @Test(arguments: [
        "", "dns.example", "tls://dns.example", "https://dns.example/dns-query", "https://", "https:///dns-query",
        "tls://192.0.2.53#", "https://1.1.1.1/a b", "https://1.1.1.1/{x}", "https://1.1.1.1/#x..y", "grpc://1.1.1.1",
        "https://1.1.1.1/\u{e9}",
    ])
    func `what is no server is none`(text: String) { #expect(UpstreamServer(text) == nil) }
}
