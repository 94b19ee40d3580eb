/// How long an upstream is waited for, where that is another time than the configuration's ``ProxyLimits``.
package struct UpstreamTimeouts: Sendable, Hashable {
    /// As ``ProxyLimits/connectTimeout``.
    package var connect: Duration?
    /// As ``ProxyLimits/responseTimeout``. Upgraded connections are waited for as long, if that is longer than
    /// ``ProxyLimits/tunnelIdleTimeout``.
    package var response: Duration?
    /// As ``ProxyLimits/writeTimeout``, of the upstream.
    package var write: Duration?

    package init(connect: Duration? = nil, response: Duration? = nil, write: Duration? = nil) {
        self.connect = connect
        self.response = response
        self.write = write
    }
}

/// The same in ticks; 0 for the configuration's.
struct UpstreamPatience: BitwiseCopyable {
    var connect: Int64 = 0
    var response: Int64 = 0
    var write: Int64 = 0

    init() {}

    init(_ timeouts: UpstreamTimeouts) {
        connect = timeouts.connect.map(CoreLimits.ticks) ?? 0
        response = timeouts.response.map(CoreLimits.ticks) ?? 0
        write = timeouts.write.map(CoreLimits.ticks) ?? 0
    }
}
