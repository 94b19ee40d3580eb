internal import Glibc
package import NetworkTypes
internal import Transport

/// The addresses of this machine's interfaces, by interface.
package struct LinkAddresses: Hashable, Sendable {
    package var byInterface: [String: [IPAddress]]

    package init(byInterface: [String: [IPAddress]]) { self.byInterface = byInterface }

    /// Those that the kernel has now.
    package static var current: LinkAddresses {
        var head: UnsafeMutablePointer<ifaddrs>?
        guard getifaddrs(&head) == 0 else { return LinkAddresses(byInterface: [:]) }
        defer { freeifaddrs(head) }
        var result: [String: [IPAddress]] = [:]
        var cursor = head
        while let entry = cursor?.pointee {
            cursor = entry.ifa_next
            guard let address = entry.ifa_addr, let name = entry.ifa_name else { continue }
            let size: Int
            switch Int32(address.pointee.sa_family) {
            case AF_INET: size = MemoryLayout<sockaddr_in>.size
            case AF_INET6: size = MemoryLayout<sockaddr_in6>.size
            default: continue
            }
            // Room for either form, since the shorter one is not read beyond its end.
            var bytes = [UInt8](repeating: 0, count: MemoryLayout<sockaddr_in6>.size)
            bytes.withUnsafeMutableBytes { $0.copyMemory(from: UnsafeRawBufferPointer(start: address, count: size)) }
            let ip = bytes.withUnsafeBytes { SocketAddress(kernel: $0)?.ip }
            guard let ip else { continue }
            result[String(cString: name), default: []].append(ip)
        }
        return LinkAddresses(byInterface: result)
    }

    /// What a peer is to send packets to, when the connection to it has this address on our side: the address itself, and of
    /// the other family the first address of the same interface that others can reach. `excluding` are addresses that
    /// are announced themselves, and so none of the machine's own.
    package func nextHops(
        for local: IPAddress, excluding announced: (IPAddress) -> Bool
    ) -> (v4: IPAddress?, v6: IPAddress?, linkLocal: IPAddress?) {
        let siblings = byInterface.values.first { $0.contains(local) } ?? [local]
        let usable = siblings.filter { !$0.isLoopback && !$0.isUnspecified && !announced($0) }
        let linkLocal = siblings.first { $0.family == .v6 && $0.isLinkLocalUnicast }
        let v4 = local.family == .v4 ? local : usable.first { $0.family == .v4 }
        let v6 =
            local.family == .v6 ? local : usable.first { $0.family == .v6 && !$0.isLinkLocalUnicast }
        return (v4, v6, linkLocal)
    }
}
