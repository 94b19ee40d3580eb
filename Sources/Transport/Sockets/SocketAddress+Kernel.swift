internal import CLinux
internal import Glibc
package import NetworkTypes

extension SocketAddress {
    /// Calls `body` with the address as the kernel wants it.
    func withKernelAddress<Result>(_ body: (UnsafePointer<sockaddr>, socklen_t) -> Result) -> Result {
        switch ip.family {
        case .v4:
            var address = sockaddr_in()
            address.sin_family = sa_family_t(AF_INET)
            address.sin_port = port.rawValue.bigEndian
            address.sin_addr.s_addr = UInt32(truncatingIfNeeded: ip.low).bigEndian
            return withUnsafePointer(to: &address) {
                $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                    body($0, socklen_t(MemoryLayout<sockaddr_in>.size))
                }
            }
        case .v6:
            var address = sockaddr_in6()
            address.sin6_family = sa_family_t(AF_INET6)
            address.sin6_port = port.rawValue.bigEndian
            withUnsafeMutableBytes(of: &address.sin6_addr) { bytes in
                bytes.storeBytes(of: ip.high.bigEndian, toByteOffset: 0, as: UInt64.self)
                bytes.storeBytes(of: ip.low.bigEndian, toByteOffset: 8, as: UInt64.self)
            }
            return withUnsafePointer(to: &address) {
                $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                    body($0, socklen_t(MemoryLayout<sockaddr_in6>.size))
                }
            }
        }
    }

    /// Reads what the kernel wrote; nil for families other than IPv4 and IPv6. An IPv4-mapped address comes out as
    /// IPv4, since that is what the peer has.
    init?(kernel storage: sockaddr_storage) {
        guard let address = withUnsafeBytes(of: storage, { SocketAddress(kernel: $0) }) else { return nil }
        self = address
    }

    /// Reads a `sockaddr_in` or `sockaddr_in6`, wherever it lies.
    package init?(kernel bytes: UnsafeRawBufferPointer) {
        guard bytes.count >= MemoryLayout<sockaddr_in6>.size else { return nil }
        let port = Port(UInt16(bigEndian: bytes.loadUnaligned(fromByteOffset: 2, as: UInt16.self)))
        switch Int32(bytes.loadUnaligned(as: sa_family_t.self)) {
        case AF_INET:
            let number = bytes.loadUnaligned(fromByteOffset: 4, as: UInt32.self)
            self.init(ip: IPAddress(v4: UInt32(bigEndian: number)), port: port)
        case AF_INET6:
            let high = bytes.loadUnaligned(fromByteOffset: 8, as: UInt64.self)
            let low = bytes.loadUnaligned(fromByteOffset: 16, as: UInt64.self)
            let ip = IPAddress(v6High: UInt64(bigEndian: high), low: UInt64(bigEndian: low))
            self.init(ip: ip.mappedV4 ?? ip, port: port)
        default: return nil
        }
    }
}
