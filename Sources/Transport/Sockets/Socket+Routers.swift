internal import CLinux
internal import Glibc
package import NetworkTypes

extension Socket {
    /// Starts a connection to a router, as ``connect(_:from:)`` does, with its protection in place from the first segment.
    package static func connect(
        _ address: SocketAddress, from source: IPAddress?, protection: RouterProtection
    ) throws(TransportError) -> Int32 {
        let family = address.ip.family
        let descriptor = try open(family: family, type: MARTLET_SOCK_STREAM)
        do throws(TransportError) {
            try setOption(descriptor, Int32(IPPROTO_TCP), TCP_NODELAY, 1, "TCP_NODELAY")
            // As routers mark what keeps the network together: class selector 6 (RFC 2474).
            try? setOption(
                descriptor, Int32(family == .v4 ? IPPROTO_IP : IPPROTO_IPV6), family == .v4 ? IP_TOS : IPV6_TCLASS,
                0xc0,
                "class selector")
            if let key = protection.md5Key {
                let result = address.withKernelAddress { peer, length in
                    key.withUnsafeBufferPointer { martlet_tcp_md5(descriptor, peer, length, $0.baseAddress, $0.count) }
                }
                guard result == 0 else { throw .system(errno, "TCP_MD5SIG for \(address)") }
            }
            if protection.isSingleHop || protection.requiresSingleHop {
                let kernelFamily = family == .v4 ? AF_INET : AF_INET6
                guard martlet_hops(descriptor, kernelFamily, 255, protection.requiresSingleHop ? 255 : 0) == 0 else {
                    throw .system(errno, "TTL for \(address)")
                }
            }
            if let source { try bind(descriptor, to: SocketAddress(ip: source, port: 0)) }
            let result = address.withKernelAddress { Glibc.connect(descriptor, $0, $1) }
            guard result == 0 || errno == EINPROGRESS || errno == EINTR else {
                throw TransportError.system(errno, "connect to \(address)")
            }
        } catch {
            Glibc.close(descriptor)
            throw error
        }
        return descriptor
    }
}

extension Socket {
    /// Sends with this TTL from now on.
    package static func setHops(_ descriptor: Int32, _ family: IPFamily, _ hops: UInt8) throws(TransportError) {
        guard martlet_hops(descriptor, family == .v4 ? AF_INET : AF_INET6, Int32(hops), 0) == 0 else {
            throw .system(errno, "TTL of a socket")
        }
    }

    /// Has ``receiveWithHops(_:into:)`` say which TTL datagrams came with.
    package static func tellHops(_ descriptor: Int32, _ family: IPFamily) throws(TransportError) {
        guard martlet_tell_hops(descriptor, family == .v4 ? AF_INET : AF_INET6) == 0 else {
            throw .system(errno, "TTLs of datagrams")
        }
    }

    /// One datagram: its length (what is longer than the buffer is cut), its sender and the TTL it came with. Nil when
    /// none waits.
    package static func receiveWithHops(
        _ descriptor: Int32, into buffer: UnsafeMutableRawBufferPointer
    ) -> (count: Int, peer: SocketAddress, hops: Int)? {
        var storage = sockaddr_storage()
        var hops: Int32 = -1
        while true {
            let count = martlet_recv_hops(
                descriptor, buffer.baseAddress?.assumingMemoryBound(to: UInt8.self), buffer.count, &storage, &hops)
            if count < 0, errno == EINTR { continue }
            guard count >= 0, let peer = SocketAddress(kernel: storage) else { return nil }
            return (count, peer, Int(hops))
        }
    }
}
