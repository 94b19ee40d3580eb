internal import Glibc
package import NetworkTypes

/// The multicast groups in which IPv6 addresses of ours are asked for, joined on the interfaces where they are announced: so
/// that the interface lets them in, and switches that listen to MLD send them our way. For one thread.
package final class SolicitedGroups {
    package struct Membership: Hashable, Sendable {
        package var group: IPAddress
        package var link: Int32

        package init(_ group: IPAddress, on link: Int32) {
            self.group = group
            self.link = link
        }
    }

    /// A socket holds only as many memberships as its share of memory lets it; this many sockets are opened at most.
    private static let maxSockets = 256

    private var sockets: [Int32] = []
    /// Which socket holds it.
    private var joined: [Membership: Int32] = [:]

    package init() {}

    deinit { for socket in sockets { close(socket) } }

    /// Joins and leaves until exactly these are held.
    ///
    /// - Returns: how many could not be joined: those on interfaces without IPv6, for one.
    package func set(_ wanted: Set<Membership>) -> Int {
        for (membership, socket) in joined where !wanted.contains(membership) {
            _ = change(membership, IPV6_DROP_MEMBERSHIP, socket)
            joined[membership] = nil
        }
        var failures = 0
        for membership in wanted where joined[membership] == nil {
            if !join(membership) { failures += 1 }
        }
        return failures
    }

    private func join(_ membership: Membership) -> Bool {
        // The newest one is the one with room.
        while true {
            if let socket = sockets.last {
                if change(membership, IPV6_ADD_MEMBERSHIP, socket) {
                    joined[membership] = socket
                    return true
                }
                guard errno == ENOBUFS || errno == ENOMEM, joined.values.contains(socket) else { return false }
            }
            guard sockets.count < Self.maxSockets else { return false }
            let new = socket(AF_INET6, Int32(SOCK_DGRAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
            guard new >= 0 else { return false }
            sockets.append(new)
        }
    }

    private func change(_ membership: Membership, _ option: Int32, _ socket: Int32) -> Bool {
        var request = ipv6_mreq()
        withUnsafeMutableBytes(of: &request.ipv6mr_multiaddr) { $0.copyBytes(from: membership.group.bytes) }
        request.ipv6mr_interface = UInt32(bitPattern: membership.link)
        return setsockopt(socket, Int32(IPPROTO_IPV6), option, &request, socklen_t(MemoryLayout<ipv6_mreq>.size)) == 0
    }
}
