import Synchronization
import Transport

/// A watch over a WebSocket: a frame for each event, as kube-apiserver sends them: text for JSON, binary for protobuf. What
/// the client sends is read for its control frames alone.
final class WebSocketEventStream: ResponseStream {
    private let stream: HTTPResponseStream
    private let isBinary: Bool
    /// Pongs are not sent while more than this waits: who pings without reading gets no answers either.
    private static let pongLimit = 64 << 10

    /// Opens the WebSocket with the fields of `WebSocketHandshake.accepted`.
    init(_ responder: HTTPResponder, headers: HTTPHeaders, isBinary: Bool = false) {
        self.isBinary = isBinary
        let inbox = Inbox()
        stream = responder.upgrade(headers: headers, input: UpgradedInput { inbox.receive($0) })
        inbox.open(stream)
    }

    /// The client's frames.
    private final class Inbox: Sendable {
        private struct State: Sendable {
            var decoder = WebSocketFrameDecoder()
            /// What came before `open`.
            var early: [UInt8] = []
            weak var stream: HTTPResponseStream?
        }

        private let state = Mutex(State())

        func open(_ stream: HTTPResponseStream) {
            let early = state.withLock { state in
                state.stream = stream
                return state.early
            }
            if !early.isEmpty { receive(early) }
        }

        func receive(_ bytes: [UInt8]) {
            let (stream, events) = state.withLock { state -> (HTTPResponseStream?, [WebSocketFrameDecoder.Event]) in
                guard let stream = state.stream else {
                    if state.early.count < WebSocketEventStream.pongLimit { state.early += bytes }
                    return (nil, [])
                }
                return (stream, state.decoder.events(in: bytes))
            }
            guard let stream else { return }
            for event in events {
                switch event {
                case .ping(let payload):
                    guard stream.pendingBytes < WebSocketEventStream.pongLimit else { continue }
                    var pong: [UInt8] = []
                    WebSocketFrame.append(.pong, payload, to: &pong)
                    stream.write(pong)
                case .close:
                    stream.write(WebSocketFrame.close(1000))
                    stream.finish()
                case .violation:
                    stream.write(WebSocketFrame.close(1002))
                    stream.finish()
                }
            }
        }
    }

    var pendingBytes: Int { stream.pendingBytes }

    /// - Parameter chunk: Whole events: lines, or messages behind their length.
    func write(_ chunk: [UInt8]) {
        guard !isBinary else { return writeMessages(chunk) }
        var frames: [UInt8] = []
        frames.reserveCapacity(chunk.count + 16)
        var rest = chunk[...]
        while let end = rest.firstIndex(of: UInt8(ascii: "\n")) {
            WebSocketFrame.append(.text, rest[...end], to: &frames)
            rest = rest[(end + 1)...]
        }
        if !rest.isEmpty { WebSocketFrame.append(.text, rest, to: &frames) }
        stream.write(frames)
    }

    private func writeMessages(_ chunk: [UInt8]) {
        var frames: [UInt8] = []
        frames.reserveCapacity(chunk.count + 16)
        var rest = chunk[...]
        while rest.count >= 4 {
            let size = rest.prefix(4).reduce(0) { $0 << 8 | Int($1) }
            // The frame says where the message ends.
            WebSocketFrame.append(.binary, rest.dropFirst(4).prefix(size), to: &frames)
            rest = rest.dropFirst(4 + size)
        }
        stream.write(frames)
    }

    func finish() {
        stream.write(WebSocketFrame.close(1000))
        stream.finish()
    }

    func cancel() { stream.cancel() }
    func onClose(_ handler: @escaping @Sendable () -> Void) { stream.onClose(handler) }
}
