import NetworkTypes
import TrafficModel

/// Who in the kernel chooses the endpoint of a new connection to a Service.
enum EndpointChooser: Hashable, Sendable {
    /// Our table, by itself.
    case rules
    /// Virtual servers of IPVS, once our table has let a connection through. What they cannot do remains with the rules.
    case virtualServers

    /// Who chooses for connections to an address.
    ///
    /// - Parameter row: of virtual servers there is one for an address, whoever asks: what clients inside get instead is
    ///   up to the rules.
    func chooser(for frontend: Frontend, at ip: IPAddress, _ row: EndpointRow = .all) -> EndpointChooser {
        // IPVS leads nobody from a loopback address to another machine, and what its schedulers make of a client's address
        // depends on the order in which real servers came: nodes would not agree.
        let isHashed = frontend.balancing == .consistentHash && frontend.affinitySeconds == nil
        return row == .all && !ip.isLoopback && !isHashed ? self : .rules
    }

    /// Whether an address of a Service is made this machine's own, on a device that leads nowhere: IPVS takes in only what
    /// has arrived.
    func makesOwn(_ key: FrontendKey, _ role: Frontend.Role, besides ownAddresses: Set<IPAddress>) -> Bool {
        self == .virtualServers && role != .nodePort && !key.address.ip.isLoopback
            && !ownAddresses.contains(key.address.ip)
    }
}
