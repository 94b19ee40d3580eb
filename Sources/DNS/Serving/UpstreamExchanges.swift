import NetworkTypes
import Transport

/// The sockets of one loop towards upstream servers: each message has one of its own, with a port that the kernel chose
/// at random, connected so that the kernel drops what others send.
///
/// `@unchecked Sendable`: used on its loop only.
final class UpstreamExchanges: EventHandler, @unchecked Sendable {
    private struct Exchange {
        var descriptor: Int32
        var registration: LoopRegistration
        var isStream: Bool
        /// Of a stream: what is still to be sent, and what came.
        var unsent: [UInt8] = []
        var received: [UInt8] = []
    }

    private let loop: EventLoop
    private var exchanges: [UInt64: Exchange] = [:]
    /// A message came for an attempt.
    var onMessage: (UInt64, Span<UInt8>) -> Void = { _, _ in }
    var onFailure: (UInt64) -> Void = { _ in }

    init(loop: EventLoop) { self.loop = loop }

    var count: Int { exchanges.count }

    /// False when it could not be sent.
    func send(_ attempt: UInt64, to server: SocketAddress, byStream: Bool, _ bytes: [UInt8]) -> Bool {
        var opened: Int32 = -1
        do throws(TransportError) {
            opened = byStream ? try Socket.connect(server) : try Socket.connectUDP(server)
            if !byStream {
                Socket.neverFragment(opened, server.ip.family)
                guard case .bytes = bytes.withUnsafeBytes({ Socket.write(opened, $0) }) else {
                    Socket.close(opened)
                    return false
                }
            }
            let registration = try loop.register(opened, handler: self, token: attempt)
            let frame = byStream ? [UInt8(bytes.count >> 8), UInt8(bytes.count & 0xff)] + bytes : []
            exchanges[attempt] = Exchange(
                descriptor: opened, registration: registration, isStream: byStream, unsent: frame)
            return true
        } catch {
            if opened >= 0 { Socket.close(opened) }
            return false
        }
    }

    func forget(_ attempt: UInt64) {
        if let exchange = exchanges.removeValue(forKey: attempt) { loop.close(exchange.registration) }
    }

    func forgetAll() { for attempt in Array(exchanges.keys) { forget(attempt) } }

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
            switch Socket.read(exchange.descriptor, into: loop.readBuffer) {
            case .bytes(let count):
                onMessage(attempt, loop.readBuffer.bindMemory(to: UInt8.self).span.extracting(first: count))
            case .closed: continue
            case .wouldBlock: return
            case .failed:
                onFailure(attempt)
                return
            }
        }
        loop.execute { [self] in readDatagrams(attempt) }
    }

    private func write(_ attempt: UInt64) {
        guard let exchange = exchanges[attempt], !exchange.unsent.isEmpty else { return }
        guard Socket.pendingError(exchange.descriptor) == 0 else { return onFailure(attempt) }
        switch exchange.unsent.withUnsafeBytes({ Socket.write(exchange.descriptor, $0) }) {
        case .bytes(let count): exchanges[attempt]?.unsent.removeFirst(count)
        case .wouldBlock: break
        case .closed, .failed: onFailure(attempt)
        }
    }

    private func readStream(_ attempt: UInt64) {
        while let exchange = exchanges[attempt] {
            switch Socket.read(exchange.descriptor, into: loop.readBuffer) {
            case .bytes(let count):
                exchanges[attempt]?.received += loop.readBuffer[..<count]
                guard let received = exchanges[attempt]?.received, received.count >= 2 else { continue }
                let length = Int(received.span.u16(at: 0))
                guard received.count >= 2 + length else { continue }
                // One question, one answer: what stands behind it belongs to nothing.
                onMessage(attempt, received.span.extracting(2..<(2 + length)))
                return
            case .wouldBlock: return
            case .closed, .failed:
                onFailure(attempt)
                return
            }
        }
    }
}
