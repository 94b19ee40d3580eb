/// A part of the name space that this server speaks for.
package struct AuthoritativeZone: Hashable, Sendable {
    package let name: DomainName
    /// The primary server's name, and the responsible person's mailbox as a name (RFC 1035, 3.3.13).
    package let primary: DomainName
    package let contact: DomainName
    package let serial: UInt32
    /// Seconds that answers may be kept.
    package let ttl: UInt32
    /// Seconds that "there is no such name" and "no such record" may be kept (RFC 2308).
    package let negativeTTL: UInt32
    /// What it does not have is asked upstream, rather than denied.
    package let fallsThrough: Bool
    /// Below this name `a-b-c-d.NAMESPACE` stands for the address a.b.c.d in every namespace that exists there.
    package let addressNames: DomainName?
    /// The data of its SOA record, which every denial has.
    let startOfAuthority: [UInt8]

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
        var data = primary.wire + contact.wire
        for value in [serial, 7200, 1800, 86400, negativeTTL] { data.append(bigEndian: value) }
        startOfAuthority = data
    }
}
