internal import NetworkTypes
internal import Transport

// What is counted and logged.
extension ProxyCore {
    /// Counts a finished exchange.
    mutating func account(_ x: ExchangeReference, _ c: Client) {
        accounts.count(
            x.pointee.routeCounter, status: x.pointee.status, up: x.pointee.upload, down: x.pointee.download)
        if accessLog != nil { log(x, c) }
        if !x.pointee.target.isNone {
            directory[x.pointee.target].pointee.traffic.count(
                status: x.pointee.status, up: x.pointee.upload, down: x.pointee.download)
            if directory.waiting > 0 { leaveLine(x) }
            directory.endExchange(x.pointee.target)
        }
        x.pointee.target = .none
        x.pointee.routeCounter = .none
    }

    /// Tells of a request that its upstream failed.
    func note(_ loss: UpstreamLoss, _ x: ExchangeReference) {
        guard !x.pointee.target.isNone else { return }
        losses.note(
            loss, upstream: directory.name(of: x.pointee.target),
            endpoint: directory.endpoints.resolve(x.pointee.endpoint)?.pointee.address, at: loop.now)
    }

    private func log(_ x: ExchangeReference, _ c: Client) {
        guard let accessLog else { return }
        let head =
            x.pointee.request.base.map { UnsafeRawBufferPointer(start: $0, count: x.pointee.request.end) }
            ?? UnsafeRawBufferPointer(start: nil, count: 0)
        let nanoseconds = loop.now.nanoseconds &- x.pointee.startedAt
        accessLog.record(
            AccessRecord(
                head: head, status: Int(x.pointee.status), bytesUp: Int(x.pointee.upload),
                bytesDown: Int(x.pointee.download), duration: .nanoseconds(Int64(clamping: nanoseconds)),
                client: c.pointee.address,
                endpoint: directory.endpoints.resolve(x.pointee.endpoint)?.pointee.address,
                upstream: x.pointee.target.isNone ? nil : directory.name(of: x.pointee.target),
                isHTTP2: !c.pointee.carrier.isNone,
                line: x.pointee.requestLine.base.map {
                    UnsafeRawBufferPointer(start: $0, count: x.pointee.requestLine.end)
                }))
    }

    /// Adds this loop's counters to `sum`; `routeNames` are the registry's.
    func addCounters(to sum: inout ProxyCounters, routeNames: [Handle<Party.Routes>: String]) {
        accounts.add(to: &sum, names: routeNames)
        directory.forEach { name, state in
            var upstream = sum.upstreams[name] ?? ProxyCounters.Upstream()
            upstream.traffic.add(state.traffic)
            upstream.connectFailures += state.connectFailures
            upstream.retries += state.retries
            upstream.retriesRefused += state.retriesRefused
            upstream.timeouts += state.timeouts
            upstream.requestsRefused += state.requestsRefused
            upstream.requestsWaiting += UInt64(max(0, state.waiting))
            upstream.ejections += state.ejections
            upstream.endpoints = UInt64(max(0, state.endpointCount))
            upstream.endpointsEjected = max(
                upstream.endpointsEjected, directory.ejectedCount(of: state, now: loop.now.nanoseconds))
            sum.upstreams[name] = upstream
        }
        sum.connectionsOpen += clients.count - streamCount
        sum.upstreamConnectionsIdle += pool.idleCount
        sum.upstreamConnectionsOpen += pool.connections.count - pool.streamCount
        sum.upstreamConnectionsCreated += pool.created
        sum.bufferedBytes += buffers.bytesInUse
    }
}
