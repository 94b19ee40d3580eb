internal import NetworkTypes

// Which endpoint gets a request.
extension UpstreamDirectory {
    /// Who may be chosen, from the best to what is left: a pool without anybody well is asked all the same.
    enum Openness: Int, CaseIterable {
        case wellAndUntried = 0
        case untried
        case any
    }

    /// How many endpoints are compared at most for the one with the fewest requests: a larger pool is looked at in parts.
    private static var window: Int32 { 32 }

    /// The endpoint for a request of an upstream, or none.
    ///
    /// - Parameters:
    ///   - key: of the request, where endpoints are chosen by it; 0 for none.
    ///   - tried: have failed it.
    ///   - now: nanoseconds of the loop's clock.
    mutating func choose(for state: State, key: UInt64, tried: TriedEndpoints, now: UInt64) -> EndpointHandle {
        if state.pointee.balancing == .roundRobin, tried.isEmpty, now >= settledFrom, !state.pointee.isLimited {
            return state.pointee.rotate()
        }
        begin(state)
        var openness = Openness.wellAndUntried
        while true {
            let chosen = choose(for: state, key: key, tried, openness, now)
            guard chosen.isNone, let next = Openness(rawValue: openness.rawValue + 1) else { return chosen }
            openness = next
        }
    }

    /// Takes note of how many requests an upstream's endpoints may have.
    mutating func begin(_ state: State) {
        let limit = state.pointee.limits.requestsPerEndpoint
        endpointLimit = limit == 0 ? .max : limit
    }

    private mutating func choose(
        for state: State, key: UInt64, _ tried: TriedEndpoints, _ openness: Openness, _ now: UInt64
    ) -> EndpointHandle {
        switch state.pointee.balancing {
        case .hash where key != 0:
            let bound = RendezvousHash.bound(
                total: state.pointee.activeRequests, endpoints: state.pointee.endpointCount)
            let first = highest(of: state, key, tried, openness, now, below: .max)
            if first.isNone || endpoints[first].pointee.outstanding < bound { return first }
            let second = highest(of: state, key, tried, openness, now, below: bound)
            return second.isNone ? first : second
        case .leastRequests: return leastBusy(of: state, tried, openness, now)
        case .peakEWMA: return cheaper(of: state, tried, openness, now)
        case .roundRobin, .hash:
            var passed = EndpointHandle.none
            for _ in 0..<state.pointee.endpointCount {
                let chosen = state.pointee.rotate()
                guard isOpen(chosen, tried, openness, now) else { continue }
                if takesTurn(chosen, state, now) { return chosen }
                if passed.isNone { passed = chosen }
            }
            return passed
        }
    }

    func isOpen(
        _ endpoint: EndpointHandle, _ tried: TriedEndpoints, _ openness: Openness, _ now: UInt64
    ) -> Bool {
        if endpointLimit != .max, endpoints[endpoint].pointee.outstanding >= endpointLimit { return false }
        if openness == .any { return true }
        if tried.contains(endpoint) { return false }
        return openness == .untried || !endpoints[endpoint].pointee.health.isEjected(now)
    }

    /// Who draws highest for the key, of those with fewer than `bound` requests.
    func highest(
        of state: State, _ key: UInt64, _ tried: TriedEndpoints, _ openness: Openness, _ now: UInt64, below bound: Int32
    ) -> EndpointHandle {
        guard let list = state.pointee.endpoints, let seeds = state.pointee.seeds else { return .none }
        // Mostly nobody is left out, so that the endpoints themselves are not looked at.
        let takesAll = bound == .max && tried.isEmpty && now >= settledFrom && endpointLimit == .max
        var best = EndpointHandle.none
        var highest: UInt64 = 0
        for position in 0..<Int(state.pointee.endpointCount) {
            let drawn = RendezvousHash.draw(seed: seeds[position], key: key)
            guard best.isNone || drawn > highest else { continue }
            let endpoint = list[position]
            if !takesAll {
                guard isOpen(endpoint, tried, openness, now), endpoints[endpoint].pointee.outstanding < bound else {
                    continue
                }
            }
            best = endpoint
            highest = drawn
        }
        return best
    }

