package import NetworkTypes
package import ProxyEngine
import TrafficModel
import Transport

/// Where the L7 proxy listens.
///
/// An unspecified address (0.0.0.0, ::) stands for every address of this machine's interfaces, each with a socket of
/// its own, and follows them as they change. One socket for "any" would take in what is sent to cluster IPs as well,
/// which Linux routes to this machine too: the traffic of a Service on the proxy's port would silently enter the proxy.
package struct IngressListeners: Hashable, Sendable {
    /// As configured, with ports that are not 0 where the address is unspecified.
    package private(set) var configured: [ProxyConfiguration.Listener]

    /// - Throws: `TransportError` when no port can be found for an unspecified address with port 0.
    package init(_ configured: [ProxyConfiguration.Listener]) throws {
        self.configured = try configured.map { listener in
            guard listener.address.ip.isUnspecified, listener.address.port.rawValue == 0 else { return listener }
            // The kernel chooses one that is free on every address; all of them get the same.
            let descriptor = try Socket.listen(listener.address)
            defer { Socket.close(descriptor) }
            var listener = listener
            if let bound = Socket.localAddress(descriptor) { listener.address.port = bound.port }
            return listener
        }
    }

    /// The sockets on a machine with these addresses, in order, each once.
    package func sockets(on own: Set<IPAddress>) -> [ProxyConfiguration.Listener] {
        var seen: Set<ProxyConfiguration.Listener> = []
        return configured.flatMap { listener -> [ProxyConfiguration.Listener] in
            guard listener.address.ip.isUnspecified else { return [listener] }
            return own.filter { $0.family == listener.address.ip.family }.sorted().map { ip in
                var socket = listener
                socket.address.ip = ip
                return socket
            }
        }.filter { seen.insert($0).inserted }
    }

    /// What is said of where the proxy listens: addresses as configured, ports as bound, one family after the other.
    package func text(bound: [ProxyConfiguration.Listener: SocketAddress]) -> String {
        let families = [IPFamily.v4, .v6].map { family in
            configured.filter { $0.address.ip.family == family }
        }
        return families.joined().compactMap { listener -> String? in
            let address = listener.address.ip.isUnspecified ? listener.address : bound[listener]
            return address.map { listener.scheme == .https ? "\($0) (TLS)" : "\($0)" }
        }.joined(separator: ", ")
    }
}
