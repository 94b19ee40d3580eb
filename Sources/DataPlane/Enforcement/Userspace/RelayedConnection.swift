import NetworkTypes
import Transport

/// One TCP connection through the service proxy: a client, an endpoint, and bytes in both directions with
/// backpressure and half-close. Bytes are kept only while the other side does not take them.
///
/// `@unchecked Sendable`: every property is touched only on `loop`'s thread.
final class RelayedConnection: EventHandler, @unchecked Sendable {
    /// Indices of `sides`, and the tokens of their registrations.
    private enum Index {
        static let client = 0
        static let upstream = 1
    }

    private struct Side {
        var descriptor: Int32 = -1
        var registration: LoopRegistration?
        var isReadable = false
        var isEnded = false
        var isShut = false
        /// Bytes that this side has still to take.
        var backlog: [UInt8] = []
        var backlogStart = 0
        var hasBacklog: Bool { backlogStart < backlog.count }
    }

    /// Reads in a row before other connections of the loop get their turn.
    private static let burst = 16

    private let loop: EventLoop
    private let nextEndpoint: ([SocketAddress]) -> SocketAddress?
    private let onEnd: (RelayedConnection) -> Void
    private var sides = [Side(), Side()]
    private var tried: [SocketAddress] = []
    private(set) var isConnecting = true
    private var isClosed = false
    /// When the present attempt to connect is given up.
    private(set) var connectDeadline: MonotonicTime
    private let connectTimeout: Duration
    private let liveness: ConnectionLiveness

    /// Takes over the accepted descriptor. `nextEndpoint` gets what was tried and returns another one or nil.
    init(
        loop: EventLoop, accepted: Int32, connectTimeout: Duration, liveness: ConnectionLiveness,
        nextEndpoint: @escaping ([SocketAddress]) -> SocketAddress?, onEnd: @escaping (RelayedConnection) -> Void
    ) {
        self.loop = loop
        self.nextEndpoint = nextEndpoint
        self.onEnd = onEnd
        self.connectTimeout = connectTimeout
        self.liveness = liveness
        connectDeadline = loop.now + connectTimeout
        sides[Index.client].descriptor = accepted
    }

    /// Connects to the first endpoint. The client's bytes wait in the kernel until then.
    func start() {
        do throws(TransportError) {
            sides[Index.client].registration = try loop.register(
                sides[Index.client].descriptor, handler: self, token: UInt64(Index.client))
        } catch {
            Socket.close(sides[Index.client].descriptor)
            finish()
            return
        }
        liveness.apply(to: sides[Index.client].descriptor)
        connectNext()
    }

    /// The endpoint of this connection or of the present attempt.
    var endpoint: SocketAddress? { tried.last }

    func handle(_ events: ReadyEvents, token: UInt64) {
        guard !isClosed else { return }
        // A reset, or a peer that no longer answers (TCP_USER_TIMEOUT): told at once, not only when the next byte for
        // it can be sent, which may be never while the other side does not read.
        if events.contains(.failed), token == UInt64(Index.client) || !isConnecting,
            Socket.pendingError(sides[Int(token)].descriptor) != 0
        {
            abort()
            return
        }
        if token == UInt64(Index.client) {
            if events.contains(.readable) { sides[Index.client].isReadable = true }
            if isConnecting {
                // Both directions closed: the client gave up while the endpoint was being reached.
                if events.contains(.failed) { abort() }
                return
            }
        } else {
            if isConnecting {
                guard events.contains(.writable) || events.contains(.failed) else { return }
                connectEnded()
                return
            }
            if events.contains(.readable) { sides[Index.upstream].isReadable = true }
        }
        pump()
    }

    /// Gives the present attempt up and tries the next endpoint.
    func connectTimedOut() {
        guard isConnecting, !isClosed else { return }
        dropUpstream()
        connectNext()
    }

    /// Closes both sides with RST.
    func abort() {
        guard !isClosed else { return }
        Socket.resetOnClose(sides[Index.client].descriptor)
        if sides[Index.upstream].descriptor >= 0 { Socket.resetOnClose(sides[Index.upstream].descriptor) }
        finish()
    }

