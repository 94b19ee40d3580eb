import CNGHTTP2
import Foundation

/// One end of HTTP/2 that says what it is told to, frame by frame, valid or not.
final class HTTP2TestClient {
    struct Frame {
        var type: UInt8
        var flags: UInt8
        var stream: Int32
        var payload: [UInt8]

        /// The error code of RST_STREAM and GOAWAY.
        var code: UInt32? {
            switch type {
            case 3 where payload.count == 4: Self.number(payload[...])
            case 7 where payload.count >= 8: Self.number(payload[4..<8])
            default: nil
            }
        }

        private static func number(_ bytes: ArraySlice<UInt8>) -> UInt32 { bytes.reduce(0) { $0 << 8 | UInt32($1) } }
    }

    struct Answer {
        var interim: [Int] = []
        var status = 0
        var fields: [(name: String, value: String)] = []
        var body: [UInt8] = []
        var trailers: [(name: String, value: String)] = []
        var isEnded = false
        /// It ended with its head.
        var isHeadOnly = false
        var resetCode: UInt32?

        subscript(name: String) -> String? { fields.first { $0.name == name }?.value }
        func trailer(_ name: String) -> String? { trailers.first { $0.name == name }?.value }
        var text: String { String(decoding: body, as: UTF8.self) }
        var isOver: Bool { isEnded || resetCode != nil }
    }

    let socket: TestSocket
    private(set) var answers: [Int32: Answer] = [:]
    /// The error code of the GOAWAY that came.
    private(set) var goAway: UInt32?
    /// What WINDOW_UPDATE has added, by stream.
    private(set) var windows: [Int32: Int] = [:]
    /// Whether windows are opened as content comes.
    var opensWindows = true
    /// Whether PINGs wait for ``answerPings(behind:)``.
    var keepsPings = false
    private var pings: [[UInt8]] = []
    private var inflater: OpaquePointer?

    static let preface = Array("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".utf8)

    /// - Parameter settings: identifier and value.
    init(_ socket: TestSocket, settings: [(UInt16, UInt32)] = []) {
        self.socket = socket
        nghttp2_hd_inflate_new(&inflater)
        var payload: [UInt8] = []
        for (identifier, value) in settings {
            payload += [UInt8(identifier >> 8), UInt8(identifier & 255)] + Self.bytes(value)
        }
        socket.send(Self.preface + Self.frame(4, 0, 0, payload))
    }

    /// The server's end: what it gets of requests are ``answers`` whose fields include the pseudo ones.
    init(serving socket: TestSocket, settings: [(UInt16, UInt32)] = []) {
        self.socket = socket
        nghttp2_hd_inflate_new(&inflater)
        isBroken = socket.read(24) != Self.preface
        socket.send(Self.frame(4, 0, 0, settings.flatMap { [UInt8($0 >> 8), UInt8($0 & 255)] + Self.bytes($1) }))
    }

    private(set) var isBroken = false

    /// Reads until another stream has a head; nil at the end of the connection.
    func nextHead() -> Int32? {
        while let frame = readFrame() {
            if frame.type == 1, answers[frame.stream]?[":method"] != nil,
                answers[frame.stream]?.trailers.isEmpty == true
            {
                return frame.stream
            }
        }
        return nil
    }

    deinit { nghttp2_hd_inflate_del(inflater) }

    static func bytes(_ value: UInt32) -> [UInt8] { (0..<4).map { UInt8(truncatingIfNeeded: value >> (24 - 8 * $0)) } }

    static func frame(_ type: UInt8, _ flags: UInt8, _ stream: Int32, _ payload: [UInt8]) -> [UInt8] {
        let length = payload.count
        return [UInt8(length >> 16 & 255), UInt8(length >> 8 & 255), UInt8(length & 255), type, flags]
            + bytes(UInt32(stream)) + payload
    }

    /// Fields as literals without indexing (RFC 7541 section 6.2.2).
    static func block(_ fields: [(String, String)]) -> [UInt8] {
        var bytes: [UInt8] = []
        for (name, value) in fields {
            bytes.append(0)
            bytes += literal(Array(name.utf8)) + literal(Array(value.utf8))
        }
        return bytes
    }

    private static func literal(_ text: [UInt8]) -> [UInt8] {
        if text.count < 127 { return [UInt8(text.count)] + text }
        var bytes: [UInt8] = [127]
        var rest = text.count - 127
        while rest >= 128 {
            bytes.append(UInt8(rest & 127 | 128))
            rest >>= 7
        }
        return bytes + [UInt8(rest)] + text
    }

    static func get(_ path: String, host: String = "a.example") -> [(String, String)] {
        [(":method", "GET"), (":scheme", "http"), (":authority", host), (":path", path)]
    }

    static func post(_ path: String, host: String = "a.example") -> [(String, String)] {
        [(":method", "POST"), (":scheme", "http"), (":authority", host), (":path", path)]
    }

    func send(_ type: UInt8, _ flags: UInt8 = 0, _ stream: Int32 = 0, _ payload: [UInt8] = []) {
        socket.send(Self.frame(type, flags, stream, payload))
    }

