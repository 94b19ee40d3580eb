internal import NetworkTypes
internal import Transport

// Taking a new configuration over without disturbing what is under way.
extension ProxyCore {
    /// Replaces the configuration. Requests that have been routed already finish as they began; endpoints and
    /// upstreams that stay keep their connections, position and counters.
    mutating func install(
        _ new: CompiledConfiguration, upstreams: [ProxyConfiguration.Upstream], tls: UpstreamTLSContexts,
        numbers: [Int32], freshCounters: [Handle<Party.Routes>], loops: Int
    ) {
        updateTime()
        configuration = new
        limits = CoreLimits(new.limits, loops: loops)
        unproven.limits = .init(total: limits.maxUnproven)
        handshakes.limits = .init(total: limits.maxHandshakes)
        accounts.begin(freshCounters)
        upstreamTLS = tls
        directory.install(upstreams, tls: numbers, loops: loops, now: loop.now.nanoseconds)
        closeOrphans()
        admitEverywhere()
    }

    /// Gives some upstreams other endpoints; costs only those.
    mutating func patch(_ upstreams: [ProxyConfiguration.Upstream], tls: UpstreamTLSContexts, numbers: [Int32]) {
        updateTime()
        upstreamTLS = tls
        directory.patch(upstreams, tls: numbers, now: loop.now.nanoseconds)
        closeOrphans()
        admitEverywhere()
    }

    /// An endpoint that no upstream has loses its idle connections; what is under way on it finishes.
    private mutating func closeOrphans() {
        for endpoint in directory.takeOrphans() {
            closeIdle(of: endpoint)
            directory.reclaim(endpoint)
        }
    }

    // MARK: Listeners

    /// Makes a place for what connections of a listener share.
    ///
    /// - Returns: its position, by which connections refer to it.
    mutating func addListener(_ listener: ProxyConfiguration.Listener, port: Port) -> Int {
        let number = (listener.publicPort ?? port).rawValue
        let state = ListenerState(listener: listener, port: StaticBytes(Array("\(number)".utf8)))
        // Entries are never taken out, but one of the same kind is used again.
        let slot = listeners.firstIndex { !$0.isOpen && $0.listener == listener && $0.port == state.port }
        guard let slot else {
            listeners.append(state)
            return listeners.count - 1
        }
        state.port.deallocate()
        listeners[slot].isOpen = true
        return slot
    }

    /// A listener accepts no more; its place stays for the connections that it has.
    mutating func closeListener(at index: Int) { listeners[index].isOpen = false }

    // MARK: Shutdown

    /// Closes what is idle, and lets requests finish with `Connection: close`. No listener accepts any more.
    mutating func drain() {
        updateTime()
        isDraining = true
        for index in 0..<clients.indexBound {
            guard let c = clients.tenant(at: index) else { continue }
            if c.pointee.phase == .multiplexed { drainFrames(c) }
            guard c.pointee.phase == .readingHead, c.pointee.input.isEmpty else { continue }
            // The first request of a connection may be on its way; nobody waits long for it.
            if c.pointee.requestsServed > 0 { close(c) } else { setTimer(client: c, CoreLimits.ticks(.seconds(1))) }
        }
        for index in 0..<directory.endpoints.indexBound {
            if let endpoint = directory.endpoints.tenant(at: index) { closeIdle(of: endpoint.handle) }
        }
    }

    /// Ends everything that is still open.
    mutating func abort() {
        drain()
        for index in 0..<clients.indexBound {
            if let c = clients.tenant(at: index) { abandon(c) }
        }
        for index in 0..<pool.connections.indexBound {
            if let u = pool.connections.tenant(at: index) { close(u) }
        }
    }
}
