import Glibc
package import NetworkTypes

/// The addresses of this machine's interfaces.
package enum NodeAddresses {
    /// The device that has the addresses of Services in the mode ipvs, here as with kube-proxy: they are no addresses of the
    /// machine, although its kernel takes them for such.
    package static let virtualDevice = "kube-ipvs0"

    /// The machine's own addresses inside `ranges` (kube-proxy's `--nodeport-addresses`); with no ranges all of them
    /// except IPv6 link-local ones, which need a zone. In ascending order.
    package static func current(in ranges: [CIDR]) -> [IPAddress] {
        var head: UnsafeMutablePointer<ifaddrs>?
        guard getifaddrs(&head) == 0 else { return [] }
        defer { freeifaddrs(head) }
        var result: Set<IPAddress> = []
        var cursor = head
        while let interface = cursor {
            cursor = interface.pointee.ifa_next
            if let name = interface.pointee.ifa_name, strcmp(name, virtualDevice) == 0 { continue }
            guard let address = interface.pointee.ifa_addr.flatMap({ read($0) }) else { continue }
            if ranges.isEmpty ? !isLinkLocal(address) : ranges.contains(where: { $0.contains(address) }) {
                result.insert(address)
            }
        }
        return result.sorted()
    }

    /// What clients elsewhere may reach this machine by: of each family that which packets for elsewhere leave from, as with a
    /// kubelet, or else the lowest address that is neither of the loopback interface nor link-local; IPv4 first. Empty when
    /// there is none.
    ///
    /// - Parameter leaving: ``MachineAddresses/outgoing``; those that are not among the addresses do not count.
    package static func primary(of addresses: some Sequence<IPAddress>, leaving: [IPAddress]) -> [IPAddress] {
        let reachable = addresses.filter { !$0.isLoopback && !$0.isLinkLocalUnicast }.sorted()
        return [IPFamily.v4, .v6].compactMap { family in
            let own = reachable.filter { $0.family == family }
            return leaving.first(where: own.contains) ?? own.first
        }
    }

    private static func read(_ pointer: UnsafeMutablePointer<sockaddr>) -> IPAddress? {
        let family = Int32(pointer.pointee.sa_family)
        guard family == AF_INET || family == AF_INET6 else { return nil }
        var text = [CChar](repeating: 0, count: Int(NI_MAXHOST))
        let length = family == AF_INET ? MemoryLayout<sockaddr_in>.size : MemoryLayout<sockaddr_in6>.size
        let result = getnameinfo(
            pointer, socklen_t(length), &text, socklen_t(text.count), nil, 0, Int32(NI_NUMERICHOST))
        guard result == 0 else { return nil }
        let bytes = text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }
        // A link-local address comes with its zone (fe80::1%eth0), which is no address of the API.
        return IPAddress(String(decoding: bytes, as: UTF8.self))
    }

    private static func isLinkLocal(_ address: IPAddress) -> Bool {
        CIDR("fe80::/10")?.contains(address) == true
    }
}
