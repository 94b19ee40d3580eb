internal import NetworkTypes

/// The upstreams of the configuration with their endpoints, as one loop knows them: who has which endpoint, and who is
/// still needed by what is under way. Pure bookkeeping: connections are the caller's, who closes the idle ones of the
/// endpoints that ``takeOrphans()`` names and then gives them up by ``reclaim(_:)``.
struct UpstreamDirectory: ~Copyable {
    typealias State = Slab<Party.Targets, UpstreamState>.Reference
    typealias EndpointHandle = Handle<Party.Endpoints>

    private(set) var endpoints = Slab<Party.Endpoints, Endpoint>(blank: Endpoint())
    private var states = Slab<Party.Targets, UpstreamState>(blank: UpstreamState())
    private var stateOfName: [String: Handle<Party.Targets>] = [:]
    /// By the index of a state's slot; empty for one that is free.
    private var nameOfState: [String] = []
    /// Likewise.
    private var cookieOfState: [CookieAffinity?] = []
    /// Likewise: who waits for it.
    var lines: [WaitingLine] = []
    /// How many do, of all upstreams.
    var waiting = 0
    /// Those that somebody waits for, or has waited for.
    var awaitedStates: [Handle<Party.Targets>] = []
    /// How many requests the endpoint may have that is being chosen, which it gets one more of.
    var endpointLimit = Int32.max
    /// Who is connected to, and in which way.
    private struct Identity: Hashable {
        var address: SocketAddress
        var tls: Int32
    }

    private var endpointOfIdentity: [Identity: EndpointHandle] = [:]
    /// From the configuration's upstream indices.
    private var stateOfPosition: [Handle<Party.Targets>] = []
    private var orphans: [EndpointHandle] = []
    private var random: UInt64
    /// From then on every endpoint has its full share: the last one that was ejected is back, and the last new one is warm.
    /// Nanoseconds.
    var settledFrom: UInt64 = 0

    /// - Parameter seed: where rotations begin, so that loops differ.
    init(seed: UInt64) { random = seed }

    deinit {
        for index in 0..<states.indexBound {
            guard let state = states.tenant(at: index) else { continue }
            state.pointee.endpoints?.deallocate()
            state.pointee.seeds?.deallocate()
            state.pointee.tags?.deallocate()
        }
    }

    // MARK: Changes

    /// Makes `upstreams` the ones there are. Those that stay keep their place in the rotation and their counters.
    ///
    /// - Parameters:
    ///   - tls: of each upstream, its number among ``UpstreamTLSContexts``; empty for 0 everywhere.
    ///   - loops: that share the limits.
    ///   - now: nanoseconds of the loop's clock.
    mutating func install(
        _ upstreams: [ProxyConfiguration.Upstream], tls: [Int32] = [], loops: Int = 1, now: UInt64 = 0
    ) {
        for handle in stateOfName.values { states[handle].pointee.isConfigured = false }
        var dropped: [EndpointHandle] = []
        stateOfPosition.removeAll(keepingCapacity: true)
        for (position, upstream) in upstreams.enumerated() {
            let state = state(named: upstream.name)
            state.pointee.isConfigured = true
            state.pointee.isMultiplexed = upstream.version == .http2
            state.pointee.balancing = UpstreamState.Balancing(upstream.balancing)
            state.pointee.ejection = upstream.ejection
            state.pointee.retry = upstream.retry
            state.pointee.patience = UpstreamPatience(upstream.timeouts)
            state.pointee.limits = LoopLimits(upstream.limits, loops: loops)
            state.pointee.isLimited = !state.pointee.limits.isEmpty
            state.pointee.slowStart = EjectionPolicy.nanoseconds(upstream.slowStart)
            let isSame = cookieOfState[Int(state.handle.index)] == upstream.affinity
            if !isSame { set(upstream.affinity, of: state) }
            let isChanged = set(
                upstream.endpoints, tls.isEmpty ? 0 : tls[position], of: state, dropping: &dropped, now: now)
            if isChanged || !isSame { setTags(upstream.endpoints, of: state) }
            stateOfPosition.append(state.handle)
        }
        for handle in stateOfName.values {
            let state = states[handle]
            if state.pointee.isConfigured { continue }
            // Its requests finish where they are, but find no other endpoint any more.
            if set([], 0, of: state, dropping: &dropped, now: now) { setTags([], of: state) }
            removeIfUnused(state)
        }
        release(dropped)
    }

