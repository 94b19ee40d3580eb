package import NetworkTypes
internal import Synchronization

/// Keeps a server's listeners on unspecified addresses at the addresses of this machine as they change (`EveryAddress`).
package final class AddressFollower: Sendable {
    /// A server that listens on single addresses.
    package protocol Listener: AnyObject, Sendable {
        /// Opens an address on every loop.
        ///
        /// - Returns: the number by which it is closed.
        func open(_ address: SocketAddress) throws(TransportError) -> Int
        func close(_ number: Int)
        /// Told once about an address of this machine that could not be opened.
        func refused(_ address: SocketAddress, _ error: TransportError)
    }

    private struct State {
        var followed: [EveryAddress<Int>] = []
        var isStopped = false
    }

    private let state = Mutex(State())

    package init() {}

    /// Opens every address that an unspecified one stands for, all of which must be free, and from then on those that the
    /// machine gets later; closes those that it loses.
    ///
    /// - Parameters:
    ///   - listener: kept weakly.
    ///   - loop: looks at the machine's addresses.
    ///   - bind: makes a socket for the choice of a port.
    /// - Returns: the unspecified address, with its port.
    package func listen(
        _ address: SocketAddress, for listener: some Listener, on loop: EventLoop,
        bind: (SocketAddress) throws(TransportError) -> Int32
    ) throws(TransportError) -> SocketAddress {
        var every = try EveryAddress<Int>(address, bind: bind)
        if let problem = Self.follow(&every, listener).first {
            every.opened.values.forEach(listener.close)
            throw problem.error
        }
        let isFirst = state.withLock { state in
            state.followed.append(every)
            return state.followed.count == 1
        }
        if isFirst { lookLater(for: listener, on: loop) }
        return every.address
    }

    /// Looks no more. What is open stays so.
    package func stop() { state.withLock { $0.isStopped = true } }

    private static func follow(
        _ every: inout EveryAddress<Int>, _ listener: some Listener
    ) -> [(address: SocketAddress, error: TransportError)] {
        every.follow(
            MachineAddresses.current,
            open: { address throws(TransportError) in try listener.open(address) }, close: listener.close)
    }

    private func lookLater(for listener: some Listener, on loop: EventLoop) {
        loop.execute {
            loop.schedule(after: EveryAddress<Int>.pause) { [weak self, weak listener] in
                guard let self, let listener else { return }
                look(for: listener, on: loop)
            }
        }
    }

    private func look(for listener: some Listener, on loop: EventLoop) {
        let news = state.withLock { state -> [(address: SocketAddress, error: TransportError)]? in
            guard !state.isStopped else { return nil }
            var followed = state.followed
            var news: [(address: SocketAddress, error: TransportError)] = []
            for index in followed.indices { news += Self.follow(&followed[index], listener) }
            state.followed = followed
            return news
        }
        guard let news else { return }
        for (address, error) in news { listener.refused(address, error) }
        lookLater(for: listener, on: loop)
    }
}
