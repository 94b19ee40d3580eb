import KubeModel
import NetworkTypes
import Synchronization
import Transport

/// Carries out readiness checks as the kubelet does: a new connection each, certificates unchecked.
final class ProbeClient: Sendable {
    private let loops: [EventLoop]
    private let tls: TLSContext

    init() throws(TransportError) {
        loops = try EventLoop.group(count: 1, name: "probes")
        tls = try TLSContext(client: .nothingVerified)
    }

    deinit {
        for loop in loops { loop.stop() }
    }

    /// Carries out one check.
    ///
    /// - Returns: nil for success, else what was wrong.
    func check(_ target: ProbeTarget, timeout: Duration) async -> String? {
        guard let number = UInt16(exactly: target.port), number != 0 else { return "\(target.port) is not a port" }
        do {
            switch target.check {
            case .tcp:
                guard let address = Self.address(target.host, number) else {
                    return "\(target.host) is not an IP address"
                }
                try await TCPAttempt.connect(to: address, on: loops[0], timeout: timeout)
                return nil
            case .grpc(let service):
                guard let address = Self.address(target.host, number) else {
                    return "\(target.host) is not an IP address"
                }
                let answer = try await HTTP2Call.post(
                    to: address, authority: "\(address)", path: GRPCHealth.path, fields: GRPCHealth.fields,
                    body: GRPCHealth.request(service: service), on: loops[0], timeout: timeout)
                return GRPCHealth.failure(
                    status: answer.status, code: answer["grpc-status"], message: answer["grpc-message"],
                    body: answer.body)
            case .http(let isSecure, let path, let headers):
                return try await get(target, Port(rawValue: number), isSecure, path, headers, timeout)
            }
        } catch {
            return "\(error)"
        }
    }

    private static func address(_ host: String, _ port: UInt16) -> SocketAddress? {
        IPAddress(host == "localhost" ? "127.0.0.1" : host).map { SocketAddress(ip: $0, port: Port(rawValue: port)) }
    }

    private func get(
        _ target: ProbeTarget, _ port: Port, _ isSecure: Bool, _ path: String, _ headers: [HTTPHeader],
        _ timeout: Duration
    ) async throws -> String? {
        let client = HTTPClient(
            endpoint: .tcp(host: target.host, port: port), tls: isSecure ? tls : nil, loops: loops,
            headers: ["User-Agent": "kube-probe/martlet", "Accept": "*/*"])
        defer { client.shutdown() }
        var request = HTTPClientRequest(target: path, timeout: timeout)
        request.headers.add("Connection", "close")
        for header in headers { request.headers.add(header.name, header.value) }
        // The head decides; the body may be endless.
        let status = try await client.stream(request).status
        return (200..<400).contains(status) ? nil : "HTTP probe failed with statuscode: \(status)"
    }
}

/// One connection attempt on an event loop.
///
/// `@unchecked Sendable`: everything but `init` happens on the loop's thread.
private final class TCPAttempt: EventHandler, @unchecked Sendable {
    private let loop: EventLoop
    private var continuation: CheckedContinuation<Void, any Error>?
    private var registration: LoopRegistration?
    private var descriptor: Int32 = -1
    private var timer: LoopTimer?

    private init(_ loop: EventLoop, _ continuation: CheckedContinuation<Void, any Error>) {
        self.loop = loop
        self.continuation = continuation
    }

    static func connect(to address: SocketAddress, on loop: EventLoop, timeout: Duration) async throws {
        try await withCheckedThrowingContinuation { continuation in
            let attempt = TCPAttempt(loop, continuation)
            loop.execute { attempt.start(address, timeout) }
        }
    }

    private func start(_ address: SocketAddress, _ timeout: Duration) {
        do {
            descriptor = try Socket.connect(address)
            registration = try loop.register(descriptor, handler: self, token: 0)
            timer = loop.schedule(after: timeout) { self.finish(TransportError(.timedOut, "connect: timed out")) }
        } catch {
            finish(error)
        }
    }

    func handle(_ events: ReadyEvents, token: UInt64) {
        guard events.contains(.writable) else { return }
        let code = Socket.pendingError(descriptor)
        finish(code == 0 ? nil : TransportError.system(code, "connect"))
    }

    private func finish(_ error: TransportError?) {
        guard let continuation else { return }
        self.continuation = nil
        timer?.cancel()
        timer = nil
        if let registration {
            loop.close(registration)
        } else if descriptor >= 0 {
            Socket.close(descriptor)
        }
        if let error { continuation.resume(throwing: error) } else { continuation.resume() }
    }
}