    /// Gives the named upstreams other endpoints (and versions) and leaves everything else alone, how they are chosen among
    /// it. Names that are not configured are passed over.
    ///
    /// The other parameters are those of ``install(_:tls:loops:now:)``.
    mutating func patch(_ upstreams: [ProxyConfiguration.Upstream], tls: [Int32] = [], now: UInt64 = 0) {
        var dropped: [EndpointHandle] = []
        for (position, upstream) in upstreams.enumerated() {
            guard let handle = stateOfName[upstream.name] else { continue }
            let state = states[handle]
            guard state.pointee.isConfigured else { continue }
            state.pointee.isMultiplexed = upstream.version == .http2
            if set(upstream.endpoints, tls.isEmpty ? 0 : tls[position], of: state, dropping: &dropped, now: now) {
                setTags(upstream.endpoints, of: state)
            }
        }
        release(dropped)
    }

    /// The endpoints that no upstream has any more since the last call.
    mutating func takeOrphans() -> [EndpointHandle] {
        defer { orphans = [] }
        return orphans
    }

    /// Frees an endpoint that nobody names and no connection goes to.
    mutating func reclaim(_ handle: EndpointHandle) {
        guard let endpoint = endpoints.resolve(handle), !endpoint.pointee.isWanted, endpoint.pointee.openCount == 0
        else { return }
        let identity = Identity(address: endpoint.pointee.address, tls: endpoint.pointee.tls)
        if endpointOfIdentity[identity] == handle { endpointOfIdentity[identity] = nil }
        endpoints.release(endpoint)
    }

    // MARK: Use

    /// The state of the configuration's upstream at `position`.
    func state(at position: Int32) -> State { states[stateOfPosition[Int(position)]] }

    /// One exchange more, until ``endExchange(_:)``.
    func beginExchange(on state: State) { state.pointee.activeRequests += 1 }

    /// One exchange less; the last one of an upstream that was removed takes it along.
    mutating func endExchange(_ handle: Handle<Party.Targets>) {
        let state = states[handle]
        state.pointee.activeRequests -= 1
        if !state.pointee.isConfigured { removeIfUnused(state) }
    }

    @inline(__always)
    subscript(_ handle: Handle<Party.Targets>) -> State { states[handle] }

    func resolve(_ handle: Handle<Party.Targets>) -> State? { states.resolve(handle) }

    func name(of handle: Handle<Party.Targets>) -> String { nameOfState[Int(handle.index)] }

    /// By which clients of an upstream find their endpoint again; nil for none.
    func affinity(of handle: Handle<Party.Targets>) -> CookieAffinity? { cookieOfState[Int(handle.index)] }

    /// Calls `body` with every upstream that has a name.
    func forEach(_ body: (_ name: String, UpstreamState) -> Void) {
        for (name, handle) in stateOfName { body(name, states[handle].pointee) }
    }

    // MARK: Bookkeeping

    private mutating func state(named name: String) -> State {
        if let known = stateOfName[name] { return states[known] }
        let state = states.take()
        stateOfName[name] = state.handle
        while nameOfState.count <= Int(state.handle.index) {
            nameOfState.append("")
            cookieOfState.append(nil)
            lines.append(WaitingLine())
        }
        nameOfState[Int(state.handle.index)] = name
        return state
    }

    private mutating func removeIfUnused(_ state: State) {
        guard state.pointee.activeRequests == 0, !state.pointee.isConfigured else { return }
        let index = Int(state.handle.index)
        stateOfName[nameOfState[index]] = nil
        nameOfState[index] = ""
        cookieOfState[index] = nil
        states.release(state)
    }

