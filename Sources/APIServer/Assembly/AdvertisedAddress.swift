import Glibc
import NetworkTypes

/// Where clients on this machine and its network reach a listener.
enum AdvertisedAddress {
    /// The address itself; of a listener on every address, the first one of an interface that is up and no loopback.
    static func of(_ listener: SocketAddress) -> SocketAddress {
        guard listener.ip.isUnspecified else { return listener }
        let loopback: IPAddress = listener.ip.family == .v4 ? .loopbackV4 : .loopbackV6
        let found = interfaceAddresses().first {
            !$0.isLoopback && !$0.isLinkLocalUnicast && $0.family == listener.ip.family
        }
        return SocketAddress(ip: found ?? loopback, port: listener.port)
    }

    private static func interfaceAddresses() -> [IPAddress] {
        var first: UnsafeMutablePointer<ifaddrs>?
        guard getifaddrs(&first) == 0 else { return [] }
        defer { freeifaddrs(first) }
        var result: [IPAddress] = []
        var next = first
        while let interface = next?.pointee {
            next = interface.ifa_next
            guard interface.ifa_flags & UInt32(IFF_UP) != 0, let address = interface.ifa_addr else { continue }
            switch Int32(address.pointee.sa_family) {
            case AF_INET:
                let bytes = address.withMemoryRebound(to: sockaddr_in.self, capacity: 1) {
                    withUnsafeBytes(of: $0.pointee.sin_addr) { Array($0) }
                }
                if let address = IPAddress(bytes: bytes) { result.append(address) }
            case AF_INET6:
                let bytes = address.withMemoryRebound(to: sockaddr_in6.self, capacity: 1) {
                    withUnsafeBytes(of: $0.pointee.sin6_addr) { Array($0) }
                }
                if let address = IPAddress(bytes: bytes) { result.append(address) }
            default: break
            }
        }
        return result
    }
}
