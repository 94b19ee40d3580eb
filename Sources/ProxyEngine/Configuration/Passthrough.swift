/// TLS connections for a host go to its upstream as they are: nobody here sees what is in them (ingress-nginx
/// `ssl-passthrough`).
package struct Passthrough: Sendable, Hashable {
    /// What clients name in their ClientHello; ``HostPattern/any`` matches nobody, since who names nothing gets a certificate.
    package var host: HostPattern
    /// Index into ``ProxyConfiguration/upstreams``, of one without HTTP's features: no TLS of ours, no cookies, HTTP/1.1.
    package var upstream: Int
    /// Whose connections are taken; nil for everybody's.
    package var sources: SourceRule?

    package init(host: HostPattern, upstream: Int, sources: SourceRule? = nil) {
        self.host = host
        self.upstream = upstream
        self.sources = sources
    }
}
