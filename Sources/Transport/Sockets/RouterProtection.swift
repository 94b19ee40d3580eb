/// What protects a connection between routers.
package struct RouterProtection: Hashable, Sendable {
    /// The key that signs each segment (RFC 2385): 1…80 bytes.
    package var md5Key: [UInt8]?
    /// The peer is on our own link: what we send has a TTL of 255. Else the system's usual one.
    package var isSingleHop: Bool
    /// Segments that have passed a router, and so do not come from our own link, are dropped by the kernel (RFC 5082).
    package var requiresSingleHop: Bool

    package init(md5Key: [UInt8]? = nil, isSingleHop: Bool = false, requiresSingleHop: Bool = false) {
        self.md5Key = md5Key
        self.isSingleHop = isSingleHop
        self.requiresSingleHop = requiresSingleHop
    }
}
