import NetworkTypes
import Testing

@Suite("CIDR ranges") struct CIDRTests {
    @Test(arguments: [
        ("10.96.0.7/12", "10.96.0.0", "10.111.255.255", UInt64(1) << 20),
        ("0.0.0.0/0", "0.0.0.0", "255.255.255.255", UInt64(1) << 32),
        ("192.0.2.1/32", "192.0.2.1", "192.0.2.1", 1),
        ("2001:db8::5/64", "2001:db8::", "2001:db8::ffff:ffff:ffff:ffff", .max),
        ("2001:db8::5/120", "2001:db8::", "2001:db8::ff", 256),
        ("::/0", "::", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", .max),
        ("2001:db8::/32", "2001:db8::", "2001:db8:ffff:ffff:ffff:ffff:ffff:ffff", .max),
    ])
    func hasBounds(text: String, first: String, last: String, count: UInt64) throws {
        let cidr = try #require(CIDR(text))
        #expect(cidr.first.description == first)
        #expect(cidr.last.description == last)
        #expect(cidr.addressCount == count)
        #expect(cidr.description == text)
        #expect(cidr.contains(cidr.first) && cidr.contains(cidr.last))
    }

    @Test(arguments: ["", "/", "10.0.0.0", "10.0.0.0/33", "::/129", "10.0.0.0/08", "10.0.0.0/-1", "10.0.0.0/8 ", "x/8"])
    func refusesAnythingElse(text: String) {
        #expect(CIDR(text) == nil)
    }

    @Test func containsAndOverlaps() throws {
        let wide = try #require(CIDR("10.0.0.0/8"))
        let narrow = try #require(CIDR("10.1.0.0/16"))
        #expect(wide.contains(narrow) && !narrow.contains(wide))
        #expect(wide.overlaps(narrow) && narrow.overlaps(wide))
        #expect(!wide.contains(try #require(IPAddress("11.0.0.0"))))
        #expect(!wide.overlaps(try #require(CIDR("::/0"))))
    }

    @Test func rangesReadThreeForms() throws {
        #expect(try #require(AddressRange("192.0.2.64 - 192.0.2.80")).count == 17)
        #expect(try #require(AddressRange("192.0.2.0/28")).count == 16)
        #expect(try #require(AddressRange("192.0.2.5")).description == "192.0.2.5")
        #expect(AddressRange("192.0.2.9-192.0.2.1") == nil)
        #expect(AddressRange("192.0.2.9-::1") == nil)
        #expect(AddressRange("::/0")?.count == .max)
        #expect(try #require(AddressRange("192.0.2.1-192.0.2.4")).overlaps(try #require(AddressRange("192.0.2.4"))))
    }

    @Test func socketAddressesReadBack() throws {
        for text in ["192.0.2.1:80", "[2001:db8::1]:443", "0.0.0.0:0"] {
            #expect(SocketAddress(text)?.description == text)
        }
        for text in ["192.0.2.1", "192.0.2.1:", "2001:db8::1:443", "[192.0.2.1]:80", "192.0.2.1:65536", ":80", ""] {
            #expect(SocketAddress(text) == nil, "\(text)")
        }
    }

    @Test(arguments: [
        ("192.0.2.1", "192.0.2.1:53"), ("192.0.2.1:5300", "192.0.2.1:5300"), ("2001:db8::1", "[2001:db8::1]:53"),
        ("[2001:db8::1]:5300", "[2001:db8::1]:5300"), ("dns.example", nil), ("192.0.2.1:", nil), ("", nil),
    ])
    func `an address may leave its port to a default`(text: String, meant: String?) {
        #expect(SocketAddress(text, defaultPort: 53)?.description == meant)
    }
}
