internal import NetworkTypes

// How much an upstream is asked at a time, and who waits for it.
extension UpstreamDirectory {
    /// Whether an upstream may be asked for one request more.
    ///
    /// - Parameter isCounted: that one is among the requests under way already.
    func hasRoom(_ state: State, isCounted: Bool) -> Bool {
        let limits = state.pointee.limits
        let underWay = state.pointee.activeRequests - state.pointee.waiting - (isCounted ? 1 : 0)
        if limits.requests > 0, underWay >= limits.requests { return false }
        guard limits.requestsPerEndpoint > 0, let list = state.pointee.endpoints else { return true }
        for position in 0..<Int(state.pointee.endpointCount)
        where endpoints[list[position]].pointee.outstanding < limits.requestsPerEndpoint {
            return true
        }
        return false
    }

    /// Whether a request that has just come waits: there is no room, or others wait already.
    @inline(__always)
    func mustWait(_ state: State) -> Bool {
        if !state.pointee.isLimited { return false }
        return state.pointee.waiting > 0 || !hasRoom(state, isCounted: true)
    }

    /// Puts an exchange at the end of its upstream's line.
    ///
    /// - Returns: false when that has no room.
    mutating func enqueue(_ exchange: Handle<Party.Exchanges>, for state: State) -> Bool {
        guard state.pointee.waiting < state.pointee.limits.queue else { return false }
        lines[Int(state.handle.index)].append(exchange)
        state.pointee.waiting += 1
        waiting += 1
        return true
    }

    /// An exchange that has waited in a line has gone.
    mutating func leaveLine(of state: State, _ exchanges: borrowing Slab<Party.Exchanges, Exchange>) {
        lines[Int(state.handle.index)].leave(exchanges)
        state.pointee.waiting -= 1
        waiting -= 1
    }

    /// The exchange that has waited longest, if there is room for it now, or no endpoint to wait for.
    mutating func dequeue(
        of state: State, _ exchanges: borrowing Slab<Party.Exchanges, Exchange>
    ) -> Handle<Party.Exchanges>? {
        guard state.pointee.waiting > 0, state.pointee.endpointCount == 0 || hasRoom(state, isCounted: false),
            let exchange = lines[Int(state.handle.index)].popFirst(exchanges)
        else { return nil }
        state.pointee.waiting -= 1
        waiting -= 1
        return exchange
    }

    // MARK: Slow start

    /// How much of its share an endpoint is to have, of 1: a tenth at first, and all of it when the upstream's time is over.
    func warmth(of endpoint: EndpointHandle, _ state: State, _ now: UInt64) -> Double {
        let window = state.pointee.slowStart
        let since = endpoints[endpoint].pointee.warmsSince
        guard window > 0, since > 0, now < since + window else { return 1 }
        return max(0.1, now > since ? Double(now - since) / Double(window) : 0)
    }

    /// Whether an endpoint whose turn it is takes it; one that is new leaves some to others.
    mutating func takesTurn(_ endpoint: EndpointHandle, _ state: State, _ now: UInt64) -> Bool {
        let warmth = warmth(of: endpoint, state, now)
        return warmth >= 1 || Double(nextRandom()) < warmth * 2_147_483_648
    }
}
