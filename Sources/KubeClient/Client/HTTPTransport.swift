import KubeModel
import NetworkTypes
import Synchronization
package import Transport

/// Carries API requests over HTTP/1.1 keep-alive connections, with TLS, a client certificate, a bearer token or a
/// unix socket as the configuration says.
public final class HTTPTransport: APITransport {
    private let client: HTTPClient
    private let tls: TLSContext?
    private let configuration: ClientConfiguration
    // The mutex protects the token that was last read from the token file.
    private let fileToken = Mutex<(token: String, readAt: ContinuousClock.Instant)?>(nil)
    // The mutex protects the certificate that is shown, and when its file was last looked at.
    private let shown: Mutex<(certificate: [UInt8]?, readAt: ContinuousClock.Instant)>

    /// Makes an event loop of its own.
    public convenience init(_ configuration: ClientConfiguration) throws(ClientError) {
        do {
            try self.init(configuration, loops: EventLoop.group(count: 1, name: "client"))
        } catch let error as ClientError {
            throw error
        } catch {
            throw ClientError(.configuration, "the client cannot start", cause: error)
        }
    }

    /// Shares event loops with the rest of the process.
    package init(
        _ configuration: ClientConfiguration, loops: [EventLoop], liveness: ConnectionLiveness = .client
    ) throws(ClientError) {
        self.configuration = configuration
        shown = Mutex((configuration.clientCertificate, .now))
        var tls: TLSContext?
        if case .https = configuration.server { tls = try Self.tls(configuration) }
        self.tls = tls
        let headers: HTTPHeaders = ["User-Agent": configuration.userAgent]
        switch configuration.server {
        case .unix(let path):
            client = HTTPClient(endpoint: .unix(path: path), loops: loops, headers: headers)
        case .http(let host, let port):
            client = HTTPClient(
                endpoint: .tcp(host: host, port: try Self.port(port)), loops: loops, headers: headers,
                liveness: liveness)
        case .https(let host, let port):
            client = HTTPClient(
                endpoint: .tcp(host: host, port: try Self.port(port)), tls: tls, loops: loops, headers: headers,
                liveness: liveness)
        }
    }

    deinit { client.shutdown() }

    public func send(_ request: APIRequest) async throws -> APIResponse {
        do {
            let response = try await client.send(try outgoing(request))
            return APIResponse(
                status: response.status, body: response.body,
                retryAfterSeconds: response.headers["Retry-After"].flatMap { Int($0) })
        } catch let error as TransportError {
            try Task.checkCancellation()
            throw unreachable(error)
        }
    }

    public func open(_ request: APIRequest) async throws -> APIStream {
        do {
            let stream = try await client.stream(try outgoing(request))
            return APIStream(status: stream.status, chunks: chunks(stream.body))
        } catch let error as TransportError {
            try Task.checkCancellation()
            throw unreachable(error)
        }
    }

    private func chunks(_ body: HTTPClientBody) -> AsyncThrowingStream<[UInt8], any Error> {
        let reader = BodyReader(body)
        let server = configuration.server
        return AsyncThrowingStream(unfolding: {
            do {
                return try await reader.next()
            } catch let error as TransportError {
                try Task.checkCancellation()
                throw ClientError(.unreachable, "\(server)", cause: error)
            }
        })
    }

    private func unreachable(_ error: TransportError) -> ClientError {
        ClientError(.unreachable, "\(configuration.server)", cause: error)
    }

    private func outgoing(_ request: APIRequest) throws(ClientError) -> HTTPClientRequest {
        showRenewedCertificate()
        var headers: HTTPHeaders = ["Accept": request.accept]
        if let contentType = request.contentType { headers["Content-Type"] = contentType }
        if let token = try token() { headers["Authorization"] = "Bearer \(token)" }
        return HTTPClientRequest(
            method: HTTPMethod(rawValue: request.method), target: request.target, headers: headers, body: request.body,
            timeout: request.timeout, silence: request.silence, lifetime: request.lifetime)
    }

    /// Shows on new connections what the certificate's file holds by now. A pair that cannot be used, as while one of the two
    /// files is being replaced, is left for the next look.
    private func showRenewedCertificate() {
        guard let tls, let certificateFile = configuration.clientCertificateFile,
            let keyFile = configuration.clientKeyFile
        else { return }
        let now = ContinuousClock.now
        let isDue = shown.withLock { shown in
            guard now - shown.readAt >= .seconds(60) else { return false }
            shown.readAt = now
            return true
        }
        guard isDue, let certificate = try? ClientFile.read(certificateFile), let key = try? ClientFile.read(keyFile),
            shown.withLock({ $0.certificate }) != certificate,
            let identity = try? TLSIdentity(certificatePEM: certificate, keyPEM: key)
        else { return }
        tls.replaceCertificates(TLSCertificates(fallback: identity))
        shown.withLock { $0.certificate = certificate }
    }

    private func token() throws(ClientError) -> String? {
        guard let path = configuration.tokenFile else { return configuration.token }
        let now = ContinuousClock.now
        if let known = fileToken.withLock({ $0 }), now - known.readAt < .seconds(60) { return known.token }
        var text = Substring(String(decoding: try ClientFile.read(path), as: UTF8.self))
        while text.last?.isWhitespace == true { text.removeLast() }
        let token = String(text)
        fileToken.withLock { $0 = (token, now) }
        return token
    }

    private static func port(_ number: Int) throws(ClientError) -> Port {
        guard let value = UInt16(exactly: number), value != 0 else {
            throw ClientError(.configuration, "\(number) is not a port")
        }
        return Port(rawValue: value)
    }

    private static func tls(_ configuration: ClientConfiguration) throws(ClientError) -> TLSContext {
        if let name = configuration.tlsServerName, !name.isEmpty, configuration.server.host != name {
            throw ClientError(.configuration, "a TLS server name other than the host (\(name)) is not supported")
        }
        do {
            var identity: TLSIdentity?
            switch (configuration.clientCertificate, configuration.clientKey) {
            case (let certificate?, let key?):
                identity = try TLSIdentity(certificatePEM: certificate, keyPEM: key)
            case (nil, nil): break
            default: throw ClientError(.configuration, "a client certificate needs its key, and a key its certificate")
            }
            let trust: TLSContext.ServerTrust
            if configuration.skipsServerVerification {
                trust = .nothingVerified
            } else if let authority = configuration.certificateAuthority {
                trust = .authorities(pem: authority)
            } else {
                trust = .system
            }
            return try TLSContext(client: trust, identity: identity)
        } catch let error as ClientError {
            throw error
        } catch {
            throw ClientError(.configuration, "TLS cannot be set up", cause: error)
        }
    }
}

/// Reads one body for one consumer.
///
/// `@unchecked Sendable`: an `AsyncThrowingStream` has a single consumer, which asks for one piece after the other.
private final class BodyReader: @unchecked Sendable {
    private var iterator: HTTPClientBody.AsyncIterator

    init(_ body: HTTPClientBody) { iterator = body.makeAsyncIterator() }

    func next() async throws -> [UInt8]? { try await iterator.next() }
}

extension APIClient {
    /// A client over HTTP.
    public convenience init(_ configuration: ClientConfiguration) throws(ClientError) {
        self.init(transport: try HTTPTransport(configuration))
    }
}
