import Glibc
import System

/// Whether this process may listen on a port below 1024 (ip(7), `ip_unprivileged_port_start`; capabilities(7),
/// `CAP_NET_BIND_SERVICE`).
enum LowPorts {
    private static let bindService: UInt64 = 1 << 10

    static func mayListen(on port: UInt16) -> Bool {
        let start = text("/proc/sys/net/ipv4/ip_unprivileged_port_start").split(whereSeparator: \.isWhitespace).first
        if let start = start.flatMap({ UInt32($0) }), start <= port { return true }
        let line = text("/proc/self/status").split(separator: "\n").first { $0.hasPrefix("CapEff:") }
        let digits = line?.split { $0 == ":" || $0.isWhitespace }.last ?? ""
        return UInt64(digits, radix: 16).map { $0 & bindService != 0 } ?? false
    }

    private static func text(_ path: String) -> String {
        // Unreadable says nothing.
        String(decoding: (try? FileBytes.read(path, limit: 1 << 16)) ?? [], as: UTF8.self)
    }
}
