internal import Glibc
internal import NetworkTypes
internal import Synchronization

/// HTTP/1.1 and, where TLS negotiates it, HTTP/2 on any number of addresses. TCP addresses have a listener for each
/// loop; a unix socket has one that the loops share. A connection stays on the loop that accepted it.
package final class HTTPServer: Sendable {
    private struct State {
        var sharedListeners: [Int32] = []
        var unixPaths: [String] = []
        var isShutDown = false
    }

    private let workers: [HTTPServerWorker]
    private let state = Mutex(State())

    /// `loops` must not be empty and may serve other purposes too.
    package init(loops: [EventLoop], configuration: HTTPServerConfiguration, handler: any HTTPServerHandler) {
        precondition(!loops.isEmpty, "a server needs an event loop")
        workers = loops.map {
            HTTPServerWorker(loop: $0, configuration: configuration, handler: handler, share: loops.count)
        }
    }

    /// Open connections on all loops.
    package var connectionCount: Int {
        workers.reduce(0) { $0 + $1.connectionCount.load(ordering: .relaxed) }
    }

    /// Starts to accept connections; returns the address with the port that the kernel chose. Callable several
    /// times, from any thread. Throws `.addressInUse` also for a port that another process could share.
    @discardableResult
    package func listen(_ address: BindAddress) throws(TransportError) -> BindAddress {
        guard !state.withLock({ $0.isShutDown }) else { throw TransportError(.shutDown, "the server was shut down") }
        switch address {
        case .tcp(let address): return .tcp(try listenTCP(address))
        case .unix(let path, let mode):
            let descriptor = try Socket.listen(unixPath: path, mode: mode)
            state.withLock { state in
                state.sharedListeners.append(descriptor)
                state.unixPaths.append(path)
            }
            add([descriptor], isUnixSocket: true)
            return address
        }
    }

    private func listenTCP(_ address: SocketAddress) throws(TransportError) -> SocketAddress {
        var bound = address
        guard workers.count > 1 else {
            let descriptor = try Socket.listen(address)
            bound = Socket.localAddress(descriptor) ?? address
            add([descriptor], isUnixSocket: false)
            return bound
        }
        // With SO_REUSEPORT a second server of the same user would silently share the port: look without it first.
        if address.port != 0 { Socket.close(try Socket.listen(address)) }
        var descriptors: [Int32] = []
        do throws(TransportError) {
            for _ in workers {
                let descriptor = try Socket.listen(bound, reusePort: true)
                descriptors.append(descriptor)
                bound = Socket.localAddress(descriptor) ?? bound
            }
        } catch {
            for descriptor in descriptors { Socket.close(descriptor) }
            throw error
        }
        add(descriptors, isUnixSocket: false)
        return bound
    }

    /// One descriptor for each worker, or one for all.
    private func add(_ descriptors: [Int32], isUnixSocket: Bool) {
        let shared = descriptors.count < workers.count || isUnixSocket
        for (index, worker) in workers.enumerated() {
            let listener = HTTPServerWorker.Listener(
                descriptor: descriptors[shared ? 0 : index], isUnixSocket: isUnixSocket, isShared: shared)
            worker.loop.execute { worker.add(listener) }
        }
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
        let (descriptors, paths) = state.withLock { state in
            defer { state.sharedListeners = []; state.unixPaths = [] }
            return (state.sharedListeners, state.unixPaths)
        }
        for descriptor in descriptors { Socket.close(descriptor) }
        for path in paths { _ = unlink(path) }
    }
}
