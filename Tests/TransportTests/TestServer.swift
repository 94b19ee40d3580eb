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
    let configuration: HTTPServerConfiguration

    var port: UInt16 { address.port?.rawValue ?? 0 }

    init(
        loops count: Int = 1, bind: BindAddress = .tcp(SocketAddress(ip: .loopbackV4, port: 0)),
        configuration: HTTPServerConfiguration = HTTPServerConfiguration()
    ) throws {
        loops = try EventLoop.group(count: count, name: "test")
        handler = Handler()
        self.configuration = configuration
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
                responder.withBody(of: request) { request in
                    responder.send(
                        HTTPResponse(
                            status: 200,
                            headers: ["X-Method": request.method.rawValue, "X-Query": String(request.query)],
                            body: request.body))
                }
            case "/refuse": responder.send(HTTPResponse(status: 401, text: "no\n"))
            case "/later":
                // The handler makes up its mind elsewhere, and then wants the body.
                Thread.detachNewThread {
                    responder.withBody(of: request) { responder.send(HTTPResponse(status: 200, body: $0.body)) }
                }
            case "/upgrade":
                let opened = Mutex<HTTPResponseStream?>(nil)
                let stream = responder.upgrade(
                    headers: ["Upgrade": "echo"],
                    input: UpgradedInput { bytes in opened.withLock { $0 }?.write(bytes) })
                opened.withLock { $0 = stream }
                streams.withLock { $0.append(stream) }
            case "/async":
                Thread.detachNewThread { responder.send(HTTPResponse(status: 200, text: "async\n")) }
            case "/big", "/compressed":
                let count = Int(request.query) ?? 0
                let piece = [UInt8](repeating: 0x61, count: 10_000)
                var body = Array(repeating: piece, count: count / piece.count)
                body.append([UInt8](repeating: 0x62, count: count % piece.count))
                var response = HTTPResponse(status: 200, body: body)
                response.isCompressed = request.path == "/compressed"
                responder.send(response)
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

    init(port: UInt16, from source: IPAddress? = nil) throws {
        descriptor = try Socket.connect(
            SocketAddress(ip: .loopbackV4, port: Port(port)), from: source.map { SocketAddress(ip: $0, port: 0) })
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

    /// - Returns: whether the connection has taken all of it. Blocks until it has.
    func trySend(_ bytes: [UInt8]) -> Bool {
        var sent = 0
        while sent < bytes.count {
            let count = bytes[sent...].withUnsafeBytes {
                Glibc.send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
            }
            guard count > 0 else { return false }
            sent += count
        }
        return true
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

/// Runs a program of the distribution and returns what it printed. (Not by Foundation's `Process`, whose walk over the
/// open descriptors is not safe beside tests that open a thousand of them.)
func run(_ program: String, _ arguments: [String]) async throws -> (status: Int32, output: String) {
    try await withCheckedThrowingContinuation { continuation in
        Thread.detachNewThread {
            var ends: [Int32] = [-1, -1]
            guard pipe(&ends) == 0 else {
                return continuation.resume(throwing: TransportError.system(errno, "pipe"))
            }
            _ = fcntl(ends[0], F_SETFD, FD_CLOEXEC)
            _ = fcntl(ends[1], F_SETFD, FD_CLOEXEC)
            var actions = posix_spawn_file_actions_t()
            posix_spawn_file_actions_init(&actions)
            posix_spawn_file_actions_adddup2(&actions, ends[1], 1)
            posix_spawn_file_actions_adddup2(&actions, ends[1], 2)
            var argv: [UnsafeMutablePointer<CChar>?] = ([program] + arguments).map { strdup($0) }
            argv.append(nil)
            var child = pid_t()
            let result = posix_spawnp(&child, program, &actions, nil, &argv, environ)
            posix_spawn_file_actions_destroy(&actions)
            for argument in argv { free(argument) }
            close(ends[1])
            guard result == 0 else {
                close(ends[0])
                return continuation.resume(throwing: TransportError.system(result, program))
            }
            var output: [UInt8] = []
            var buffer = [UInt8](repeating: 0, count: 65_536)
            while true {
                let count = read(ends[0], &buffer, buffer.count)
                if count < 0, errno == EINTR { continue }
                guard count > 0 else { break }
                output.append(contentsOf: buffer[..<count])
            }
            close(ends[0])
            var status: Int32 = 0
            while waitpid(child, &status, 0) < 0, errno == EINTR {}
            let code = status & 0x7f == 0 ? status >> 8 & 0xff : -1
            continuation.resume(returning: (code, String(decoding: output, as: UTF8.self)))
        }
    }
}

/// Waits until the condition holds; false after a minute, which no machine needs.
func eventually(_ condition: () -> Bool) async -> Bool {
    for _ in 0..<12_000 {
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

/// Set once, from any thread.
final class Flag: Sendable {
    private let value = Atomic<Bool>(false)

    var isSet: Bool { value.load(ordering: .acquiring) }

    func set() { value.store(true, ordering: .releasing) }
}

/// Counted up from any thread.
final class Counter: Sendable {
    private let count = Atomic<Int>(0)

    var value: Int { count.load(ordering: .acquiring) }

    func increment() { count.add(1, ordering: .acquiringAndReleasing) }
}

/// Numbers in the order in which they were added.
final class Log: Sendable {
    private let entries = Mutex<[Int]>([])

    var values: [Int] { entries.withLock { $0 } }

    func append(_ value: Int) { entries.withLock { $0.append(value) } }
}
