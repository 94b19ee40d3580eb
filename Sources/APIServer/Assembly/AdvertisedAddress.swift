import NetworkTypes
import Transport

/// Where clients on this machine and its network reach a listener.
enum AdvertisedAddress {
    /// The address itself; of a listener on every address, that which packets for elsewhere leave from, or else the first one of
    /// an interface that is up and no loopback.
    static func of(_ listener: SocketAddress) -> SocketAddress {
        guard listener.ip.isUnspecified else { return listener }
        let loopback: IPAddress = listener.ip.family == .v4 ? .loopbackV4 : .loopbackV6
        let found = (MachineAddresses.outgoing + MachineAddresses.current).first {
            !$0.isLoopback && !$0.isLinkLocalUnicast && $0.family == listener.ip.family
        }
        return SocketAddress(ip: found ?? loopback, port: listener.port)
    }
}
