internal import NetworkTypes
internal import Synchronization

/// HTTP/1.1 and, where TLS negotiates it, HTTP/2 on any number of addresses. TCP addresses have a listener for each
/// loop; a unix socket has one that the loops share. A connection stays on the loop that accepted it.
package final class HTTPServer: Sendable {
    private struct State {
        var groups: [ListenerGroup] = []
        var isShutDown = false
    }

    private let workers: [HTTPServerWorker]
    private let state = Mutex(State())

    /// `loops` must not be empty and may serve other purposes too.
    package init(loops: [EventLoop], configuration: HTTPServerConfiguration, handler: any HTTPServerHandler) {
        precondition(!loops.isEmpty, "a server needs an event loop")
        let admission = SharedAdmission(configuration.connections)
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
    @discardableResult
    package func listen(_ address: BindAddress) throws(TransportError) -> BindAddress {
        guard !state.withLock({ $0.isShutDown }) else { throw TransportError(.shutDown, "the server was shut down") }
        let group = try ListenerGroup.open(address, loops: workers.count)
        state.withLock { $0.groups.append(group) }
        for (index, worker) in workers.enumerated() {
            let descriptor = group.descriptor(forLoop: index)
            worker.loop.execute { worker.accept(from: descriptor, of: group) }
        }
        return group.address
    }

    /// Stops accepting, ends streams and idle connections, lets running requests finish for up to `drain`, then
    /// closes every connection. Returns when none is left. Not callable on a loop.
    package func shutdown(drain: Duration = .seconds(5)) async {
        state.withLock { $0.isShutDown = true }
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
            defer { state.groups = [] }
            return state.groups
        }
        for group in groups { group.close() }
    }
}