    /// Counts the new endpoints in at once and leaves the old ones to ``release(_:)``: one that moves from one upstream
    /// to another keeps its connections.
    ///
    /// - Returns: false when nothing has changed.
    private mutating func set(
        _ addresses: [SocketAddress], _ tls: Int32, of state: State, dropping dropped: inout [EndpointHandle],
        now: UInt64
    ) -> Bool {
        let count = Int(state.pointee.endpointCount)
        // Where all are new there is nobody who could take their share.
        let warmsSince = count > 0 && state.pointee.slowStart > 0 ? max(1, now) : 0
        if let current = state.pointee.endpoints {
            // Mostly nothing has changed: compare in place before allocating.
            if count == addresses.count,
                (0..<count).allSatisfy({
                    endpoints[current[$0]].pointee.address == addresses[$0]
                        && endpoints[current[$0]].pointee.tls == tls
                })
            {
                return false
            }
            dropped += UnsafeBufferPointer(start: current, count: count)
            current.deallocate()
            state.pointee.seeds?.deallocate()
        }
        state.pointee.endpoints = nil
        state.pointee.seeds = nil
        state.pointee.endpointCount = Int32(addresses.count)
        guard !addresses.isEmpty else { return true }
        let list = UnsafeMutablePointer<EndpointHandle>.allocate(capacity: addresses.count)
        let seeds = UnsafeMutablePointer<UInt64>.allocate(capacity: addresses.count)
        for (position, address) in addresses.enumerated() {
            (list + position).initialize(to: retain(address, tls, warmsSince: warmsSince))
            (seeds + position).initialize(to: RendezvousHash.seed(address))
        }
        state.pointee.endpoints = list
        state.pointee.seeds = seeds
        if warmsSince > 0 { settledFrom = max(settledFrom, warmsSince + state.pointee.slowStart) }
        // Loops start at different places, so that few requests still spread over all endpoints.
        state.pointee.next = Int32(nextRandom() % UInt64(addresses.count))
        return true
    }

    private mutating func set(_ affinity: CookieAffinity?, of state: State) {
        cookieOfState[Int(state.handle.index)] = affinity
        state.pointee.changesOnFailure = affinity?.changesOnFailure ?? false
        state.pointee.isCanary = affinity?.isCanary ?? false
        switch affinity?.mode {
        case nil: state.pointee.affinity = .none
        case .balanced: state.pointee.affinity = .balanced
        case .persistent: state.pointee.affinity = .persistent
        }
    }

    /// Names the endpoints for cookies, where those name any.
    private func setTags(_ addresses: [SocketAddress], of state: State) {
        state.pointee.tags?.deallocate()
        state.pointee.tags = nil
        guard case .persistent(let seed)? = cookieOfState[Int(state.handle.index)]?.mode, !addresses.isEmpty else {
            return
        }
        let tags = UnsafeMutablePointer<UInt64>.allocate(capacity: addresses.count)
        for (position, address) in addresses.enumerated() {
            let tag = EndpointTag.make(address, seed: seed)
            (tags + position).initialize(to: SessionCookie.marked(tag, isCanary: state.pointee.isCanary))
        }
        state.pointee.tags = tags
    }

    /// 31 bits by lot.
    mutating func nextRandom() -> UInt64 {
        random = random &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        return random >> 33
    }

    private mutating func retain(_ address: SocketAddress, _ tls: Int32, warmsSince: UInt64) -> EndpointHandle {
        let identity = Identity(address: address, tls: tls)
        if let known = endpointOfIdentity[identity] {
            // One that nobody had is as new as another.
            if endpoints[known].pointee.references == 0 { endpoints[known].pointee.warmsSince = warmsSince }
            endpoints[known].pointee.references += 1
            return known
        }
        let endpoint = endpoints.take()
        endpoint.pointee.address = address
        endpoint.pointee.tls = tls
        endpoint.pointee.references = 1
        endpoint.pointee.warmsSince = warmsSince
        endpointOfIdentity[identity] = endpoint.handle
        return endpoint.handle
    }

    private mutating func release(_ dropped: [EndpointHandle]) {
        for handle in dropped {
            let endpoint = endpoints[handle]
            endpoint.pointee.references -= 1
            if endpoint.pointee.references == 0 { orphans.append(handle) }
        }
    }
}
