import Glibc
import NetworkTypes

/// The addresses of this machine.
enum LocalAddresses {
    /// Those of interfaces that are up, in the system's order, each once. Link-local addresses of IPv6 are left out: they
    /// mean nothing without an interface.
    static var current: [IPAddress] {
        var first: UnsafeMutablePointer<ifaddrs>?
        guard getifaddrs(&first) == 0 else { return [] }
        defer { freeifaddrs(first) }
        var result: [IPAddress] = []
        var next = first
        while let entry = next?.pointee {
            next = entry.ifa_next
            guard entry.ifa_flags & UInt32(IFF_UP) != 0, let address = entry.ifa_addr,
                let ip = ip(address), !result.contains(ip), !ip.isLinkLocalUnicast || ip.family == .v4
            else { continue }
            result.append(ip)
        }
        return result
    }

    private static func ip(_ address: UnsafePointer<sockaddr>) -> IPAddress? {
        var buffer = [CChar](repeating: 0, count: Int(INET6_ADDRSTRLEN))
        let family = Int32(address.pointee.sa_family)
        let text: UnsafePointer<CChar>?
        switch family {
        case AF_INET:
            text = address.withMemoryRebound(to: sockaddr_in.self, capacity: 1) { pointer in
                var ip = pointer.pointee.sin_addr
                return inet_ntop(family, &ip, &buffer, socklen_t(buffer.count))
            }
        case AF_INET6:
            text = address.withMemoryRebound(to: sockaddr_in6.self, capacity: 1) { pointer in
                var ip = pointer.pointee.sin6_addr
                return inet_ntop(family, &ip, &buffer, socklen_t(buffer.count))
            }
        default: return nil
        }
        guard text != nil else { return nil }
        return IPAddress(String(decoding: buffer.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self))
    }
}
