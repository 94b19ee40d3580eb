import Glibc
import Synchronization

/// A server that sends what its script says for each request, and then nothing more: connections stay open.
final class ScriptedServer: Sendable {
    /// Bytes to send for a request line, in pieces; whether a request is a watch can be told by the line.
    typealias Script = @Sendable (_ requestLine: String) -> String

    let port: UInt16
    private let listener: Int32
    private let state = Mutex(State())

    private struct State {
        var requests: [String] = []
        var connections: [Int32] = []
        var isStopped = false
    }

    init(_ script: @escaping Script) throws {
        listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let listener = listener
        let isListening = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(listener, $0, length) == 0 && listen(listener, 64) == 0 && getsockname(listener, $0, &length) == 0
            }
        }
        guard isListening else { throw Failure() }
        port = UInt16(bigEndian: address.sin_port)
        Self.thread { [weak self] in
            while true {
                let descriptor = accept(listener, nil, nil)
                guard descriptor >= 0 else { return }
                guard let self, self.keep(descriptor) else {
                    close(descriptor)
                    return
                }
                Self.thread { [weak self] in self?.serve(descriptor, script) }
            }
        }
    }

    deinit { stop() }

    struct Failure: Error {}

    /// The request lines so far.
    var requests: [String] { state.withLock { $0.requests } }

    /// Closes everything.
    func stop() {
        let connections = state.withLock { state in
            defer { (state.connections, state.isStopped) = ([], true) }
            return state.isStopped ? [] : state.connections + [listener]
        }
        for descriptor in connections { shutdown(descriptor, Int32(SHUT_RDWR)) }
        for descriptor in connections { close(descriptor) }
    }

    private func keep(_ descriptor: Int32) -> Bool {
        state.withLock { state in
            if !state.isStopped { state.connections.append(descriptor) }
            return !state.isStopped
        }
    }

    private func serve(_ descriptor: Int32, _ script: Script) {
        var head: [UInt8] = []
        var byte: UInt8 = 0
        while recv(descriptor, &byte, 1, 0) == 1 {
            head.append(byte)
            guard head.suffix(4) == [13, 10, 13, 10] else { continue }
            let line = String(decoding: head.prefix { $0 != 13 }, as: UTF8.self)
            head = []
            state.withLock { $0.requests.append(line) }
            let answer = Array(script(line).utf8)
            _ = answer.withUnsafeBytes { send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
        }
    }

    private static func thread(_ body: @escaping @Sendable () -> Void) {
        let box = Unmanaged.passRetained(Body(body))
        var thread = pthread_t()
        let failure = pthread_create(
            &thread, nil,
            { context in
                guard let context else { return nil }
                Unmanaged<Body>.fromOpaque(context).takeRetainedValue().run()
                return nil
            }, box.toOpaque())
        if failure == 0 { pthread_detach(thread) } else { box.release() }
    }

    private final class Body: Sendable {
        let run: @Sendable () -> Void
        init(_ run: @escaping @Sendable () -> Void) { self.run = run }
    }
}
