import NetworkTypes

/// Where a proxied request goes.
struct ProxyDestination: Hashable, Sendable {
    var address: IPAddress
    var port: Port
    var usesTLS: Bool
}
