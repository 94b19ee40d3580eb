internal import NetworkTypes
internal import Transport

// Taking a new configuration over without disturbing what is under way.
extension ProxyCore {
    /// Replaces the configuration. Requests that have been routed already finish as they began; endpoints and
    /// upstreams that stay keep their connections, position and counters.
    mutating func install(_ new: CompiledConfiguration, loops: Int, counters: Int) {
        updateTime()
        configuration = new
        limits = CoreLimits(new.limits, loops: loops)
        if routeTraffic.count < counters {
            routeTraffic.append(contentsOf: repeatElement(TrafficCount(), count: counters - routeTraffic.count))
        }
        for index in stateIndices.values { states[index].pointee.isConfigured = false }
        for index in endpointIndices.values { endpoints[index].pointee.isConfigured = false }
        stateOfUpstream.removeAll(keepingCapacity: true)
        for upstream in new.upstreams {
            let state = stateIndex(for: upstream.name)
            setEndpoints(upstream.endpoints, of: state)
            stateOfUpstream.append(state)
        }
        for (address, index) in endpointIndices where !endpoints[index].pointee.isConfigured {
            endpointIndices[address] = nil
            closeIdle(index)
            if !endpoints[index].pointee.isFree, endpoints[index].pointee.openCount == 0 { freeEndpoint(index) }
        }
        for (name, index) in stateIndices where !states[index].pointee.isConfigured {
            if states[index].pointee.activeRequests > 0 {
                // Its requests finish where they are, but find no other endpoint any more.
                states[index].pointee.endpoints?.deallocate()
                states[index].pointee.endpoints = nil
                states[index].pointee.endpointCount = 0
                continue
            }
            stateIndices[name] = nil
            freeState(index)
        }
    }

    private mutating func stateIndex(for name: String) -> Int32 {
        if let known = stateIndices[name] {
            states[known].pointee.isConfigured = true
            return known
        }
        let index = states.take()
        states[index].pointee = UpstreamState(index: index)
        states[index].pointee.isConfigured = true
        states[index].pointee.isFree = false
        stateIndices[name] = index
        return index
    }

    private mutating func setEndpoints(_ addresses: [SocketAddress], of index: Int32) {
        let state = states[index]
        // Mostly nothing has changed: compare in place before allocating.
        if Int(state.pointee.endpointCount) == addresses.count, let current = state.pointee.endpoints {
            var position = 0
            while position < addresses.count, endpoints[current[position]].pointee.address == addresses[position] {
                endpoints[current[position]].pointee.isConfigured = true
                // An endpoint that no configuration named for a while but a request kept alive.
                endpointIndices[addresses[position]] = current[position]
                position += 1
            }
            if position == addresses.count { return }
        }
        state.pointee.endpoints?.deallocate()
        state.pointee.endpoints = nil
        state.pointee.endpointCount = Int32(addresses.count)
        guard !addresses.isEmpty else { return }
        let list = UnsafeMutablePointer<Int32>.allocate(capacity: addresses.count)
        for (position, address) in addresses.enumerated() {
            (list + position).initialize(to: endpointIndex(for: address))
        }
        state.pointee.endpoints = list
        // Loops start at different places, so that few requests still spread over all endpoints.
        state.pointee.next = Int32(nextRandom() % UInt64(addresses.count))
    }

    private mutating func endpointIndex(for address: SocketAddress) -> Int32 {
        if let known = endpointIndices[address] {
            endpoints[known].pointee.isConfigured = true
            return known
        }
        let index = endpoints.take()
        endpoints[index].pointee = Endpoint(index: index)
        endpoints[index].pointee.address = address
        endpoints[index].pointee.isConfigured = true
        endpoints[index].pointee.isFree = false
        endpointIndices[address] = index
        return index
    }

    /// Frees an endpoint without connections that no configuration names.
    mutating func freeEndpoint(_ index: Int32) {
        guard !endpoints[index].pointee.isFree else { return }
        endpoints[index].pointee.isFree = true
        endpoints.release(index)
    }

    private mutating func freeState(_ index: Int32) {
        guard !states[index].pointee.isFree else { return }
        states[index].pointee.isFree = true
        states[index].pointee.endpoints?.deallocate()
        states[index].pointee.endpoints = nil
        states.release(index)
    }

