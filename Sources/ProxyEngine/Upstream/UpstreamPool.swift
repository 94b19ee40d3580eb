/// The connections to endpoints, and which of them are idle. Pure bookkeeping: sockets and timers are the caller's.
struct UpstreamPool: ~Copyable {
    typealias Connection = Slab<Party.Upstreams, UpstreamConnection>.Reference
    typealias EndpointReference = Slab<Party.Endpoints, Endpoint>.Reference

    var connections = Slab<Party.Upstreams, UpstreamConnection>(blank: UpstreamConnection())
    /// Connections without a request, those with HTTP/2 among them.
    private(set) var idleCount = 0
    /// The slot of the endpoint whose idle connection was last ended to make room.
    var nextReclaimed: Int32 = 0
    /// Connections made since the start.
    private(set) var created: UInt64 = 0
    /// How many of `connections` are streams of others.
    private(set) var streamCount = 0

    /// A connection to `endpoint` that is being made.
    mutating func open(to endpoint: EndpointReference) -> Connection {
        let connection = connections.take()
        connection.pointee.endpoint = endpoint.handle
        endpoint.pointee.openCount += 1
        created += 1
        return connection
    }

    /// A stream for one exchange on a connection with HTTP/2.
    mutating func openStream(on carrier: Connection, to endpoint: EndpointReference) -> Connection {
        let stream = connections.take()
        stream.pointee.phase = .active
        stream.pointee.carrier = carrier.handle
        stream.pointee.endpoint = endpoint.handle
        endpoint.pointee.openCount += 1
        streamCount += 1
        return stream
    }

    mutating func closeStream(_ stream: Connection, of endpoint: EndpointReference) {
        streamCount -= 1
        close(stream, of: endpoint)
    }

    /// Ends a connection, which must not be in an idle list.
    mutating func close(_ connection: Connection, of endpoint: EndpointReference) {
        endpoint.pointee.openCount -= 1
        connections.release(connection)
    }

    /// A connection with HTTP/2 carries no stream, or one again.
    mutating func setIdle(_ carrier: Connection, _ isIdle: Bool) {
        guard carrier.pointee.isIdleCarrier != isIdle else { return }
        carrier.pointee.isIdleCarrier = isIdle
        idleCount += isIdle ? 1 : -1
    }

    /// Puts a connection without a request in front of its endpoint's idle ones.
    mutating func addIdle(_ connection: Connection, to endpoint: EndpointReference) {
        connection.pointee.phase = .idle
        connection.pointee.exchange = .none
        connection.pointee.previousIdle = .none
        connection.pointee.nextIdle = endpoint.pointee.firstIdle
        if endpoint.pointee.firstIdle.isNone {
            endpoint.pointee.lastIdle = connection.handle
        } else {
            connections[endpoint.pointee.firstIdle].pointee.previousIdle = connection.handle
        }
        endpoint.pointee.firstIdle = connection.handle
        endpoint.pointee.idleCount += 1
        idleCount += 1
    }

    mutating func removeIdle(_ connection: Connection, from endpoint: EndpointReference) {
        let next = connection.pointee.nextIdle
        let previous = connection.pointee.previousIdle
        if previous.isNone {
            endpoint.pointee.firstIdle = next
        } else {
            connections[previous].pointee.nextIdle = next
        }
        if next.isNone {
            endpoint.pointee.lastIdle = previous
        } else {
            connections[next].pointee.previousIdle = previous
        }
        connection.pointee.nextIdle = .none
        connection.pointee.previousIdle = .none
        endpoint.pointee.idleCount -= 1
        idleCount -= 1
    }
}
