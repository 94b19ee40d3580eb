import Foundation
import Glibc
import NetworkTypes
import Synchronization

@testable import ProxyEngine

/// A small HTTP/1.1 server, one thread for each connection, that does what the request's path says:
///
/// - `/echo`: a JSON-free dump: the request head, an empty line, then its body
/// - `/length/N`, `/chunked/N`, `/close/N`: N bytes of ``pattern(_:)`` framed in that way
/// - `/status/CODE`: that status without a body
/// - `/split/I`: a chunked response sent in two parts, I bytes first
/// - `/hang`: never answers; `/drop`: closes without an answer; `/half/N`: closes after half the body
/// - `/garbage`: not HTTP; `/upgrade`: 101 and an echo of bytes, as a WebSocket's handshake wants it where that was asked for
final class FakeUpstream: @unchecked Sendable {
    // Set in init; the flags are behind `state`.
    private struct State {
        var isStopped = false
        var connections: [TestSocket] = []
        var requests: [TestMessage] = []
        var accepted = 0
    }

    typealias Handler = @Sendable (TestSocket, TestMessage) -> Bool

    private let listener: Int32
    let port: UInt16
    private let state = Mutex(State())
    private let handler: Handler?
    private let name: String
    private let raw: (@Sendable (TestSocket) -> Void)?

    /// Does `raw` with every connection and closes it.
    convenience init(raw: @escaping @Sendable (TestSocket) -> Void) {
        self.init(name: "raw", port: 0, raw, nil)
    }

    convenience init(name: String = "fake", port: UInt16 = 0, handler: Handler? = nil) {
        self.init(name: name, port: port, nil, handler)
    }

    private init(name: String, port: UInt16, _ raw: (@Sendable (TestSocket) -> Void)?, _ handler: Handler?) {
        self.handler = handler
        self.raw = raw
        self.name = name
        let listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var one: Int32 = 1
        setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &one, 4)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        withUnsafeMutablePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                precondition(bind(listener, $0, length) == 0)
                listen(listener, 256)
                getsockname(listener, $0, &length)
            }
        }
        self.listener = listener
        self.port = UInt16(bigEndian: address.sin_port)
        Thread.detachNewThread { [self] in acceptAll() }
    }

    var address: SocketAddress { SocketAddress(ip: .loopbackV4, port: Port(port)) }
    var requests: [TestMessage] { state.withLock { $0.requests } }
    var accepted: Int { state.withLock { $0.accepted } }

    /// Stops listening and breaks every connection.
    func stop() {
        let connections = state.withLock { state in
            state.isStopped = true
            return state.connections
        }
        // Its thread closes it: were it closed here, that thread could accept on the number's next owner.
        shutdown(listener, Int32(SHUT_RDWR))
        for connection in connections { shutdown(connection.descriptor, Int32(SHUT_RDWR)) }
    }

    /// Ends idle connections while going on to listen.
    func closeConnections() {
        for connection in state.withLock({ $0.connections }) { shutdown(connection.descriptor, Int32(SHUT_RDWR)) }
    }

    private static let block = (0..<10_007).map { UInt8($0 * 7_919 % 251) }

    /// Bytes that show any shift or loss.
    static func pattern(_ count: Int) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(count)
        while bytes.count < count { bytes += block.prefix(count - bytes.count) }
        return bytes
    }

    private func acceptAll() {
        while true {
            let descriptor = accept(listener, nil, nil)
            if descriptor < 0 {
                Glibc.close(listener)
                return
            }
            let socket = TestSocket(descriptor: descriptor, timeout: 30)
            let isStopped = state.withLock { state in
                state.accepted += 1
                state.connections.append(socket)
                return state.isStopped
            }
            if isStopped {
                Glibc.close(listener)
                return
            }
            Thread.detachNewThread { [self] in serve(socket) }
        }
    }

    private func serve(_ socket: TestSocket) {
        raw?(socket)
        if raw != nil { return socket.close() }
        while let request = socket.readRequest() {
            state.withLock { $0.requests.append(request) }
            if !(handler ?? answer)(socket, request) { break }
        }
        state.withLock { state in state.connections.removeAll { $0 === socket } }
        socket.close()
    }

    private func answer(_ socket: TestSocket, _ request: TestMessage) -> Bool {
        let target = request.startLine.split(separator: " ").dropFirst().first ?? "/"
        let parts = target.split(separator: "?")[0].split(separator: "/")
        let number = parts.count > 1 ? Int(parts[1]) ?? 0 : 0
        let isHead = request.startLine.hasPrefix("HEAD ")
        switch parts.first {
        case "length":
            let body = isHead ? [] : Self.pattern(number)
            return socket.send(Array("HTTP/1.1 200 OK\r\nContent-Length: \(number)\r\n\r\n".utf8) + body)
        case "chunked": return socket.send(Self.chunked(Self.pattern(number)))
        case "close":
            socket.send(Array("HTTP/1.1 200 OK\r\n\r\n".utf8) + Self.pattern(number))
            return false
        case "status":
            let length = number == 204 || number == 304 ? "" : "Content-Length: 0\r\n"
            return socket.send("HTTP/1.1 \(number) Some Reason\r\nX-Kept: yes\r\n\(length)\r\n")
        case "split":
            let bytes = Self.chunked(Self.pattern(40))
            socket.send(Array(bytes[..<min(number, bytes.count)]))
            usleep(1500)
            return socket.send(Array(bytes[min(number, bytes.count)...]))
        case "hang":
            _ = socket.readToEnd()
            return false
        case "drop": return false
        case "half":
            socket.send(
                Array("HTTP/1.1 200 OK\r\nContent-Length: \(number)\r\n\r\n".utf8) + Self.pattern(number / 2))
            return false
        case "garbage":
            socket.send("SSH-2.0-OpenSSH_9.2\r\n\r\n\r\n")
            return false
        case "upgrade":
            var fields = "Upgrade: echo\r\n"
            if let key = request["Sec-WebSocket-Key"] {
                let accept = String(decoding: WebSocketKey(key.utf8).accept, as: UTF8.self)
                fields = "Upgrade: WebSocket\r\nSec-WebSocket-Accept: \(accept)\r\nContent-Length: 7\r\n"
            }
            socket.send("HTTP/1.1 101 Switching Protocols\r\n\(fields)Connection: Upgrade\r\n\r\nhello ")
            while true {
                let bytes = socket.read(1)
                if bytes.isEmpty { return false }
                if !socket.send(bytes) { return false }
            }
        default:
            var text = request.startLine + "\n"
            for field in request.fields { text += "\(field.name): \(field.value)\n" }
            let body = Array("\(text)\n".utf8) + request.body
            return socket.send(
                Array("HTTP/1.1 200 OK\r\nX-Served-By: \(name)\r\nContent-Length: \(body.count)\r\n\r\n".utf8) + body)
        }
    }

    static func chunked(_ content: [UInt8]) -> [UInt8] {
        var bytes = Array("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n".utf8)
        var rest = content[...]
        var size = 7
        while !rest.isEmpty {
            let run = rest.prefix(size)
            bytes += Array("\(String(run.count, radix: 16))\r\n".utf8) + run + [13, 10]
            rest = rest.dropFirst(run.count)
            size = size * 2 % 70_001
        }
        return bytes + Array("0\r\n\r\n".utf8)
    }
}
