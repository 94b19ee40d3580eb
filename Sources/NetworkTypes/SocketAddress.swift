/// An IP address and a port.
public struct SocketAddress: Hashable, Sendable {
    public var ip: IPAddress
    public var port: Port

    public init(ip: IPAddress, port: Port) {
        self.ip = ip
        self.port = port
    }
}

extension SocketAddress: Comparable {
    public static func < (left: SocketAddress, right: SocketAddress) -> Bool {
        left.ip != right.ip ? left.ip < right.ip : left.port < right.port
    }
}

extension SocketAddress: LosslessStringConvertible {
    /// Reads `192.0.2.1:80` or `[2001:db8::1]:80`; host names are not resolved.
    public init?(_ text: some StringProtocol) {
        guard let colon = text.lastIndex(of: ":"),
            let port = Port(text[text.index(after: colon)...])
        else { return nil }
        let host = text[..<colon]
        if host.first == "[", host.last == "]" {
            guard let ip = IPAddress(host.dropFirst().dropLast()), ip.family == .v6 else { return nil }
            self.init(ip: ip, port: port)
        } else {
            guard let ip = IPAddress(host), ip.family == .v4 else { return nil }
            self.init(ip: ip, port: port)
        }
    }

    /// Reads an address with a port, or one without, which then has this one.
    public init?(_ text: some StringProtocol, defaultPort: Port) {
        if let address = SocketAddress(text) {
            self = address
        } else if let ip = IPAddress(text) {
            self.init(ip: ip, port: defaultPort)
        } else {
            return nil
        }
    }

    /// As the generic initialiser; spelled out for `LosslessStringConvertible`.
    public init?(_ description: String) {
        self.init(description[...])
    }

    /// IPv6 addresses stand in brackets.
    public var description: String {
        switch ip.family {
        case .v4: "\(ip):\(port)"
        case .v6: "[\(ip)]:\(port)"
        }
    }
}
