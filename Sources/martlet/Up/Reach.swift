import System

/// Whom `martlet up` serves where no flag says it: everybody who reaches this machine when it may have ports 80 and 443,
/// else this machine alone.
enum Reach {
    case machine, network

    init(_ privileges: Privileges, isLocalOnly: Bool) {
        self = privileges.contains(.lowPorts) && !isLocalOnly ? .network : .machine
    }

    /// Of the API.
    var bindAddress: String { self == .network ? "0.0.0.0" : "127.0.0.1" }
    /// Of the L7 proxy.
    var proxyAddresses: [String] { self == .network ? ["0.0.0.0", "::"] : ["127.0.0.1"] }
    var httpPort: UInt16 { self == .network ? 80 : 8080 }
    var httpsPort: UInt16 { self == .network ? 443 : 8443 }
    var nodePortAddresses: NodePortAddresses { self == .network ? .all : .loopback }
}
