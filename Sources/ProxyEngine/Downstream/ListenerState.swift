internal import Transport

/// One listening socket of one loop.
struct ListenerState {
    var listener: ProxyConfiguration.Listener
    var descriptor: Int32
    var registration: LoopRegistration?
    /// For `X-Forwarded-Port`.
    var port: StaticBytes
    var isPaused = false
}
