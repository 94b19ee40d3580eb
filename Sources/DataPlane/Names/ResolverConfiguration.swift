package import NetworkTypes
import System

/// What of `/etc/resolv.conf` matters to a server that forwards (resolv.conf(5)).
package struct ResolverConfiguration: Hashable, Sendable {
    package var servers: [IPAddress] = []

    /// Reads a file's text; lines that say nothing of it are passed over.
    package init(_ text: some StringProtocol) {
        for line in text.split(whereSeparator: \.isNewline) {
            let words = line.split(whereSeparator: { $0 == " " || $0 == "\t" })
            // A zone (fe80::1%eth0) has no place in an address here.
            guard words.first == "nameserver", words.count >= 2, let written = IPAddress(words[1]) else { continue }
            // To connect to 0.0.0.0 or [::] is to connect to this machine.
            let ip = written.isUnspecified ? written.family == .v4 ? .loopbackV4 : .loopbackV6 : written
            if !servers.contains(ip) { servers.append(ip) }
        }
    }

    /// Reads a file; an unreadable one says nothing.
    package init(path: String) {
        let bytes = (try? FileBytes.read(path, limit: 1 << 16)) ?? []
        self.init(String(decoding: bytes, as: UTF8.self))
    }

    /// Port 53 of each server, but for what would ask this very server again.
    ///
    /// - Parameters:
    ///   - own: where this server listens.
    ///   - machine: the addresses of this machine, all of which an unspecified one stands for.
    package func upstreams(excluding own: [SocketAddress], machine: Set<IPAddress>) -> [SocketAddress] {
        servers.map { SocketAddress(ip: $0, port: 53) }.filter { server in
            !own.contains { $0.isReached(by: server, on: machine) }
        }
    }
}

extension SocketAddress {
    /// Whether who connects to `other` reaches a socket of this machine that listens here. An unspecified address listens
    /// for its family alone.
    package func isReached(by other: SocketAddress, on machine: Set<IPAddress>) -> Bool {
        guard port == other.port, ip.family == other.ip.family else { return false }
        if ip == other.ip || other.ip.isUnspecified && ip.isLoopback { return true }
        return ip.isUnspecified && (other.ip.isLoopback || other.ip.isUnspecified || machine.contains(other.ip))
    }
}
