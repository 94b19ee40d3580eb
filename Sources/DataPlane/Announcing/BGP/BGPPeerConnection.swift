package import Announcement
internal import Glibc
package import NetworkTypes
package import Transport

/// How a peer is reached.
package struct BGPPeerEndpoint: Hashable, Sendable {
    package var address: SocketAddress
    package var source: IPAddress?
    package var protection: RouterProtection

    package init(address: SocketAddress, source: IPAddress? = nil, protection: RouterProtection = .init()) {
        self.address = address
        self.source = source
        self.protection = protection
    }
}

/// Runs one ``BGPSession`` over a socket on an event loop: does what the session says and tells it what happened.
///
/// Everything happens on the loop's thread. At most 64 KiB of output wait for the kernel besides the session's own state.
///
/// `@unchecked Sendable`: all properties are touched on the loop's thread alone.
package final class BGPPeerConnection: EventHandler, @unchecked Sendable {
    /// What an observer learns, on the loop's thread.
    package enum Notice: Sendable {
        case established(BGPNegotiated)
        case ended(BGPSessionEnd)
        /// Routes were given to the kernel, or counters have changed.
        case progressed
    }

    package let endpoint: BGPPeerEndpoint
    private let loop: EventLoop
    private let nextHops: @Sendable (IPAddress) -> BGPNextHops
    private let observe: @Sendable (Notice) -> Void

    package private(set) var session: BGPSession
    private var registration: LoopRegistration?
    private var descriptor: Int32 = -1
    private var isConnecting = false
    private var output: [UInt8] = []
    private var outputStart = 0
    private var timer: LoopTimer?
    private var timerDeadline: Duration?

    private static let updateChunk = 65_536
    /// A peer that sends without end is read so much at a time, several megabytes a second: more than a full table needs.
    private static let bytesPerTurn = 65_536
    private static let pauseBetweenTurns: Duration = .milliseconds(10)
    /// What reading a few bytes counts.
    private static let readCost = 4096
    /// Until the next turn of a peer that sends more.
    private var pause: LoopTimer?

    /// `nextHops` says, for our own address of a connection, what the peer is to send packets to.
    package init(
        _ session: BGPSession, endpoint: BGPPeerEndpoint, loop: EventLoop,
        nextHops: @escaping @Sendable (IPAddress) -> BGPNextHops, observe: @escaping @Sendable (Notice) -> Void
    ) {
        self.session = session
        self.endpoint = endpoint
        self.loop = loop
        self.nextHops = nextHops
        self.observe = observe
    }

    /// Feeds the session one event. Loop thread only.
    package func handle(_ event: BGPSession.Event) {
        perform(session.handle(event, at: now))
        scheduleTimer()
    }

    /// The peer is to have exactly these routes. Loop thread only.
    package func want(_ routes: [CIDR: BGPRoute]) {
        perform(session.want(routes))
        scheduleTimer()
    }

    private var now: Duration { .nanoseconds(Int64(clamping: MonotonicTime.now.nanoseconds)) }

    private func perform(_ actions: [BGPSession.Action]) {
        for action in actions {
            switch action {
            case .connect: connect()
            case .disconnect: disconnect()
            case .send(let bytes):
                output += bytes
                flush()
            case .routesWaiting: flush()
            case .established(let negotiated): observe(.established(negotiated))
            case .ended(let end): observe(.ended(end))
            }
        }
    }

    // MARK: The socket

    private func connect() {
        do throws(TransportError) {
            descriptor = try Socket.connect(
                endpoint.address, from: endpoint.source, protection: endpoint.protection)
            isConnecting = true
            registration = try loop.register(descriptor, handler: self, token: 0)
        } catch {
            if descriptor >= 0, registration == nil { Socket.close(descriptor) }
            descriptor = -1
            // Never from within the session's own step.
            let reason = error.message
            loop.execute { [self] in handle(.connectFailed(reason)) }
        }
    }

    private func disconnect() {
        if let registration {
            flushOnce()
            if !isConnecting {
                // Bytes left unread would turn the end into a reset, which may overtake our last message.
                Socket.shutdownWrite(descriptor)
                _ = Socket.read(descriptor, into: loop.readBuffer)
            }
            loop.close(registration)
        }
        registration = nil
        descriptor = -1
        isConnecting = false
        output = []
        outputStart = 0
    }

    package func handle(_ events: ReadyEvents, token: UInt64) {
        if isConnecting {
            guard !events.isDisjoint(with: [.writable, .failed]) else { return }
            let number = Socket.pendingError(descriptor)
            guard number == 0, let local = Socket.localAddress(descriptor) else {
                handle(.connectFailed(TransportError.system(number, "connect to \(endpoint.address)").message))
                return
            }
            isConnecting = false
            handle(.connected(nextHops(local.ip)))
        }
        if events.contains(.writable) {
            flush()
            scheduleTimer()
        }
        if events.contains(.readable) { read() }
    }

    private func read() {
        // What was left is being waited for.
        guard pause == nil else { return }
        let reading = registration
        var taken = 0
        while taken < Self.bytesPerTurn {
            guard registration == reading, registration != nil else { return }
            switch Socket.read(descriptor, into: loop.readBuffer) {
            case .bytes(let count):
                let bytes = Array(UnsafeRawBufferPointer(rebasing: loop.readBuffer[..<count]))
                taken += max(count, Self.readCost)
                handle(.received(bytes))
            case .wouldBlock:
                observe(.progressed)
                return
            case .closed:
                handle(.disconnected("closed by the peer"))
                return
            case .failed(let number):
                handle(.disconnected(TransportError.system(number, "read from \(endpoint.address)").message))
                return
            }
        }
        // Edge-triggered: what is left must be read without another event. The thread is that of all peers, whose BFD sessions
        // count in milliseconds.
        pause = loop.schedule(after: Self.pauseBetweenTurns) { [self] in
            pause = nil
            // Perhaps another connection's by now, whose bytes were passed over meanwhile.
            guard registration != nil, !isConnecting else { return }
            read()
        }
    }

    /// Gives the kernel what waits, then what routes wait.
    private func flush() {
        guard registration != nil, !isConnecting else { return }
        while true {
            guard flushOnce() else { return }
            _ = session.handle(.outputDrained, at: now)
            let updates = session.takeUpdates(atMost: Self.updateChunk, at: now)
            guard !updates.isEmpty else {
                observe(.progressed)
                return
            }
            output = updates
        }
    }

    /// Whether everything has been given to the kernel. An error shows when the socket is read.
    @discardableResult
    private func flushOnce() -> Bool {
        while outputStart < output.count {
            let result = output.withUnsafeBytes { bytes in
                Socket.write(descriptor, UnsafeRawBufferPointer(rebasing: bytes[outputStart...]))
            }
            guard case .bytes(let count) = result else { return false }
            outputStart += count
        }
        output.removeAll(keepingCapacity: output.count <= 4096)
        outputStart = 0
        return true
    }

    // MARK: The timer

    private func scheduleTimer() {
        let deadline = session.nextDeadline
        guard deadline != timerDeadline else { return }
        timerDeadline = deadline
        timer?.cancel()
        timer = nil
        guard let deadline else { return }
        timer = loop.schedule(after: max(.zero, deadline - now)) { [self] in
            timerDeadline = nil
            timer = nil
            handle(.tick)
        }
    }
}
