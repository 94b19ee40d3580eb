/// What the connections of one listening socket of one loop have in common.
struct ListenerState {
    var listener: ProxyConfiguration.Listener
    /// For `X-Forwarded-Port`.
    var port: StaticBytes
    /// Whether it accepts; its connections may outlive that.
    var isOpen = true
}
