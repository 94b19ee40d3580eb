import KubeModel
import Transport

/// Requests for another protocol (Kubernetes: `UpgradeAwareHandler.tryUpgrade`).
extension RequestForwarder {
    /// What an answer other than 101 may be: kube-apiserver gives it 10 seconds.
    private static let answerLimit = 3 << 20
    private static let answerLifetime = Duration.seconds(60)

    /// Asks the backend for the protocols of `offer`. Its 101 is passed on, and bytes go both ways until both directions have
    /// ended; another answer is passed on as it is, within bounds. A 101 for a protocol that was not offered is no answer.
    /// - Parameters:
    ///   - user: whose place the tunnel takes.
    ///   - done: called once, when it is known what the client is told.
    func forward(
        _ request: Request, offering offer: UpgradeOffer, to destination: ProxyDestination, by user: String,
        _ writer: any ResponseWriter, _ done: @escaping @Sendable (Outcome) -> Void
    ) {
        guard tunnels.enter(user) else {
            metrics.record(.refused)
            return done(.failed(.tooManyRequests()))
        }
        let task = Task {
            self.metrics.requestBegan()
            defer {
                self.metrics.requestEnded()
                self.tunnels.leave(user)
            }
            await self.carry(request, offer, destination, writer, done)
        }
        writer.onClose { task.cancel() }
    }

    private func carry(
        _ request: Request, _ offer: UpgradeOffer, _ destination: ProxyDestination, _ writer: any ResponseWriter,
        _ done: @escaping @Sendable (Outcome) -> Void
    ) async {
        let answer: HTTPClientStream
        let client: HTTPClient
        do {
            client = try makeClient(destination, liveness: .relay)
            var headers = request.headers
            headers["Upgrade"] = offer.field
            var asked = HTTPClientRequest(
                method: HTTPMethod(rawValue: request.method), target: request.target, headers: headers,
                timeout: answerTimeout, lifetime: Self.answerLifetime)
            asked.asksForUpgrade = true
            answer = try await client.stream(asked)
            if answer.upgrade != nil, !offer.covers(answer.headers) {
                throw TransportError(.protocolViolation, "it went over to a protocol that was not offered")
            }
        } catch {
            metrics.record(.failed)
            return done(.failed(Self.status(error)))
        }
        defer { client.shutdown() }
        guard let upgrade = answer.upgrade else {
            metrics.record(.answered)
            return await pass(answer, request, writer, limit: Self.answerLimit, done)
        }
        var headers = ProxyHeaders.response(answer.headers, prefix: request.prefix)
        for value in answer.headers.values("Upgrade") { headers.append(("Upgrade", value)) }
        metrics.record(.switched)
        await ProxyTunnel(upgrade, metrics).run(answer.body, headers: headers, writer) { done(.answered(101)) }
    }

    private static func status(_ error: any Error) -> Status {
        let message = "error trying to reach service: \(error)"
        if let error = error as? TransportError, error.code == .timedOut {
            return .timeout(message)
        }
        return .serviceUnavailable(message)
    }
}