    /// The last request of a removed upstream has ended.
    mutating func freeStateIfUnused(_ index: Int32) {
        guard states[index].pointee.activeRequests == 0, !states[index].pointee.isConfigured else { return }
        if let name = stateIndices.first(where: { $0.value == index })?.key { stateIndices[name] = nil }
        freeState(index)
    }

    // MARK: Listeners

    /// Starts accepting on a bound socket, which the core owns from now on.
    mutating func addListener(_ listener: ProxyConfiguration.Listener, descriptor: Int32, port: Port) {
        let number = (listener.publicPort ?? port).rawValue
        let state = ListenerState(
            listener: listener, descriptor: descriptor, registration: nil,
            port: StaticBytes(Array("\(number)".utf8)))
        // Entries are never taken out: connections refer to them by position.
        let slot = listeners.firstIndex { $0.descriptor < 0 && $0.listener == listener && $0.port == state.port }
        if let slot {
            state.port.deallocate()
            listeners[slot].descriptor = descriptor
            resumeListener(slot)
        } else {
            listeners.append(state)
            resumeListener(listeners.count - 1)
        }
    }

    /// Takes what has already connected, then stops accepting.
    mutating func removeListener(_ listener: ProxyConfiguration.Listener) {
        for index in listeners.indices where listeners[index].listener == listener && listeners[index].descriptor >= 0 {
            stopListening(index)
        }
    }

    private mutating func stopListening(_ index: Int) {
        if !isDraining { acceptConnections(index) }
        if let registration = listeners[index].registration {
            loop.close(registration)
        } else {
            Socket.close(listeners[index].descriptor)
        }
        listeners[index].registration = nil
        listeners[index].descriptor = -1
    }

    // MARK: Shutdown

    /// Stops accepting, closes what is idle, and lets requests finish with `Connection: close`.
    mutating func drain() {
        updateTime()
        for index in listeners.indices where listeners[index].descriptor >= 0 { stopListening(index) }
        isDraining = true
        for index in 0..<clients.indexBound {
            let c = clients[index]
            if c.pointee.phase == .readingHead, c.pointee.input.isEmpty, c.pointee.requestsServed > 0 { close(c) }
        }
        for index in 0..<endpoints.indexBound where !endpoints[index].pointee.isFree { closeIdle(index) }
    }

    /// Ends everything that is still open.
    mutating func abort() {
        drain()
        for index in 0..<clients.indexBound where clients[index].pointee.phase != .free { abandon(clients[index]) }
        for index in 0..<upstreams.indexBound where upstreams[index].pointee.phase != .free { close(upstreams[index]) }
    }

    // MARK: Counters

    /// Adds this loop's counters to `sum`; `names` are the registry's route names by counter.
    func addCounters(to sum: inout ProxyCounters, routeNames: [String]) {
        for (index, traffic) in routeTraffic.enumerated() where index < routeNames.count {
            if traffic.requests == 0 || routeNames[index].isEmpty { continue }
            sum.routes[routeNames[index], default: ProxyCounters.Traffic()].add(traffic)
        }
        for (name, index) in stateIndices {
            let state = states[index].pointee
            var upstream = sum.upstreams[name] ?? ProxyCounters.Upstream()
            upstream.traffic.add(state.traffic)
            upstream.connectFailures += state.connectFailures
            upstream.retries += state.retries
            upstream.timeouts += state.timeouts
            sum.upstreams[name] = upstream
        }
        for (status, count) in statuses.enumerated() where count > 0 { sum.statuses[status, default: 0] += count }
        sum.connectionsAccepted += accepted
        sum.connectionsRefused += refused
        sum.connectionsOpen += clients.count
        sum.tunnelsOpen += tunnels
        sum.upstreamConnectionsIdle += idleUpstreams
        sum.upstreamConnectionsOpen += upstreams.count
        sum.upstreamConnectionsCreated += upstreamsCreated
        sum.bufferedBytes += buffers.bytesInUse
    }
}

extension ProxyCounters.Traffic {
    fileprivate mutating func add(_ count: TrafficCount) {
        requests += count.requests
        for index in 0..<5 { responsesByClass[index] += count.classes[index] }
        bytesUp += count.bytesUp
        bytesDown += count.bytesDown
    }
}

extension StaticBytes: Equatable {
    static func == (left: Self, right: Self) -> Bool {
        left.count == right.count && (0..<left.count).allSatisfy { left.base[$0] == right.base[$0] }
    }
}
