package import DNS
package import NetworkTypes

/// A server that is asked for other names, as flags and Corefiles write it: `192.0.2.53`, `[2001:db8::53]:5353`,
/// `dns://192.0.2.53`, `tls://192.0.2.53#dns.example.com` with the name in its certificate, or
/// `https://192.0.2.53/dns-query#dns.example.com`. A name instead of the address would need another server to ask.
package struct UpstreamServer: Hashable, Sendable {
    package var address: SocketAddress
    /// Nil where it is asked in the clear.
    package var credentials: SecuredServer?

    /// As it may be written.
    package var text: String { credentials?.text(at: address) ?? address.description }

    /// The longest path of a URL.
    private static let pathLimit = 1024

    /// Nil for what is none.
    package init?(_ text: some StringProtocol) {
        let text = String(text)
        if text.hasPrefix("tls://") || text.hasPrefix("https://") {
            let isHTTPS = text.hasPrefix("https://")
            let parts = text.split(separator: "#", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
            let name = parts.count == 2 ? parts[1] : nil
            if let name, name.isEmpty || (try? DomainName(name)) == nil { return nil }
            let rest = parts[0].dropFirst(isHTTPS ? "https://".count : "tls://".count)
            let host = isHTTPS ? rest.prefix { $0 != "/" } : rest[...]
            guard let address = SocketAddress(host, defaultPort: isHTTPS ? 443 : 853) else { return nil }
            self.address = address
            credentials = SecuredServer(name: name)
            guard isHTTPS else { return }
            guard let path = Self.path(rest.dropFirst(host.count)) else { return nil }
            credentials?.path = path
            return
        }
        let plain = text.hasPrefix("dns://") ? text.dropFirst("dns://".count) : text[...]
        guard let address = SocketAddress(plain, defaultPort: 53) else { return nil }
        self.address = address
    }

    /// Of a URI template (RFC 6570) what is the same for every question; questions are sent as content, not in the address.
    private static func path(_ text: some StringProtocol) -> String? {
        var path = String(text)
        if path.hasSuffix("{?dns}") { path.removeLast("{?dns}".count) }
        if path.isEmpty { return "/dns-query" }
        guard path.utf8.count <= pathLimit, path.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7f }), !path.contains("{") else {
            return nil
        }
        return path
    }
}
