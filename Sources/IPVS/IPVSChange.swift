package import NetworkTypes

/// One thing that is done to the virtual servers.
package enum IPVSChange: Hashable, Sendable {
    case addServer(VirtualServer)
    /// Scheduler, flags and persistence; connections and real servers stay.
    case changeServer(VirtualServer)
    /// With its real servers.
    case removeServer(VirtualServer.Key)
    case addReal(RealServer, VirtualServer.Key)
    case changeReal(RealServer, VirtualServer.Key)
    case removeReal(SocketAddress, VirtualServer.Key)

    /// The virtual server that it is about.
    package var key: VirtualServer.Key {
        switch self {
        case .addServer(let server), .changeServer(let server): server.key
        case .removeServer(let key), .addReal(_, let key), .changeReal(_, let key), .removeReal(_, let key): key
        }
    }

    /// For people: what it is about.
    package var subject: String {
        switch self {
        case .addServer, .changeServer, .removeServer: "virtual server \(key)"
        case .addReal(let real, _), .changeReal(let real, _): "real server \(real.address) of \(key)"
        case .removeReal(let address, _): "real server \(address) of \(key)"
        }
    }
}
