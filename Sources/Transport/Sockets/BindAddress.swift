package import NetworkTypes

/// Where a server listens.
package enum BindAddress: Sendable, Hashable, CustomStringConvertible {
    /// Port 0 asks the kernel to choose one.
    case tcp(SocketAddress)
    /// A unix stream socket; `mode` is the permission of the file (a leftover socket file is replaced).
    case unix(path: String, mode: UInt32)

    package var description: String {
        switch self {
        case .tcp(let address): address.description
        case .unix(let path, _): "unix:\(path)"
        }
    }

    /// The TCP port, or nil for a unix socket.
    package var port: Port? {
        guard case .tcp(let address) = self else { return nil }
        return address.port
    }
}
