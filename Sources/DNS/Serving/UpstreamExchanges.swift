import Glibc
import NetworkTypes
import Transport

/// The sockets of one loop towards upstream servers: each message has one of its own, with a port that the kernel chose
/// at random, connected so that the kernel drops what others send.
///
/// `@unchecked Sendable`: used on its loop only.
final class UpstreamExchanges: EventHandler, @unchecked Sendable {
    /// What became of a message that was to be sent.
    enum Sending: Equatable {
        case sent
        /// The server cannot be reached, and why.
        case unreachable(String)
        /// This machine has no descriptor, port or memory for it.
        case noRoom
    }

    private final class Exchange {
        let descriptor: Int32
        let registration: LoopRegistration
        let isStream: Bool
        var unsent: SendBuffer
        var received = FrameReader(lengths: 0...65_535)

        init(descriptor: Int32, registration: LoopRegistration, isStream: Bool, unsent: SendBuffer) {
            self.descriptor = descriptor
            self.registration = registration
            self.isStream = isStream
            self.unsent = unsent
        }
    }

    private let loop: EventLoop
    private let secured: SecuredExchanges
    /// A place for each socket.
    private let places: DescriptorShare
    private var exchanges: [UInt64: Exchange] = [:]
    /// A message came for an attempt.
    var onMessage: (UInt64, Span<UInt8>) -> Void = { _, _ in } { didSet { secured.onMessage = onMessage } }
    /// A message came for an attempt that travelled in pieces, of which one may be somebody else's.
    var onPieces: (UInt64, Span<UInt8>) -> Void = { _, _ in }
    /// An attempt came to nothing, and why.
    var onFailure: (UInt64, String) -> Void = { _, _ in } { didSet { secured.onFailure = onFailure } }

    /// - Parameter idleTimeout: A connection over TLS ends that nothing came from for so long.
    init(loop: EventLoop, places: DescriptorShare, idleTimeout: Duration) {
        self.loop = loop
        self.places = places
        secured = SecuredExchanges(loop: loop, places: places, idleTimeout: idleTimeout)
    }

    func send(
        _ attempt: UInt64, to server: SocketAddress, by transport: UpstreamTransport, _ bytes: [UInt8]
    ) -> Sending {
        if case .secured(let credentials) = transport { return secured.send(attempt, to: server, credentials, bytes) }
        guard places.take(1) else { return .noRoom }
        let sending = open(attempt, server, transport == .stream, bytes)
        if sending != .sent { places.give(1) }
        return sending
    }

    private func open(_ attempt: UInt64, _ server: SocketAddress, _ byStream: Bool, _ bytes: [UInt8]) -> Sending {
        var opened: Int32 = -1
        do throws(TransportError) {
            opened = byStream ? try Socket.connect(server) : try Socket.connectUDP(server)
            if !byStream {
                Socket.ignorePathMTU(opened, server.ip.family)
                Socket.tellPieces(opened, server.ip.family)
                switch bytes.withUnsafeBytes({ Socket.write(opened, $0) }) {
                case .bytes: break
                case .wouldBlock: throw .system(EAGAIN, "send to \(server)")
                case .closed: throw .system(ECONNREFUSED, "send to \(server)")
                case .failed(let number): throw .system(number, "send to \(server)")
                }
            }
            var frame: [UInt8] = []
            if byStream {
                frame.append(bigEndian: UInt16(bytes.count))
                frame += bytes
            }
            let registration = try loop.register(opened, handler: self, token: attempt)
            exchanges[attempt] = Exchange(
                descriptor: opened, registration: registration, isStream: byStream, unsent: SendBuffer(frame))
            return .sent
        } catch {
            if opened >= 0 { Socket.close(opened) }
            return Self.isLocal(error) ? .noRoom : .unreachable(error.message)
        }
    }

    /// Whether an error is of this machine and says nothing about a server (socket(2), connect(2), epoll_ctl(2)).
    static func isLocal(_ error: TransportError) -> Bool {
        guard case .system(let number) = error.code else { return false }
        return [EMFILE, ENFILE, ENOBUFS, ENOMEM, ENOSPC, EAGAIN, EADDRNOTAVAIL].contains(number)
    }

    func forget(_ attempt: UInt64) {
        guard let exchange = exchanges.removeValue(forKey: attempt) else { return secured.forget(attempt) }
        loop.close(exchange.registration)
        places.give(1)
    }

    func forgetAll() {
        for attempt in Array(exchanges.keys) { forget(attempt) }
        secured.closeAll()
    }

    func handle(_ events: ReadyEvents, token: UInt64) {
        guard let exchange = exchanges[token] else { return }
        if exchange.isStream {
            if events.contains(.writable) { write(token) }
            if events.contains(.readable) { readStream(token) }
        } else if events.contains(.readable) {
            readDatagrams(token)
        }
    }

    private func readDatagrams(_ attempt: UInt64) {
        // Bounded: a flood of wrong answers is not read for ever in one turn.
        for _ in 0..<64 {
            guard let exchange = exchanges[attempt] else { return }
            let (transfer, isInPieces) = Socket.readDatagram(exchange.descriptor, into: loop.readBuffer)
            switch transfer {
            case .bytes(let count):
                let message = loop.readBuffer.bindMemory(to: UInt8.self).span.extracting(first: count)
                isInPieces ? onPieces(attempt, message) : onMessage(attempt, message)
            case .closed: continue
            case .wouldBlock: return
            case .failed(let number):
                onFailure(attempt, TransportError.system(number, "receive").message)
                return
            }
        }
        loop.execute { [self] in readDatagrams(attempt) }
    }

    private func write(_ attempt: UInt64) {
        guard let exchange = exchanges[attempt], !exchange.unsent.isEmpty else { return }
        let number = Socket.pendingError(exchange.descriptor)
        guard number == 0 else { return onFailure(attempt, TransportError.system(number, "connect").message) }
        switch exchange.unsent.write(to: exchange.descriptor) {
        case .bytes, .wouldBlock: break
        case .closed: onFailure(attempt, "it closed the connection")
        case .failed(let number): onFailure(attempt, TransportError.system(number, "send").message)
        }
    }

    private func readStream(_ attempt: UInt64) {
        while let exchange = exchanges[attempt] {
            switch Socket.read(exchange.descriptor, into: loop.readBuffer) {
            case .bytes(let count):
                exchange.received.append(loop.readBuffer[..<count])
                // One question, one answer: what stands behind it belongs to nothing.
                guard case .frame(let message) = exchange.received.next() else { continue }
                onMessage(attempt, message.span)
                return
            case .wouldBlock: return
            case .closed:
                onFailure(attempt, "it closed the connection without an answer")
                return
            case .failed(let number):
                onFailure(attempt, TransportError.system(number, "receive").message)
                return
            }
        }
    }
}