    private func connectNext() {
        while let endpoint = nextEndpoint(tried) {
            tried.append(endpoint)
            connectDeadline = loop.now + connectTimeout
            do throws(TransportError) {
                let descriptor = try Socket.connect(endpoint)
                liveness.apply(to: descriptor)
                sides[Index.upstream] = Side(descriptor: descriptor)
                sides[Index.upstream].registration = try loop.register(
                    descriptor, handler: self, token: UInt64(Index.upstream))
                return
            } catch {
                if sides[Index.upstream].descriptor >= 0 { Socket.close(sides[Index.upstream].descriptor) }
                sides[Index.upstream] = Side()
            }
        }
        // What a client of a Service whose endpoints all refuse would see without a proxy in between.
        abort()
    }

    private func connectEnded() {
        guard Socket.pendingError(sides[Index.upstream].descriptor) == 0 else {
            dropUpstream()
            connectNext()
            return
        }
        isConnecting = false
        sides[Index.upstream].isReadable = true
        sides[Index.client].isReadable = true
        pump()
    }

    private func dropUpstream() {
        if let registration = sides[Index.upstream].registration { loop.close(registration) }
        sides[Index.upstream] = Side()
    }

    private func pump() {
        var turns = Self.burst
        while turns > 0 {
            let outcomeOut = move(from: Index.client, to: Index.upstream)
            let outcomeIn = move(from: Index.upstream, to: Index.client)
            if outcomeOut == .broken || outcomeIn == .broken {
                abort()
                return
            }
            if outcomeOut == .idle && outcomeIn == .idle { break }
            turns -= 1
        }
        if sides[Index.client].isShut && sides[Index.upstream].isShut {
            finish()
        } else if turns == 0 {
            loop.execute { [self] in if !isClosed { pump() } }
        }
    }

    private enum Outcome { case moved, idle, broken }

    private func move(
        from source: Int, to target: Int
    ) -> Outcome {
        if sides[target].hasBacklog {
            switch flush(target) {
            case .idle: return .idle
            case .broken: return .broken
            case .moved: break
            }
        }
        if sides[source].isEnded {
            if !sides[target].isShut {
                sides[target].isShut = true
                Socket.shutdownWrite(sides[target].descriptor)
            }
            return .idle
        }
        guard sides[source].isReadable else { return .idle }
        switch Socket.read(sides[source].descriptor, into: loop.readBuffer) {
        case .wouldBlock:
            sides[source].isReadable = false
            return .idle
        case .closed:
            sides[source].isEnded = true
            return .moved
        case .failed:
            return .broken
        case .bytes(let count):
            return write(UnsafeRawBufferPointer(rebasing: loop.readBuffer[..<count]), to: target)
        }
    }

    private func write(
        _ bytes: UnsafeRawBufferPointer, to target: Int
    ) -> Outcome {
        switch Socket.write(sides[target].descriptor, bytes) {
        case .bytes(let written):
            if written < bytes.count { keep(UnsafeRawBufferPointer(rebasing: bytes[written...]), for: target) }
            return .moved
        case .wouldBlock:
            keep(bytes, for: target)
            return .moved
        case .closed, .failed:
            return .broken
        }
    }

    private func keep(
        _ bytes: UnsafeRawBufferPointer, for target: Int
    ) {
        sides[target].backlog = Array(bytes)
        sides[target].backlogStart = 0
    }

    /// `.moved` when nothing is left, `.idle` when the side takes no more for now.
    private func flush(_ target: Int) -> Outcome {
        while sides[target].hasBacklog {
            let start = sides[target].backlogStart
            let descriptor = sides[target].descriptor
            let transfer = sides[target].backlog.withUnsafeBytes {
                Socket.write(descriptor, UnsafeRawBufferPointer(rebasing: $0[start...]))
            }
            switch transfer {
            case .bytes(let written): sides[target].backlogStart += written
            case .wouldBlock: return .idle
            case .closed, .failed: return .broken
            }
        }
        sides[target].backlog = []
        sides[target].backlogStart = 0
        return .moved
    }

    private func finish() {
        guard !isClosed else { return }
        isClosed = true
        if let registration = sides[Index.client].registration { loop.close(registration) }
        if let registration = sides[Index.upstream].registration { loop.close(registration) }
        onEnd(self)
    }
}
