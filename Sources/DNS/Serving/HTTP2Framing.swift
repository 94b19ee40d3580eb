import NetworkTypes
import Transport

/// Each message a POST of its own (RFC 8484). It travels with the id 0, as the RFC wants it; the stream tells answers apart.
final class HTTP2Framing: SecuredFraming {
    /// Messages under way.
    private static let limit = 100
    /// The longest message, and fields.
    private static let answerLimit = 65_535 + 16_384
    private static let mediaType = "application/dns-message"

    private struct Waiting {
        var attempt: UInt64
        var id: UInt16
    }

    private let session: HTTP2ClientSession
    private let authority: String
    private let path: String
    private var waiting: [HTTP2ClientSession.StreamID: Waiting] = [:]
    private var streams: [UInt64: HTTP2ClientSession.StreamID] = [:]

    /// - Parameters:
    ///   - name: of the server, where it has one.
    ///   - now: nanoseconds of a monotonic clock.
    init(_ address: SocketAddress, name: String?, path: String, now: UInt64) throws(TransportError) {
        session = try HTTP2ClientSession(answerLimit: Self.answerLimit, now: now)
        let host = name ?? (address.ip.family == .v6 ? "[\(address.ip)]" : "\(address.ip)")
        authority = address.port == 443 ? host : "\(host):\(address.port.rawValue)"
        self.path = path
    }

    var attempts: [UInt64] { Array(streams.keys) }
    var isIdle: Bool { streams.isEmpty }

    func send(_ attempt: UInt64, _ message: [UInt8]) -> Bool {
        guard session.openCount < Self.limit, session.takesRequests else { return false }
        var body = message
        (body[0], body[1]) = (0, 0)
        let fields = [
            ("accept", Self.mediaType), ("content-type", Self.mediaType), ("content-length", "\(body.count)"),
        ]
        // A connection that cannot even take a request down is as good as full.
        guard let stream = try? session.post(authority: authority, path: path, fields: fields, body: body) else {
            return false
        }
        waiting[stream] = Waiting(attempt: attempt, id: message.span.u16(at: 0))
        streams[attempt] = stream
        return true
    }

    func forget(_ attempt: UInt64) {
        guard let stream = streams.removeValue(forKey: attempt) else { return }
        waiting[stream] = nil
        session.cancel(stream)
    }

    func receive(_ bytes: UnsafeRawBufferPointer) -> [SecuredEvent]? {
        // What it says is told as one thing: the stream means nothing any more.
        guard let events = try? session.receive(bytes) else { return nil }
        if session.isOver, !streams.isEmpty { return nil }
        return events.compactMap(event)
    }

    private func event(_ event: HTTP2ClientSession.Event) -> SecuredEvent? {
        switch event {
        case .failed(let stream, let reason): return take(stream).map { .failure($0.attempt, reason) }
        case .answered(let stream, let answer):
            guard let known = take(stream) else { return nil }
            guard answer.status == 200 else {
                return .failure(known.attempt, "it answers with status \(answer.status)")
            }
            let type = answer.contentType.split(separator: ";").first.map { $0.lowercased() } ?? ""
            guard type.split(separator: " ").first.map(String.init) == Self.mediaType,
                (MessageHeader.size...65_535).contains(answer.body.count), answer.body[0] == 0, answer.body[1] == 0
            else { return .failure(known.attempt, "what it sends is no answer") }
            var message = answer.body
            (message[0], message[1]) = (UInt8(known.id >> 8), UInt8(known.id & 0xff))
            return .message(known.attempt, message)
        }
    }

    private func take(_ stream: HTTP2ClientSession.StreamID) -> Waiting? {
        guard let known = waiting.removeValue(forKey: stream) else { return nil }
        streams[known.attempt] = nil
        return known
    }

    func takeOutput() -> [UInt8] { session.takeOutput() }
}
