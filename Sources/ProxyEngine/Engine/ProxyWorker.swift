internal import Transport

/// The event handler of one loop: a thin shell around ``ProxyCore``.
///
/// `@unchecked Sendable`: the core is touched by the thread of `loop` only, except in `init` and `deinit`.
final class ProxyWorker: EventHandler, @unchecked Sendable {
    let loop: EventLoop
    /// By pointer, so that no access of the hot path pays for exclusivity checks of a class property.
    let core: UnsafeMutablePointer<ProxyCore>

    init(loop: EventLoop, accessLog: (any AccessLog)?) {
        self.loop = loop
        core = .allocate(capacity: 1)
        core.initialize(to: ProxyCore(loop: loop, accessLog: accessLog))
        core.pointee.worker = Unmanaged.passUnretained(self)
    }

    deinit {
        core.deinitialize(count: 1)
        core.deallocate()
    }

    func handle(_ events: ReadyEvents, token: UInt64) {
        core.pointee.handle(events, token: token)
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
