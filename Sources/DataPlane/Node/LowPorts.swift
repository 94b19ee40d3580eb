import System

/// Whether this process may listen on a port below 1024 (ip(7), `ip_unprivileged_port_start`; capabilities(7),
/// `CAP_NET_BIND_SERVICE`).
enum LowPorts {
    static func mayListen(on port: UInt16) -> Bool {
        // Unreadable says nothing.
        let text = try? FileBytes.read("/proc/sys/net/ipv4/ip_unprivileged_port_start", limit: 64)
        let start = String(decoding: text ?? [], as: UTF8.self).split(whereSeparator: \.isWhitespace).first
        if let start = start.flatMap({ UInt32($0) }), start <= port { return true }
        return Privileges.current.contains(.lowPorts)
    }
}
