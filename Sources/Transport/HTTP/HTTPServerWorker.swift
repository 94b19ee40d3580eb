internal import Glibc
internal import Synchronization

/// One loop's share of an ``HTTPServer``: its listeners and connections.
///
/// `@unchecked Sendable`: apart from `connectionCount` everything is used on `loop` only.
final class HTTPServerWorker: EventHandler, @unchecked Sendable {
    struct Listener {
        var descriptor: Int32
        var isUnixSocket: Bool
        var isShared: Bool
        var registration: LoopRegistration?
    }

    let loop: EventLoop
    let configuration: HTTPServerConfiguration
    let handler: any HTTPServerHandler
    private let maximumConnections: Int
    private var listeners: [Listener] = []
    private var connections: [ServerConnection] = []
    private var isAcceptingPaused = false
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

    init(loop: EventLoop, configuration: HTTPServerConfiguration, handler: any HTTPServerHandler, share: Int) {
        self.loop = loop
        self.configuration = configuration
        self.handler = handler
        maximumConnections = max(1, configuration.maxConnections / max(1, share))
    }

    // MARK: Accepting

    func add(_ listener: Listener) {
        guard !isDraining else {
            if !listener.isShared { Socket.close(listener.descriptor) }
            return
        }
        listeners.append(listener)
        startAccepting()
    }

    private func startAccepting() {
        for index in listeners.indices where listeners[index].registration == nil {
            do {
                listeners[index].registration = try loop.registerListener(
                    listeners[index].descriptor, handler: self, token: UInt64(index),
                    shared: listeners[index].isShared)
            } catch {
                pauseAccepting()
                return
            }
        }
    }

    func handle(_ events: ReadyEvents, token: UInt64) {
        guard Int(token) < listeners.count else { return }
        let listener = listeners[Int(token)]
        for _ in 0..<64 {
            guard connections.count < maximumConnections else { return pauseAccepting() }
            switch Socket.accept(listener.descriptor) {
            case .connection(let descriptor, let address):
                var peer = PeerIdentity(isUnixSocket: listener.isUnixSocket)
                if !listener.isUnixSocket { peer.address = address }
                open(descriptor, peer)
            case .aborted: continue
            case .wouldBlock: return
            case .exhausted, .failed: return pauseAccepting()
            }
        }
    }

    /// Without descriptors or room, waiting connections stay in the kernel's queue: the listeners leave the loop (they
    /// would be ready all the time) and come back after a while.
    private func pauseAccepting() {
        guard !isAcceptingPaused else { return }
        isAcceptingPaused = true
        for index in listeners.indices {
            if let registration = listeners[index].registration { loop.deregister(registration) }
            listeners[index].registration = nil
        }
        loop.schedule(after: .milliseconds(100)) { [weak self] in
            guard let self, !self.isDraining else { return }
            self.isAcceptingPaused = false
            self.startAccepting()
        }
    }

    private func open(_ descriptor: Int32, _ peer: PeerIdentity) {
        var peer = peer
        var session: TLSSession?
        if !peer.isUnixSocket, let tls = configuration.tls {
            do {
                session = try tls.session(descriptor: descriptor)
            } catch {
                // Out of memory for this one connection.
                Socket.close(descriptor)
                return
            }
            peer.isTLS = true
        }
        let connection = ServerConnection(worker: self, descriptor: descriptor, peer: peer, tls: session)
        connection.index = connections.count
        connections.append(connection)
        connectionCount.store(connections.count, ordering: .relaxed)
        connection.start()
        scheduleSweep()
    }

    func remove(_ connection: ServerConnection) {
        let index = connection.index
        guard index < connections.count, connections[index] === connection else { return }
        let last = connections.removeLast()
        if last !== connection {
            connections[index] = last
            last.index = index
        }
        connectionCount.store(connections.count, ordering: .relaxed)
        if isDraining { reportIfDrained() }
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
        for index in listeners.indices {
            guard let registration = listeners[index].registration else {
                if !listeners[index].isShared { Socket.close(listeners[index].descriptor) }
                continue
            }
            // A shared descriptor is closed by the server when all loops have let go of it.
            if listeners[index].isShared { loop.deregister(registration) } else { loop.close(registration) }
        }
        listeners = []
        for connection in connections { connection.beginDrain() }
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