    /// HEADERS, in one frame where it fits and CONTINUATION behind it where not.
    func head(_ stream: Int32, _ fields: [(String, String)], ends: Bool = true) {
        var block = Self.block(fields)
        let first = Array(block.prefix(16_384))
        block.removeFirst(first.count)
        send(1, (ends ? 1 : 0) | (block.isEmpty ? 4 : 0), stream, first)
        while !block.isEmpty {
            let part = Array(block.prefix(16_384))
            block.removeFirst(part.count)
            send(9, block.isEmpty ? 4 : 0, stream, part)
        }
    }

    /// DATA in frames of 16 KiB; the caller minds the window.
    func content(_ stream: Int32, _ bytes: [UInt8], ends: Bool) {
        var rest = bytes[...]
        repeat {
            let part = rest.prefix(16_384)
            rest = rest.dropFirst(part.count)
            send(0, ends && rest.isEmpty ? 1 : 0, stream, Array(part))
        } while !rest.isEmpty
    }

    func reset(_ stream: Int32, _ code: UInt32 = 8) { send(3, 0, stream, Self.bytes(code)) }

    /// Returns when all that was sent before has been taken.
    func ping() {
        send(6, 0, 0, Array(repeating: 7, count: 8))
        while let frame = readFrame(), frame.type != 6 || frame.flags & 1 == 0 {}
    }

    func openWindow(_ stream: Int32, _ count: UInt32) { send(8, 0, stream, Self.bytes(count)) }

    /// One frame, and what it means; nil at the end of the connection.
    @discardableResult
    func readFrame() -> Frame? {
        let header = socket.read(9)
        guard header.count == 9 else { return nil }
        let length = Int(header[0]) << 16 | Int(header[1]) << 8 | Int(header[2])
        let stream = header[5...].reduce(Int32(0)) { $0 << 8 | Int32($1) }
        let payload = socket.read(length)
        guard payload.count == length else { return nil }
        let frame = Frame(type: header[3], flags: header[4], stream: stream, payload: payload)
        take(frame)
        return frame
    }

    private func take(_ frame: Frame) {
        let ends = frame.flags & 1 != 0
        switch frame.type {
        case 0:
            answers[frame.stream, default: Answer()].body += frame.payload
            if ends { answers[frame.stream]?.isEnded = true }
            if opensWindows, !frame.payload.isEmpty {
                openWindow(0, UInt32(frame.payload.count))
                if !ends { openWindow(frame.stream, UInt32(frame.payload.count)) }
            }
        case 1:
            let fields = inflate(frame.payload)
            var answer = answers[frame.stream] ?? Answer()
            let status = fields.first { $0.name == ":status" }.flatMap { Int($0.value) }
            if fields.contains(where: { $0.name == ":method" }) {
                answer.fields = fields
            } else if let status, status < 200 {
                answer.interim.append(status)
            } else if let status {
                answer.status = status
                answer.fields = fields
                answer.isHeadOnly = ends
            } else {
                answer.trailers = fields
            }
            if ends { answer.isEnded = true }
            answers[frame.stream] = answer
        case 3: answers[frame.stream, default: Answer()].resetCode = frame.code
        case 4: if !ends { send(4, 1) }
        case 6: if !ends { if keepsPings { pings.append(frame.payload) } else { send(6, 1, 0, frame.payload) } }
        case 7: goAway = frame.code
        case 8: windows[frame.stream, default: 0] += frame.payload.reduce(0) { $0 << 8 | Int($1) }
        default: break
        }
    }

    private func inflate(_ block: [UInt8]) -> [(name: String, value: String)] {
        var fields: [(name: String, value: String)] = []
        var rest = block
        while true {
            var field = nghttp2_nv()
            var flags: Int32 = 0
            let used = nghttp2_hd_inflate_hd2(inflater, &field, &flags, rest, rest.count, 1)
            if used < 0 { return fields }
            rest.removeFirst(used)
            if flags & Int32(NGHTTP2_HD_INFLATE_EMIT.rawValue) != 0 {
                fields.append(
                    (
                        String(decoding: UnsafeBufferPointer(start: field.name, count: field.namelen), as: UTF8.self),
                        String(decoding: UnsafeBufferPointer(start: field.value, count: field.valuelen), as: UTF8.self)
                    ))
            }
            if flags & Int32(NGHTTP2_HD_INFLATE_FINAL.rawValue) != 0 {
                nghttp2_hd_inflate_end_headers(inflater)
                return fields
            }
            if used == 0, flags & Int32(NGHTTP2_HD_INFLATE_EMIT.rawValue) == 0 { return fields }
        }
    }

    /// Reads until the stream is over, or the connection.
    func answer(_ stream: Int32) -> Answer {
        while answers[stream]?.isOver != true, readFrame() != nil {}
        return answers[stream] ?? Answer()
    }

    /// Sends frames and what is owed to PINGs behind them, in one piece.
    func answerPings(behind frames: [UInt8]) {
        socket.send(frames + pings.flatMap { Self.frame(6, 1, 0, $0) })
        pings = []
    }

    /// Reads until GOAWAY or the end of the connection.
    func readGoAway() -> UInt32? {
        while goAway == nil, readFrame() != nil {}
        return goAway
    }
}
