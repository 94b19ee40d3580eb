internal import Glibc
package import NetworkTypes

/// A listener on an unspecified address (0.0.0.0, ::): a socket for each address of this machine's interfaces, which follows
/// them as they change.
///
/// One socket for "any" would take in whatever Linux routes to this machine, which is all of 127.0.0.0/8 and with it the
/// cluster IPs of an ordinary user: the traffic of a Service on the same port would enter this listener unnoticed, and the
/// Service could have no socket of its own.
package struct EveryAddress<Opened> {
    /// How often the machine's addresses are looked at.
    package static var pause: Duration { .seconds(5) }

    /// The unspecified address, with its port.
    package let address: SocketAddress
    package private(set) var opened: [IPAddress: Opened] = [:]
    /// Addresses that could not be opened when they were looked at last.
    private var refused: Set<IPAddress> = []

    /// - Parameters:
    ///   - address: unspecified; with port 0 one is chosen that is free now on every address.
    ///   - bind: makes a socket for the choice of a port.
    package init(
        _ address: SocketAddress, bind: (SocketAddress) throws(TransportError) -> Int32
    ) throws(TransportError) {
        guard address.port == 0 else {
            self.address = address
            return
        }
        let descriptor = try bind(address)
        defer { Socket.close(descriptor) }
        self.address = Socket.localAddress(descriptor) ?? address
    }

    /// Opens what is missing on a machine with these addresses, and closes what is no longer its own.
    ///
    /// - Returns: why addresses could not be opened, where that is news. They are tried again the next time. One that the
    ///   machine has only just lost or is about to get is none of them.
    package mutating func follow(
        _ own: [IPAddress], open: (SocketAddress) throws(TransportError) -> Opened, close: (Opened) -> Void
    ) -> [(address: SocketAddress, error: TransportError)] {
        let wanted = own.filter { $0.family == address.ip.family }
        for ip in Set(opened.keys).subtracting(wanted) { opened.removeValue(forKey: ip).map(close) }
        refused.formIntersection(wanted)
        var news: [(address: SocketAddress, error: TransportError)] = []
        for ip in wanted where opened[ip] == nil {
            let socket = SocketAddress(ip: ip, port: address.port)
            do throws(TransportError) {
                opened[ip] = try open(socket)
                refused.remove(ip)
            } catch {
                guard error.code != .system(errno: EADDRNOTAVAIL), refused.insert(ip).inserted else { continue }
                news.append((socket, error))
            }
        }
        return news
    }
}

extension EveryAddress: Sendable where Opened: Sendable {}
