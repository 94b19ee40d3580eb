package import NetworkTypes

/// Takes the connections of one listening socket on one loop. Loop-confined.
///
/// Without descriptors or room the listener leaves the loop (it is level-triggered and would be ready all the time) and
/// comes back after a pause; until then connections wait in the kernel's queue.
///
/// `@unchecked Sendable`: used on its loop only, apart from `init`.
package final class Acceptor: EventHandler, @unchecked Sendable {
    /// How long a listener rests when there are no descriptors or no room.
    package static let pause: Duration = .milliseconds(100)
    /// Connections taken before the loop's other work has its turn.
    private static let burst = 64

    package let descriptor: Int32
    private let loop: EventLoop
    private let isShared: Bool
    private let hasRoom: () -> Bool
    private let onExhaustion: () -> Void
    private let take: (_ descriptor: Int32, _ peer: SocketAddress?) -> Void
    private var registration: LoopRegistration?
    private var isStopped = false

    /// - Parameters:
    ///   - descriptor: A listening socket; closed by ``stop()`` unless it is shared with other loops.
    ///   - hasRoom: Asked before each connection: whether another one may be taken now.
    ///   - onExhaustion: Called when the process or the system has no descriptors or memory for a connection.
    ///   - take: Owns the connection's descriptor from then on. `peer` is nil for unix sockets.
    package init(
        loop: EventLoop, descriptor: Int32, isShared: Bool = false, hasRoom: @escaping () -> Bool = { true },
        onExhaustion: @escaping () -> Void = {}, take: @escaping (Int32, SocketAddress?) -> Void
    ) {
        self.loop = loop
        self.descriptor = descriptor
        self.isShared = isShared
        self.hasRoom = hasRoom
        self.onExhaustion = onExhaustion
        self.take = take
    }

    /// Whether the listener is resting, or has not begun.
    package var isPaused: Bool { registration == nil }

    /// Begins to accept; tries again after a pause where the kernel has no memory for it.
    package func start() {
        guard registration == nil, !isStopped else { return }
        do throws(TransportError) {
            registration = try loop.registerListener(descriptor, handler: self, token: 0, shared: isShared)
        } catch {
            resumeLater()
        }
    }

    /// Stops accepting. What the kernel has completed for this listener already is taken first, since closing would
    /// reset it; a shared descriptor stays open.
    package func stop() {
        guard !isStopped else { return }
        isStopped = true
        if !isShared { acceptAll(at: 4096) }
        if let registration {
            if isShared { loop.deregister(registration) } else { loop.close(registration) }
        } else if !isShared {
            Socket.close(descriptor)
        }
        registration = nil
    }

    package func handle(_ events: ReadyEvents, token: UInt64) {
        if !acceptAll(at: Self.burst) { rest() }
    }

    /// - Returns: false when accepting has to pause.
    @discardableResult
    private func acceptAll(at most: Int) -> Bool {
        for _ in 0..<most {
            guard hasRoom() else { return false }
            switch Socket.accept(descriptor) {
            case .connection(let descriptor, let peer): take(descriptor, peer)
            case .aborted: continue
            case .wouldBlock: return true
            case .exhausted, .failed:
                onExhaustion()
                return false
            }
            // The one who took it may have stopped everything.
            if registration == nil, !isStopped { return true }
        }
        return true
    }

    private func rest() {
        guard let registration else { return }
        loop.deregister(registration)
        self.registration = nil
        resumeLater()
    }

    private func resumeLater() {
        loop.schedule(after: Self.pause) { [weak self] in self?.start() }
    }
}
