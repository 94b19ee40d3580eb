internal import Glibc
internal import NetworkTypes
internal import Synchronization

/// One loop's share of an ``HTTPServer``: its listeners and connections.
///
/// `@unchecked Sendable`: apart from the atomic counts everything is used on `loop` only.
final class HTTPServerWorker: @unchecked Sendable {
    let loop: EventLoop
    let configuration: HTTPServerConfiguration
    let handler: any HTTPServerHandler
    private let admission: SharedAdmission
    /// With the number of the group that each belongs to.
    private var acceptors: [(group: Int, acceptor: Acceptor)] = []
    private var connections: [ServerConnection] = []
    /// Connections over the network without a request.
    private var unproven: UnprovenConnections<ServerConnection>
    /// Those of them that have TLS state and are not through their handshake.
    private var handshakes: UnprovenConnections<ServerConnection>
    private let crowding: CrowdingWatch
    private var isSweepScheduled = false
    private var isDraining = false
    private var onDrained: [@Sendable () -> Void] = []
    private var dateSecond = 0
    private var cachedDate = ""
    private var cachedDateField: [UInt8] = []
    private var spareBuffer: [UInt8] = []
    /// The head that an HTTP/2 connection is sending.
    var head = HTTP2HeaderBlock()
    /// Connections with something to send at the end of the round.
    private var due: [ServerConnection] = []
    let connectionCount = Atomic<Int>(0)
    /// Connections with TLS state whose handshake is not complete.
    let handshakeCount = Atomic<Int>(0)

    /// - Parameter loops: how many share the server's places.
    init(
        loop: EventLoop, of loops: Int, configuration: HTTPServerConfiguration, handler: any HTTPServerHandler,
        admission: SharedAdmission
    ) {
        self.loop = loop
        self.configuration = configuration
        self.handler = handler
        self.admission = admission
        crowding = configuration.crowding
        // The other half is left to those who have proved themselves.
        unproven = UnprovenConnections(.init(total: configuration.connections.network / 2 / loops))
        handshakes = UnprovenConnections(.init(total: configuration.maxHandshakes))
    }

    // MARK: Accepting

    /// Begins to accept from one socket of a group.
    func accept(from descriptor: Int32, of group: ListenerGroup, _ number: Int) {
        let isLocal = group.isUnixSocket
        let acceptor = Acceptor(
            loop: loop, descriptor: descriptor, isShared: group.isShared,
            hasRoom: { [self] in hasRoom(isLocal: isLocal) },
            take: { [self] in open($0, $1, isLocal: isLocal) })
        guard !isDraining else { return acceptor.stop() }
        acceptors.append((number, acceptor))
        acceptor.start()
    }

    /// Stops to accept from a group; its connections go on.
    func stopAccepting(_ number: Int) {
        for entry in acceptors where entry.group == number { entry.acceptor.stop() }
        acceptors.removeAll { $0.group == number }
    }

    private func open(_ descriptor: Int32, _ address: SocketAddress?, isLocal: Bool) {
        var peer = PeerIdentity(isUnixSocket: isLocal)
        if !isLocal {
            // Every TCP connection has a peer; without one it could not be counted.
            guard let address else { return Socket.close(descriptor) }
            peer.address = address
            peer.isTLS = configuration.tls != nil
        }
        let connection = ServerConnection(worker: self, descriptor: descriptor, peer: peer)
        guard admit(connection) else {
            Socket.resetOnClose(descriptor)
            return Socket.close(descriptor)
        }
        connection.index = connections.count
        connections.append(connection)
        connectionCount.store(connections.count, ordering: .relaxed)
        connection.start()
        if isDraining { connection.beginDrain() }
        scheduleSweep()
    }

    private func hasRoom(isLocal: Bool) -> Bool {
        if admission.hasRoom(isLocal: isLocal) || !isLocal && unproven.count > 0 { return true }
        if !isLocal { note(.full) }
        return false
    }

    /// Counts a new connection, where it has to be in the place of one without a request.
    private func admit(_ connection: ServerConnection) -> Bool {
        let ip = connection.peer.address?.ip
        let answer = admission.admit(ip)
        guard let ip else { return answer == .admitted }
        let room: UnprovenConnections<ServerConnection>.Room =
            switch answer {
            case .admitted: .free
            case .peerHasItsShare: .noneForPeer
            case .full: .none
            }
        switch unproven.arrived(connection, from: PeerKey(ip), room: room) {
        case .take: return true
        case .takeAfterClosing(let other, let reason):
            other.makeRoom { $0.hasRequest }
            if other.isClosed { note(reason) }
            if room == .free || admission.admit(ip) == .admitted { return true }
            // The other one's request had come, or another loop was faster.
            unproven.left(connection)
            note(room == .none ? .full : .peerShare)
            return false
        case .refuse(let reason):
            note(reason)
            return false
        }
    }

