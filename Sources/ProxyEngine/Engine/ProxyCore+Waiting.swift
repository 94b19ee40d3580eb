internal import Transport

// Requests that wait until their upstream may be asked for one more.
extension ProxyCore {
    /// Puts a request into its upstream's line, or answers that there are too many.
    mutating func wait(_ x: ExchangeReference, _ c: Client, _ state: UpstreamDirectory.State) {
        guard directory.enqueue(x.handle, for: state) else { return fail(x, .overloaded) }
        x.pointee.flags.insert(.waiting)
        setTimer(client: c, state.pointee.limits.queueTicks)
    }

    /// A request has gone that may have waited, and with it perhaps what others wait for.
    mutating func leaveLine(_ x: ExchangeReference) {
        let state = directory[x.pointee.target]
        if x.pointee.flags.contains(.waiting) {
            x.pointee.flags.remove(.waiting)
            directory.leaveLine(of: state, exchanges)
        }
        if state.pointee.waiting > 0 { admitLater(state.handle) }
        // Another upstream's line may stand for the same endpoint.
        guard directory.waiting > Int(state.pointee.waiting), directory.isShared(x.pointee.endpoint) else { return }
        for other in directory.awaited() where other != state.handle { admitLater(other) }
    }

    /// Endpoints or limits are others now.
    mutating func admitEverywhere() {
        guard directory.waiting > 0 else { return }
        for state in directory.awaited() { admitLater(state) }
    }

    /// After the event at hand, which may be at work on what they are to get.
    private func admitLater(_ target: Handle<Party.Targets>) {
        guard let worker = worker?.takeUnretainedValue() else { return }
        loop.execute {
            worker.core.pointee.updateTime()
            worker.core.pointee.admit(target)
        }
    }

    private mutating func admit(_ target: Handle<Party.Targets>) {
        while let state = directory.resolve(target),
            let handle = directory.dequeue(of: state, exchanges, now: loop.now.nanoseconds),
            let x = exchanges.resolve(handle)
        {
            let client = x.pointee.client
            start(x, clients[client])
            continueClient(client)
        }
    }
}
