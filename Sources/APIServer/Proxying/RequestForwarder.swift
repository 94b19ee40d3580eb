import KubeModel
import NetworkTypes
import Synchronization
import Transport

/// Sends a request to a Pod and its answer back, piece by piece as the client reads it. Works beside the event loops;
/// what waits in memory for one client stays below a bound.
final class RequestForwarder: Sendable {
    /// Requests that are forwarded at the same time; each costs a connection and what waits for its client.
    static let maximum = 256
    /// Bytes that wait for a client before no more is read from the backend.
    private static let highWater = 256 << 10

    private let loops: [EventLoop]
    private let maximum: Int
    private let connectTimeout: Duration
    /// Until the head of a backend's answer to a request for another protocol is there.
    let answerTimeout: Duration
    let tunnels: TunnelLimit
    let metrics: ProxyMetrics
    private let open = Atomic(0)
    private let insecureTLS = Mutex<TLSContext?>(nil)

    init(
        loops: [EventLoop], metrics: ProxyMetrics = ProxyMetrics(), maximum: Int = RequestForwarder.maximum,
        tunnels: TunnelLimit = TunnelLimit(), connectTimeout: Duration = .seconds(10),
        answerTimeout: Duration = .seconds(30)
    ) {
        self.loops = loops
        self.metrics = metrics
        self.maximum = maximum
        self.tunnels = tunnels
        self.connectTimeout = connectTimeout
        self.answerTimeout = answerTimeout
    }

    func makeClient(
        _ destination: ProxyDestination, liveness: ConnectionLiveness = .client
    ) throws -> HTTPClient {
        HTTPClient(
            endpoint: .tcp(host: destination.address.description, port: destination.port),
            tls: destination.usesTLS ? try tls() : nil, loops: loops, liveness: liveness,
            connectTimeout: connectTimeout)
    }

    /// What is forwarded.
    struct Request: Sendable {
        var method: String
        /// Path and query.
        var target: String
        var headers: HTTPHeaders
        var body: [UInt8]
        /// What this server has taken off the path.
        var prefix: String
    }

    /// What became of it: the status that the client was told.
    enum Outcome: Sendable {
        /// The answer is sent, or on its way.
        case answered(Int)
        case failed(Status)
    }

    /// Answers through `writer`, or tells in `done`, which is called once, why there is nothing to be forwarded.
    func forward(
        _ request: Request, to destination: ProxyDestination, _ writer: any ResponseWriter,
        _ done: @escaping @Sendable (Outcome) -> Void
    ) {
        guard open.add(1, ordering: .relaxed).newValue <= maximum else {
            open.subtract(1, ordering: .relaxed)
            return done(.failed(.tooManyRequests()))
        }
        let task = Task {
            self.metrics.requestBegan()
            defer {
                self.metrics.requestEnded()
                self.open.subtract(1, ordering: .relaxed)
            }
            await self.carry(request, destination, writer, done)
        }
        writer.onClose { task.cancel() }
    }

    private func carry(
        _ request: Request, _ destination: ProxyDestination, _ writer: any ResponseWriter,
        _ done: @escaping @Sendable (Outcome) -> Void
    ) async {
        let answer: HTTPClientStream
        let client: HTTPClient
        do {
            client = try makeClient(destination)
            answer = try await client.stream(
                HTTPClientRequest(
                    method: HTTPMethod(rawValue: request.method), target: request.target, headers: request.headers,
                    body: request.body, timeout: nil))
        } catch {
            return done(.failed(.serviceUnavailable("error trying to reach service: \(error)")))
        }
        defer { client.shutdown() }
        await pass(answer, request, writer, limit: nil, done)
    }

    /// Passes an answer on. One whose body is longer than `limit` is cut off.
    func pass(
        _ answer: HTTPClientStream, _ request: Request, _ writer: any ResponseWriter, limit: Int?,
        _ done: @escaping @Sendable (Outcome) -> Void
    ) async {
        let headers = ProxyHeaders.response(answer.headers, prefix: request.prefix)
        if request.method == "HEAD" || answer.status == 204 || answer.status == 304 {
            var response = OutgoingResponse(status: answer.status, contentType: "", body: [])
            response.headers = headers
            writer.send(response)
            return done(.answered(answer.status))
        }
        let stream = writer.startBody(status: answer.status, headers: headers)
        done(.answered(answer.status))
        await pass(answer.body, to: stream, limit: limit)
    }

    private func pass(_ body: HTTPClientBody, to stream: any BodyStream, limit: Int?) async {
        let reading = Task {
            do {
                var passed = 0
                for try await piece in body {
                    passed += piece.count
                    if let limit, passed > limit { return stream.cancel() }
                    stream.write(piece)
                    await withCheckedContinuation { continuation in
                        stream.onRoom(below: Self.highWater) { continuation.resume() }
                    }
                }
                stream.finish()
            } catch {
                // Half an answer must not be taken for a whole one.
                stream.cancel()
            }
        }
        stream.onClose { reading.cancel() }
        await reading.value
    }

    /// Encryption without authentication, as kube-apiserver's: the certificates of Pods are nobody's to check here.
    private func tls() throws -> TLSContext {
        try insecureTLS.withLock { context throws(TransportError) in
            if let context { return context }
            let made = try TLSContext(client: .nothingVerified)
            context = made
            return made
        }
    }
}
