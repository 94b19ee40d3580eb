import NetworkTypes
import Testing

@Suite("IP addresses") struct IPAddressTests {
    @Test(arguments: [
        ("0.0.0.0", "0.0.0.0"), ("127.0.0.1", "127.0.0.1"), ("255.255.255.255", "255.255.255.255"),
        ("::", "::"), ("::1", "::1"), ("2001:DB8::1", "2001:db8::1"), ("1::", "1::"),
        ("2001:db8:0:0:1:0:0:1", "2001:db8::1:0:0:1"), ("2001:0db8:0:1:1:1:1:1", "2001:db8:0:1:1:1:1:1"),
        ("::ffff:192.0.2.1", "::ffff:192.0.2.1"), ("64:ff9b::192.0.2.33", "64:ff9b::c000:221"),
        ("1:2:3:4:5:6:7::", "1:2:3:4:5:6:7:0"), ("::2:3:4:5:6:7:8", "0:2:3:4:5:6:7:8"),
        ("fe80:0:0:0:0:0:0:1", "fe80::1"), ("1:2:3:4:5:6:1.2.3.4", "1:2:3:4:5:6:102:304"),
    ])
    func readsAndWritesCanonically(text: String, canonical: String) throws {
        let address = try #require(IPAddress(text))
        #expect(address.description == canonical)
        #expect(IPAddress(canonical) == address)
        #expect(IPAddress(bytes: address.bytes) == address)
    }

    @Test(arguments: [
        "", "1", "1.2.3", "1.2.3.4.5", "01.2.3.4", "1.2.3.256", "1.2.3.", ".1.2.3", "1..2.3", "1.2.3.4 ", "a.b.c.d",
        ":", ":::", "1:::2", "::1::", "1:2:3:4:5:6:7", "1:2:3:4:5:6:7:8:9", "12345::", "::g", "fe80::1%eth0",
        "1:2:3:4:5:6:7:1.2.3.4", "::1.2.3", "::1.2.3.4:1", "1::2:", ":1::2", "1:2:3:4:5:6:7:8::", "::1.2.3.4.5",
    ])
    func refusesAnythingElse(text: String) {
        #expect(IPAddress(text) == nil)
    }

    @Test func movesAndMeasures() throws {
        let start = try #require(IPAddress("10.0.0.250"))
        #expect(start.advanced(by: 10)?.description == "10.0.1.4")
        #expect(IPAddress("255.255.255.255")?.advanced(by: 1) == nil)
        let six = try #require(IPAddress("2001:db8::ffff:ffff:ffff:ffff"))
        #expect(six.advanced(by: 1)?.description == "2001:db8:0:1::")
        #expect(six.advanced(by: 1)?.distance(from: six) == 1)
        #expect(six.distance(from: start) == nil)
        #expect(start.distance(from: try #require(start.advanced(by: 1))) == nil)
        #expect(try #require(IPAddress("2001:db9::")).distance(from: six) == nil)
    }

    @Test func knowsSpecialRanges() throws {
        let cases: [(String, KeyPath<IPAddress, Bool>)] = [
            ("127.9.9.9", \.isLoopback), ("::1", \.isLoopback), ("::ffff:127.0.0.1", \.isLoopback),
            ("224.0.0.1", \.isMulticast), ("ff0e::1", \.isMulticast), ("224.0.0.9", \.isLinkLocalMulticast),
            ("ff02::1", \.isLinkLocalMulticast), ("169.254.1.1", \.isLinkLocalUnicast),
            ("fe80::1", \.isLinkLocalUnicast), ("febf::1", \.isLinkLocalUnicast), ("::", \.isUnspecified),
        ]
        for (text, property) in cases {
            #expect(try #require(IPAddress(text))[keyPath: property], "\(text)")
        }
        #expect(try #require(IPAddress("fec0::1")).isLinkLocalUnicast == false)
        #expect(try #require(IPAddress("192.0.2.1")) < #require(IPAddress("::")))
    }
}