    private func note(_ reason: CrowdingReason) { crowding.note(reason, largest: unproven.largest, on: loop) }

    /// A connection's first request is complete: from now on it keeps its place.
    func proved(_ connection: ServerConnection) { unproven.proved(connection) }

    func remove(_ connection: ServerConnection) {
        unproven.left(connection)
        let index = connection.index
        guard index < connections.count, connections[index] === connection else { return }
        let last = connections.removeLast()
        if last !== connection {
            connections[index] = last
            last.index = index
        }
        admission.leave(connection.peer.address?.ip)
        connectionCount.store(connections.count, ordering: .relaxed)
        if isDraining { reportIfDrained() }
    }

    // MARK: Handshakes

    /// A connection begins its handshake, which takes memory before anything is known of the client. Nobody waits for a
    /// turn: where there are too many, one that its client has left unanswered ends.
    func handshakeBegins(_ connection: ServerConnection) {
        guard let ip = connection.peer.address?.ip else { return }
        if case .takeAfterClosing(let other, let reason) = handshakes.arrived(connection, from: PeerKey(ip)) {
            other.makeRoom { !$0.isHandshaking }
            if other.isClosed { note(reason) }
        }
        handshakeCount.store(handshakes.count, ordering: .relaxed)
    }

    /// A handshake is complete, or its connection closed.
    func handshakeEnded(_ connection: ServerConnection) {
        handshakes.left(connection)
        handshakeCount.store(handshakes.count, ordering: .relaxed)
    }

    // MARK: Time

    private func scheduleSweep() {
        guard !isSweepScheduled else { return }
        isSweepScheduled = true
        loop.schedule(after: .seconds(1)) { [weak self] in self?.sweep() }
    }

    private func sweep() {
        isSweepScheduled = false
        let now = loop.now
        // Backwards: closing one moves the last into its place.
        for index in connections.indices.reversed() where index < connections.count {
            connections[index].checkTimeouts(at: now)
        }
        if !connections.isEmpty { scheduleSweep() }
    }

    /// The value of the Date field (RFC 9110, 6.6.1); made once a second.
    var dateText: String {
        let second = time(nil)
        if second != dateSecond {
            dateSecond = second
            cachedDate = HTTPDate.text(unixTime: second)
            cachedDateField = Array("Date: \(cachedDate)\r\n".utf8)
        }
        return cachedDate
    }

    /// Appends the Date field for HTTP/1.
    func appendDate(to output: inout [UInt8]) {
        _ = dateText
        output.append(contentsOf: cachedDateField)
    }

    // MARK: Buffers

    /// A larger buffer than this is freed when a connection has done with it.
    private static let spareBufferLimit = 256 << 10

    /// Gives a connection an empty buffer with room in it, if there is one: what is sent at once, as nearly everything
    /// is, needs no memory of its own.
    func lendBuffer(to output: inout [UInt8]) {
        if output.capacity == 0 { swap(&output, &spareBuffer) }
    }

    /// Takes an empty buffer back.
    func takeBuffer(from output: inout [UInt8]) {
        if output.capacity > spareBuffer.capacity, output.capacity <= Self.spareBufferLimit {
            swap(&output, &spareBuffer)
        }
        output = []
    }

    /// Has a connection send what its engine has when the round ends: the answers of all its streams together.
    func flushAtEndOfRound(_ connection: ServerConnection) {
        if due.isEmpty { loop.executeAtEndOfRound { [self] in flushDue() } }
        due.append(connection)
    }

    private func flushDue() {
        let connections = due
        due.removeAll(keepingCapacity: true)
        for connection in connections { connection.flushDue() }
    }

    // MARK: The end

    /// Stops accepting, drains the connections, and calls `done` on the loop when none is left or `limit` has passed.
    func drain(limit: Duration, _ done: @escaping @Sendable () -> Void) {
        isDraining = true
        onDrained.append(done)
        for entry in acceptors { entry.acceptor.stop() }
        acceptors = []
        for connection in connections where !connection.isClosed { connection.beginDrain() }
        reportIfDrained()
        loop.schedule(after: limit) {
            for connection in self.connections { connection.close() }
            self.reportIfDrained()
        }
    }

    private func reportIfDrained() {
        guard connections.isEmpty else { return }
        let callbacks = onDrained
        onDrained = []
        for callback in callbacks { callback() }
    }
}
