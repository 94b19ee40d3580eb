package import NetworkTypes
internal import Synchronization

/// HTTP/1.1 and, where TLS negotiates it, HTTP/2 on any number of addresses. TCP addresses have a listener for each
/// loop; a unix socket has one that the loops share. A connection stays on the loop that accepted it.
package final class HTTPServer: Sendable {
    private struct State {
        var groups: [Int: ListenerGroup] = [:]
        var lastGroup = 0
        var isShutDown = false
    }

    private let workers: [HTTPServerWorker]
    private let state = Mutex(State())
    private let follower = AddressFollower()
    private let onRefusal: @Sendable (SocketAddress, TransportError) -> Void

    /// `loops` must not be empty and may serve other purposes too.
    package init(loops: [EventLoop], configuration: HTTPServerConfiguration, handler: any HTTPServerHandler) {
        precondition(!loops.isEmpty, "a server needs an event loop")
        let admission = SharedAdmission(configuration.connections)
        onRefusal = configuration.onRefusedAddress
        workers = loops.map {
            HTTPServerWorker(
                loop: $0, of: loops.count, configuration: configuration, handler: handler, admission: admission)
        }
    }

    /// Open connections on all loops.
    package var connectionCount: Int {
        workers.reduce(0) { $0 + $1.connectionCount.load(ordering: .relaxed) }
    }

    /// Connections that have TLS state and are not through their handshake.
    package var handshakeCount: Int {
        workers.reduce(0) { $0 + $1.handshakeCount.load(ordering: .relaxed) }
    }

    /// Starts to accept connections; returns the address with the port that the kernel chose. Callable several
    /// times, from any thread. Throws `.addressInUse` also for a port that another process could share.
    ///
    /// An unspecified address stands for each address of this machine (`AddressFollower`), all of which must be free; those
    /// that the machine gets later are opened when they are.
    @discardableResult
    package func listen(_ address: BindAddress) throws(TransportError) -> BindAddress {
        guard !state.withLock({ $0.isShutDown }) else { throw TransportError(.shutDown, "the server was shut down") }
        guard case .tcp(let socket) = address, socket.ip.isUnspecified else {
            return try state.withLock { state throws(TransportError) in
                let number = try open(address, &state)
                return state.groups[number]?.address ?? address
            }
        }
        return .tcp(
            try follower.listen(socket, for: self, on: workers[0].loop) { address throws(TransportError) in
                try Socket.listen(address)
            })
    }

    /// Opens a group on every loop and returns its number.
    private func open(_ address: BindAddress, _ state: inout State) throws(TransportError) -> Int {
        let group = try ListenerGroup.open(address, loops: workers.count)
        state.lastGroup += 1
        let number = state.lastGroup
        state.groups[number] = group
        for (index, worker) in workers.enumerated() {
            let descriptor = group.descriptor(forLoop: index)
            worker.loop.execute { worker.accept(from: descriptor, of: group, number) }
        }
        return number
    }

    /// Stops accepting, ends streams and idle connections, lets running requests finish for up to `drain`, then
    /// closes every connection. Returns when none is left. Not callable on a loop.
    package func shutdown(drain: Duration = .seconds(5)) async {
        state.withLock { $0.isShutDown = true }
        follower.stop()
        await withTaskGroup(of: Void.self) { group in
            for worker in workers {
                group.addTask {
                    await withCheckedContinuation { continuation in
                        worker.loop.execute { worker.drain(limit: drain) { continuation.resume() } }
                    }
                }
            }
        }
        let groups = state.withLock { state in
            defer { state.groups = [:] }
            return state.groups
        }
        for group in groups.values { group.close() }
    }
}

extension HTTPServer: AddressFollower.Listener {
    package func open(_ address: SocketAddress) throws(TransportError) -> Int {
        try state.withLock { state throws(TransportError) in
            guard !state.isShutDown else { throw TransportError(.shutDown, "the server was shut down") }
            return try open(.tcp(address), &state)
        }
    }

    package func close(_ number: Int) {
        state.withLock { state in
            for worker in workers { worker.loop.execute { worker.stopAccepting(number) } }
            state.groups.removeValue(forKey: number)?.close()
        }
    }

    package func refused(_ address: SocketAddress, _ error: TransportError) { onRefusal(address, error) }
}