    /// The one with the fewest requests; among equals, in turn.
    private func leastBusy(
        of state: State, _ tried: TriedEndpoints, _ openness: Openness, _ now: UInt64
    ) -> EndpointHandle {
        guard let list = state.pointee.endpoints else { return .none }
        let count = state.pointee.endpointCount
        var position = state.pointee.next < count ? state.pointee.next : 0
        state.pointee.next = position + 1
        let isWarming = state.pointee.slowStart > 0 && now < settledFrom
        var best = EndpointHandle.none
        var fewest = Int32.max
        var seen: Int32 = 0
        for _ in 0..<count {
            let endpoint = list[Int(position)]
            position = position + 1 < count ? position + 1 : 0
            guard isOpen(endpoint, tried, openness, now) else { continue }
            var outstanding = endpoints[endpoint].pointee.outstanding
            if isWarming { outstanding = Int32(clamping: Int(Double(outstanding) / warmth(of: endpoint, state, now))) }
            if outstanding < fewest {
                fewest = outstanding
                best = endpoint
            }
            seen += 1
            if fewest <= 0 || seen == Self.window { break }
        }
        return best
    }

    /// Of two drawn by lot the one that costs less: near to the best of all, and no herd runs to a single one.
    private mutating func cheaper(
        of state: State, _ tried: TriedEndpoints, _ openness: Openness, _ now: UInt64
    ) -> EndpointHandle {
        let first = drawn(of: state, tried, openness, now, but: .none)
        if first.isNone { return first }
        let second = drawn(of: state, tried, openness, now, but: first)
        if second.isNone { return first }
        let (a, b) = (endpoints[first], endpoints[second])
        let costOfFirst =
            a.pointee.latency.cost(outstanding: a.pointee.outstanding, now: now) / warmth(of: first, state, now)
        let costOfSecond =
            b.pointee.latency.cost(outstanding: b.pointee.outstanding, now: now) / warmth(of: second, state, now)
        return costOfSecond < costOfFirst ? second : first
    }

    private mutating func drawn(
        of state: State, _ tried: TriedEndpoints, _ openness: Openness, _ now: UInt64, but other: EndpointHandle
    ) -> EndpointHandle {
        guard let list = state.pointee.endpoints else { return .none }
        let count = Int(state.pointee.endpointCount)
        var position = Int(nextRandom() % UInt64(count))
        for _ in 0..<count {
            let endpoint = list[position]
            if endpoint != other, isOpen(endpoint, tried, openness, now) { return endpoint }
            position = position + 1 < count ? position + 1 : 0
        }
        return .none
    }

    // MARK: What answers and failures tell

    /// An endpoint has begun to answer.
    @inline(__always)
    func succeeded(_ endpoint: EndpointHandle, of state: State, since start: UInt64, now: UInt64) {
        guard let endpoint = endpoints.resolve(endpoint) else { return }
        endpoint.pointee.health.succeed(now)
        if state.pointee.balancing == .peakEWMA {
            endpoint.pointee.latency.observe(now > start ? now - start : 0, now: now)
        }
    }

    /// An endpoint has failed a request of an upstream; perhaps it gets none for a while.
    ///
    /// - Parameter isConnection: it took no connection.
    /// - Returns: whether it was ejected.
    @discardableResult
    mutating func failed(
        _ endpoint: EndpointHandle, of state: State, isConnection: Bool, since start: UInt64, now: UInt64
    ) -> Bool {
        guard let failing = endpoints.resolve(endpoint) else { return false }
        if state.pointee.balancing == .peakEWMA {
            failing.pointee.latency.observe(max(PeakEWMA.failure, now > start ? now - start : 0), now: now)
        }
        let policy = state.pointee.ejection
        guard isConnection || policy.countsAnswers, failing.pointee.health.fail(policy, now: now) else { return false }
        // One that the upstream has no more is not counted against the others.
        guard failing.pointee.isWanted,
            policy.mayEject(
                ejected: Int32(ejectedCount(of: state.pointee, now: now)), of: state.pointee.endpointCount)
        else { return false }
        failing.pointee.health.eject(policy, now: now)
        settledFrom = max(settledFrom, failing.pointee.health.ejectedUntil)
        state.pointee.ejections += 1
        return true
    }

    /// How many of an upstream's endpoints are left out.
    func ejectedCount(of state: UpstreamState, now: UInt64) -> UInt64 {
        guard now < settledFrom, let list = state.endpoints else { return 0 }
        var count: UInt64 = 0
        for position in 0..<Int(state.endpointCount) {
            if endpoints[list[position]].pointee.health.isEjected(now) { count += 1 }
        }
        return count
    }
}
