internal import Glibc
package import NetworkTypes

/// The addresses of this machine.
package enum MachineAddresses {
    /// Those of interfaces that are up, in the system's order, each once. Link-local addresses of IPv6 are left out: they
    /// mean nothing without an interface.
    package static var current: [IPAddress] {
        var first: UnsafeMutablePointer<ifaddrs>?
        guard getifaddrs(&first) == 0 else { return [] }
        defer { freeifaddrs(first) }
        var result: [IPAddress] = []
        var seen: Set<IPAddress> = []
        var next = first
        while let entry = next?.pointee {
            next = entry.ifa_next
            guard entry.ifa_flags & UInt32(IFF_UP) != 0, let address = entry.ifa_addr, let ip = ip(address),
                !ip.isLinkLocalUnicast || ip.family == .v4, seen.insert(ip).inserted
            else { continue }
            result.append(ip)
        }
        return result
    }

    /// The addresses that packets for elsewhere leave this machine from, one of each family that has a way there. Nothing is
    /// sent: a datagram socket that is connected has asked the routing table.
    package static var outgoing: [IPAddress] { elsewhere.compactMap(source) }

    /// Addresses for documentation (RFC 5737, RFC 3849): nobody's, so that the default route leads there.
    private static let elsewhere = [IPAddress("198.51.100.1"), IPAddress("2001:db8:ffff::1")].compactMap(\.self)

    private static func source(towards address: IPAddress) -> IPAddress? {
        // No way there is an answer.
        guard let descriptor = try? Socket.connectUDP(SocketAddress(ip: address, port: 9)) else { return nil }
        defer { Socket.close(descriptor) }
        return Socket.localAddress(descriptor)?.ip
    }

    private static func ip(_ address: UnsafePointer<sockaddr>) -> IPAddress? {
        switch Int32(address.pointee.sa_family) {
        case AF_INET:
            address.withMemoryRebound(to: sockaddr_in.self, capacity: 1) {
                withUnsafeBytes(of: $0.pointee.sin_addr) { IPAddress(bytes: Array($0)) }
            }
        case AF_INET6:
            address.withMemoryRebound(to: sockaddr_in6.self, capacity: 1) {
                withUnsafeBytes(of: $0.pointee.sin6_addr) { IPAddress(bytes: Array($0)) }
            }
        default: nil
        }
    }
}
