internal import NetworkTypes
internal import Transport

/// The event handler of one loop: a thin shell around ``ProxyCore``.
///
/// `@unchecked Sendable`: the core is touched by the thread of `loop` only, except in `init` and `deinit`.
final class ProxyWorker: EventHandler, @unchecked Sendable {
    let loop: EventLoop
    /// By pointer, so that no access of the hot path pays for exclusivity checks of a class property.
    let core: UnsafeMutablePointer<ProxyCore>
    /// By position in the core's listeners.
    private var acceptors: [Int: Acceptor] = [:]

    init(
        loop: EventLoop, accessLog: (any AccessLog)?, crowding: CrowdingWatch, losses: LossWatch, books: ClientBooks,
        passwords: PasswordChecker
    ) {
        self.loop = loop
        core = .allocate(capacity: 1)
        core.initialize(
            to: ProxyCore(
                loop: loop, accessLog: accessLog, crowding: crowding, losses: losses, books: books,
                passwords: passwords))
        core.pointee.worker = Unmanaged.passUnretained(self)
    }

    deinit {
        core.deinitialize(count: 1)
        core.deallocate()
    }

    func handle(_ events: ReadyEvents, token: UInt64) {
        core.pointee.handle(events, token: token)
    }

    // MARK: Listeners

    /// Starts to accept on a bound socket, which the worker owns from now on.
    func listen(_ listener: ProxyConfiguration.Listener, descriptor: Int32, port: Port) {
        let index = core.pointee.addListener(listener, port: port)
        let acceptor = Acceptor(loop: loop, descriptor: descriptor) { [unowned self] descriptor, peer in
            core.pointee.accept(descriptor, from: peer, on: index)
        }
        acceptors[index] = acceptor
        acceptor.start()
    }

    /// Takes what has already connected, then stops to accept.
    func stopListening(_ listener: ProxyConfiguration.Listener) {
        for index in core.pointee.listeners.indices where core.pointee.listeners[index].listener == listener {
            stopListening(index)
        }
    }

    private func stopListening(_ index: Int) {
        guard let acceptor = acceptors.removeValue(forKey: index) else { return }
        acceptor.stop()
        core.pointee.closeListener(at: index)
    }

    // MARK: Shutdown

    /// Stops to accept, closes what is idle, and lets requests finish with `Connection: close`.
    func drain() {
        for index in Array(acceptors.keys) { stopListening(index) }
        core.pointee.drain()
    }

    /// Ends everything that is still open.
    func abort() {
        drain()
        core.pointee.abort()
    }

    /// Runs the wheel for as long as it has something in it.
    func scheduleTick() {
        guard !core.pointee.isTicking else { return }
        core.pointee.isTicking = true
        loop.schedule(after: .nanoseconds(Int64(CoreLimits.tickNanoseconds))) { [self] in
            core.pointee.isTicking = false
            core.pointee.expireTimers()
            if core.pointee.wheel.filedCount > 0 { scheduleTick() }
        }
    }
}
