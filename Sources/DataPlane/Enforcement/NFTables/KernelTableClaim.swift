import Glibc
package import System

/// That one process at a time looks after our table in a network namespace: two would undo each other's work. Ends with
/// the process, however that ends.
package final class KernelTableClaim: Sendable {
    private let descriptor: Int32

    /// - Throws: `SystemError` with EADDRINUSE where another process has it.
    package init() throws(SystemError) {
        // A name that is in no file system: of the network namespace, as the table is.
        let name = Array("\0martlet-nftables".utf8)
        descriptor = socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0 else { throw SystemError("claim the nftables table", number: errno) }
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: name) }
        let length = MemoryLayout<sa_family_t>.size + name.count
        let isBound = withUnsafePointer(to: address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { bind(descriptor, $0, socklen_t(length)) == 0 }
        }
        guard isBound else {
            let number = errno
            close(descriptor)
            throw SystemError("claim the nftables table", number: number)
        }
    }

    deinit { close(descriptor) }
}
