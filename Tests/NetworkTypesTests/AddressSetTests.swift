import NetworkTypes
import Testing

@Suite("Sets of addresses") struct AddressSetTests {
    private static func set(_ networks: String...) -> AddressSet {
        AddressSet(networks.compactMap { CIDR(network: $0) })
    }

    @Test func `networks and addresses of both families are found, also where they overlap or touch`() throws {
        let set = Self.set(
            "10.0.0.0/8", "10.1.0.0/16", "192.0.2.7", "192.0.2.8/31", "2001:db8::/32", "2001:db8:1::/48", "::1")
        for text in ["10.0.0.0", "10.1.2.3", "10.255.255.255", "192.0.2.7", "192.0.2.9", "2001:db8:ffff::1", "::1"] {
            #expect(set.contains(try #require(IPAddress(text))), "\(text)")
        }
        for text in ["9.255.255.255", "11.0.0.0", "192.0.2.6", "192.0.2.10", "2001:db9::", "::2", "::", "0.0.0.1"] {
            #expect(!set.contains(try #require(IPAddress(text))), "\(text)")
        }
    }

    @Test func `an IPv4 address is the same one when it is mapped, also in networks`() throws {
        let mapped = try #require(IPAddress("::ffff:192.0.2.7"))
        #expect(Self.set("192.0.2.0/24").contains(mapped))
        #expect(Self.set("::ffff:192.0.2.0/120").contains(mapped))
        #expect(!Self.set("192.0.3.0/24").contains(mapped))
        let plain = try #require(IPAddress("192.0.2.7"))
        #expect(Self.set("::ffff:192.0.2.7").contains(plain) && Self.set("::ffff:192.0.2.0/120").contains(plain))
        #expect(!Self.set("::ffff:192.0.3.0/120").contains(plain) && !Self.set("::/0").contains(plain))
    }

    @Test func `all and nothing`() throws {
        let all = Self.set("0.0.0.0/0", "::/0", "10.0.0.0/8")
        for text in ["0.0.0.0", "255.255.255.255", "::", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"] {
            #expect(all.contains(try #require(IPAddress(text))))
        }
        #expect(AddressSet([]).isEmpty && !AddressSet([]).contains(.loopbackV4))
        #expect(CIDR(network: "10.0.0.1")?.prefixLength == 32 && CIDR(network: "::1")?.prefixLength == 128)
        #expect(CIDR(network: "10.0.0.1/33") == nil && CIDR(network: "example.com") == nil)
    }

    @Test func `as many random networks as one likes give the same answers as a walk through them`() {
        var random = SystemRandomNumberGenerator()
        let networks = (0..<300).compactMap { _ in
            CIDR(
                address: IPAddress(v4: UInt32.random(in: 0..<(1 << 16), using: &random)),
                prefixLength: Int.random(in: 18...32, using: &random))
        }
        let set = AddressSet(networks)
        for _ in 0..<5_000 {
            let address = IPAddress(v4: UInt32.random(in: 0..<(1 << 16), using: &random))
            #expect(set.contains(address) == networks.contains { $0.contains(address) }, "\(address) in \(networks)")
        }
    }
}
