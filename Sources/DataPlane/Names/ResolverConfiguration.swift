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
            guard words.first == "nameserver", words.count >= 2, let ip = IPAddress(words[1]) else { continue }
            if !servers.contains(ip) { servers.append(ip) }
        }
    }

    /// Reads a file; an unreadable one says nothing.
    package init(path: String) {
        let bytes = (try? FileBytes.read(path, limit: 1 << 16)) ?? []
        self.init(String(decoding: bytes, as: UTF8.self))
    }

    /// Port 53 of each server, but for what would ask this very server again.
    package func upstreams(excluding own: [SocketAddress]) -> [SocketAddress] {
        servers.map { SocketAddress(ip: $0, port: 53) }.filter { server in
            !own.contains {
                $0.port == server.port && ($0.ip == server.ip || $0.ip.isUnspecified && server.ip.isLoopback)
            }
        }
    }
}
