import Foundation
import NetworkTypes
import Synchronization

@testable import Transport

/// A server on loops of its own whose paths exercise the responder.
final class TestServer: Sendable {
    let loops: [EventLoop]
    let server: HTTPServer
    let address: BindAddress
    let handler: Handler

    var port: UInt16 { address.port?.rawValue ?? 0 }

    init(
        loops count: Int = 1, bind: BindAddress = .tcp(SocketAddress(ip: .loopbackV4, port: 0)),
        configuration: HTTPServerConfiguration = HTTPServerConfiguration()
    ) throws {
        loops = try EventLoop.group(count: count, name: "test")
        handler = Handler()
        server = HTTPServer(loops: loops, configuration: configuration, handler: handler)
        address = try server.listen(bind)
    }

    func stop() async {
        await server.shutdown(drain: .milliseconds(200))
        for loop in loops { loop.stop() }
    }

    final class Handler: HTTPServerHandler {
        let streams = Mutex<[HTTPResponseStream]>([])
        let held = Mutex<[HTTPResponder]>([])
        let closed = Atomic<Int>(0)
        let requests = Atomic<Int>(0)

        func handle(_ request: HTTPRequest, _ responder: HTTPResponder) {
            requests.add(1, ordering: .relaxed)
            switch request.path {
            case "/hello": responder.send(HTTPResponse(status: 200, text: "hello\n"))
            case "/echo":
                responder.send(
                    HTTPResponse(
                        status: 200, headers: ["X-Method": request.method.rawValue, "X-Query": String(request.query)],
                        body: request.body))
            case "/async":
                Thread.detachNewThread { responder.send(HTTPResponse(status: 200, text: "async\n")) }
            case "/big":
                let count = Int(request.query) ?? 0
                let piece = [UInt8](repeating: 0x61, count: 10_000)
                var body = Array(repeating: piece, count: count / piece.count)
                body.append([UInt8](repeating: 0x62, count: count % piece.count))
                responder.send(HTTPResponse(status: 200, body: body))
            case "/lines":
                let stream = responder.startStream(status: 200, headers: ["Content-Type": "text/plain"])
                let count = Int(request.query) ?? 0
                Thread.detachNewThread {
                    for index in 0..<count { stream.write(Array("line \(index)\n".utf8)) }
                    stream.finish()
                }
            case "/watch":
                let stream = responder.startStream(status: 200, headers: [:])
                stream.onClose { self.closed.add(1, ordering: .relaxed) }
                streams.withLock { $0.append(stream) }
            case "/hold":
                responder.onClose { self.closed.add(1, ordering: .relaxed) }
                held.withLock { $0.append(responder) }
            case "/cancel":
                let stream = responder.startStream(status: 200, headers: [:])
                stream.write(Array("part".utf8))
                stream.cancel()
            case "/drop": break
            case "/peer":
                let peer = request.peer
                let text =
                    "unix=\(peer.isUnixSocket) tls=\(peer.isTLS) cn=\(peer.clientCertificate?.commonName ?? "-")"
                    + " o=\(peer.clientCertificate?.organizations.joined(separator: ",") ?? "-")"
                    + " v=\(request.version)"
                responder.send(HTTPResponse(status: 200, text: text))
            case "/inject":
                responder.send(HTTPResponse(status: 200, headers: ["X-Evil": "a\r\nX-Injected: 1"], body: [UInt8]()))
            case "/empty": responder.send(HTTPResponse(status: 204))
            default: responder.send(HTTPResponse(status: 404, text: "not found\n"))
            }
        }
    }
}

/// A blocking socket for speaking HTTP byte by byte.
final class RawClient {
    private let descriptor: Int32

    init(port: UInt16) throws {
        descriptor = try Socket.connect(SocketAddress(ip: .loopbackV4, port: Port(port)))
        let flags = fcntl(descriptor, F_GETFL)
        _ = fcntl(descriptor, F_SETFL, flags & ~O_NONBLOCK)
        var limit = timeval(tv_sec: 10, tv_usec: 0)
        setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
    }

    deinit { close(descriptor) }

    func send(_ text: String) { send(Array(text.utf8)) }

    func send(_ bytes: [UInt8]) {
        _ = bytes.withUnsafeBytes { Socket.write(descriptor, $0) }
    }

    func finishWriting() { Socket.shutdownWrite(descriptor) }

    func reset() { Socket.resetOnClose(descriptor) }

    /// Everything up to end of stream, a reset, or ten seconds of silence.
    func readToEnd() -> String { read { _ in false } }

    /// Until the text ends with `suffix`.
    func read(until suffix: String) -> String { read { $0.hasSuffix(suffix) } }

    private func read(_ isDone: (String) -> Bool) -> String {
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 65_536)
        while !isDone(String(decoding: bytes, as: UTF8.self)) {
            let count = recv(descriptor, &buffer, buffer.count, 0)
            guard count > 0 else { break }
            bytes.append(contentsOf: buffer[..<count])
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}

/// Runs a program of the distribution and returns what it printed.
func run(_ program: String, _ arguments: [String]) async throws -> (status: Int32, output: String) {
    try await withCheckedThrowingContinuation { continuation in
        Thread.detachNewThread {
            let process = Process()
            process.executableURL = URL(fileURLWithPath: "/usr/bin/\(program)")
            process.arguments = arguments
            let pipe = Pipe()
            process.standardOutput = pipe
            process.standardError = pipe
            do {
                try process.run()
                let output = pipe.fileHandleForReading.readDataToEndOfFile()
                process.waitUntilExit()
                continuation.resume(returning: (process.terminationStatus, String(decoding: output, as: UTF8.self)))
            } catch {
                continuation.resume(throwing: error)
            }
        }
    }
}

/// Waits until the condition holds; false after ten seconds.
func eventually(_ condition: () -> Bool) async -> Bool {
    for _ in 0..<2000 {
        if condition() { return true }
        try? await Task.sleep(for: .milliseconds(5))  // only a cancelled test ends the sleep early
    }
    return condition()
}

/// A directory that is removed with the object.
final class TemporaryDirectory: Sendable {
    let path: String

    init() throws {
        path = NSTemporaryDirectory() + "transport-tests-" + UUID().uuidString.prefix(8)
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    }

    // What is left behind in the temporary directory harms nobody.
    deinit { try? FileManager.default.removeItem(atPath: path) }

    func file(_ name: String) -> String { path + "/" + name }
}
