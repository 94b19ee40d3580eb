internal import NetworkTypes

// How much an upstream is asked at a time, and who waits for it.
extension UpstreamDirectory {
    /// Whether an upstream may be asked for one request more.
    ///
    /// - Parameter isCounted: that one is among the requests under way already.
    func hasRoom(_ state: State, isCounted: Bool, now: UInt64) -> Bool {
        let limits = state.pointee.limits
        let underWay = state.pointee.activeRequests - state.pointee.waiting - (isCounted ? 1 : 0)
        if limits.requests > 0, underWay >= limits.requests { return false }
        return hasRoom(state, besides: TriedEndpoints(), now: now)
    }

    /// Whether an endpoint that has not been tried may have one request more. One that is ejected counts where nobody is well.
    func hasRoom(_ state: State, besides tried: TriedEndpoints, now: UInt64) -> Bool {
        let limit = state.pointee.limits.requestsPerEndpoint
        guard limit > 0, let list = state.pointee.endpoints else { return true }
        let areAllWell = now >= settledFrom
        var isAnyoneWell = false
        var hasPlace = false
        for position in 0..<Int(state.pointee.endpointCount) where !tried.contains(list[position]) {
            let endpoint = endpoints[list[position]]
            let isWell = areAllWell || !endpoint.pointee.health.isEjected(now)
            if endpoint.pointee.outstanding < limit {
                if isWell { return true }
                hasPlace = true
            }
            if isWell { isAnyoneWell = true }
        }
        return hasPlace && !isAnyoneWell
    }

    /// Whether a request that has just come waits: there is no room, or others wait already.
    @inline(__always)
    func mustWait(_ state: State, now: UInt64) -> Bool {
        if !state.pointee.isLimited { return false }
        return state.pointee.waiting > 0 || !hasRoom(state, isCounted: true, now: now)
    }

    /// Puts an exchange at the end of its upstream's line.
    ///
    /// - Returns: false when that has no room.
    mutating func enqueue(_ exchange: Handle<Party.Exchanges>, for state: State) -> Bool {
        guard state.pointee.waiting < state.pointee.limits.queue else { return false }
        lines[Int(state.handle.index)].append(exchange)
        if state.pointee.waiting == 0, !awaitedStates.contains(state.handle) { awaitedStates.append(state.handle) }
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
        of state: State, _ exchanges: borrowing Slab<Party.Exchanges, Exchange>, now: UInt64
    ) -> Handle<Party.Exchanges>? {
        guard state.pointee.waiting > 0,
            state.pointee.endpointCount == 0 || hasRoom(state, isCounted: false, now: now),
            let exchange = lines[Int(state.handle.index)].popFirst(exchanges)
        else { return nil }
        state.pointee.waiting -= 1
        waiting -= 1
        return exchange
    }

    /// The upstreams that somebody waits for.
    mutating func awaited() -> [Handle<Party.Targets>] {
        let still = awaitedStates.filter { resolve($0)?.pointee.waiting ?? 0 > 0 }
        awaitedStates = still
        return still
    }

    /// Whether others than one upstream may have an endpoint full.
    func isShared(_ endpoint: EndpointHandle) -> Bool { (endpoints.resolve(endpoint)?.pointee.references ?? 0) > 1 }

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
