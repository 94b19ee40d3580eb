import CLinux
import Glibc
import NetworkTypes
import TrafficModel

/// System calls on sockets of either family, for clients and servers inside of namespaces.
enum RawSocket {
    /// An association of SCTP is a stream here (RFC 6458, 4).
    static func open(_ family: IPFamily, _ transport: TransportProtocol) -> Int32 {
        socket(
            family == .v4 ? AF_INET : AF_INET6,
            Int32(transport == .udp ? SOCK_DGRAM.rawValue : SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue),
            transport == .sctp ? Int32(IPPROTO_SCTP) : 0)
    }

    /// Whether this kernel has SCTP.
    static let hasSCTP: Bool = {
        let descriptor = open(.v4, .sctp)
        if descriptor >= 0 { close(descriptor) }
        return descriptor >= 0
    }()

    /// Calls `body` with the address as the system wants it.
    static func with<Value>(
        _ address: SocketAddress, _ body: (UnsafePointer<sockaddr>, socklen_t) -> Value
    ) -> Value {
        switch address.ip.family {
        case .v4:
            var raw = sockaddr_in()
            raw.sin_family = sa_family_t(AF_INET)
            raw.sin_port = address.port.rawValue.bigEndian
            raw.sin_addr.s_addr = (address.ip.v4 ?? 0).bigEndian
            return withUnsafePointer(to: raw) {
                $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                    body($0, socklen_t(MemoryLayout<sockaddr_in>.size))
                }
            }
        case .v6:
            var raw = sockaddr_in6()
            raw.sin6_family = sa_family_t(AF_INET6)
            raw.sin6_port = address.port.rawValue.bigEndian
            withUnsafeMutableBytes(of: &raw.sin6_addr) { $0.copyBytes(from: address.ip.bytes) }
            return withUnsafePointer(to: raw) {
                $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                    body($0, socklen_t(MemoryLayout<sockaddr_in6>.size))
                }
            }
        }
    }

    static func address(of raw: sockaddr_storage) -> SocketAddress? {
        withUnsafeBytes(of: raw) { bytes in
            switch Int32(raw.ss_family) {
            case AF_INET:
                let raw = bytes.loadUnaligned(as: sockaddr_in.self)
                return SocketAddress(
                    ip: IPAddress(v4: UInt32(bigEndian: raw.sin_addr.s_addr)),
                    port: Port(UInt16(bigEndian: raw.sin_port)))
            case AF_INET6:
                let raw = bytes.loadUnaligned(as: sockaddr_in6.self)
                guard let ip = withUnsafeBytes(of: raw.sin6_addr, { IPAddress(bytes: Array($0)) }) else { return nil }
                return SocketAddress(ip: ip.mappedV4 ?? ip, port: Port(UInt16(bigEndian: raw.sin6_port)))
            default: return nil
            }
        }
    }

    static func isReady(_ descriptor: Int32, _ events: Int32, within limit: Duration) -> Bool {
        var ready = pollfd(fd: descriptor, events: Int16(events), revents: 0)
        return poll(&ready, 1, Int32(limit / .milliseconds(1))) == 1
    }

    static func pendingError(_ descriptor: Int32) -> Int32 {
        var error: Int32 = 0
        var length = socklen_t(MemoryLayout<Int32>.size)
        getsockopt(descriptor, SOL_SOCKET, SO_ERROR, &error, &length)
        return error
    }
}
