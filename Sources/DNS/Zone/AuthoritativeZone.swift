/// A part of the name space that this server speaks for.
package struct AuthoritativeZone: Hashable, Sendable {
    package var name: DomainName
    /// The primary server's name, and the responsible person's mailbox as a name (RFC 1035, 3.3.13).
    package var primary: DomainName
    package var contact: DomainName
    package var serial: UInt32
    /// Seconds that answers may be kept.
    package var ttl: UInt32
    /// Seconds that "there is no such name" and "no such record" may be kept (RFC 2308).
    package var negativeTTL: UInt32
    /// What it does not have is asked upstream, rather than denied.
    package var fallsThrough: Bool
    /// Below this name `a-b-c-d.NAMESPACE` stands for the address a.b.c.d in every namespace that exists there.
    package var addressNames: DomainName?

    package init(
        name: DomainName, primary: DomainName, contact: DomainName, serial: UInt32 = 1, ttl: UInt32 = 5,
        negativeTTL: UInt32 = 5, fallsThrough: Bool = false, addressNames: DomainName? = nil
    ) {
        self.name = name
        self.primary = primary
        self.contact = contact
        self.serial = serial
        self.ttl = ttl
        self.negativeTTL = negativeTTL
        self.fallsThrough = fallsThrough
        self.addressNames = addressNames
    }

    /// The data of its SOA record.
    var startOfAuthority: [UInt8] {
        var data = primary.wire + contact.wire
        for value in [serial, 7200, 1800, 86400, negativeTTL] {
            for shift in stride(from: UInt32(24), through: 0, by: -8) {
                data.append(UInt8(truncatingIfNeeded: value >> shift))
            }
        }
        return data
    }
}
