import ArgumentParser
import NetworkTypes

/// The value of `--nodeport-addresses`: the networks on whose addresses of this machine node ports are served.
struct NodePortAddresses: ExpressibleByArgument, CustomStringConvertible {
    /// Empty for every address.
    let networks: [CIDR]

    static let loopback = NodePortAddresses(networks: [CIDR("127.0.0.0/8")].compactMap(\.self))

    static let all = NodePortAddresses(networks: [])

    private init(networks: [CIDR]) { self.networks = networks }

    init?(argument: String) {
        if argument == "all" {
            networks = []
            return
        }
        var networks: [CIDR] = []
        for part in argument.split(separator: ",", omittingEmptySubsequences: false) {
            guard let network = CIDR(part) else { return nil }
            networks.append(network)
        }
        self.networks = networks
    }

    var description: String { networks.isEmpty ? "all" : networks.map(\.description).joined(separator: ",") }
    var defaultValueDescription: String { description }
}
