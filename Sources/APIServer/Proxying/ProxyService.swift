import APIResources
import KubeModel
import NetworkTypes
import Transport

/// `proxy` of Pods and Services: what is behind them answers (Kubernetes: `ProxyREST`, `UpgradeAwareHandler`).
struct ProxyService: Sendable {
    let locator: ProxyLocator
    let forwarder: RequestForwarder

    /// Looks at a request before its body is read.
    /// - Throws: 400 for one that has a body and asks for another protocol: where the one ends and the other begins, and who
    ///   reads which of them, would be everybody's own opinion.
    func check(_ request: IncomingRequest) throws(Status) {
        if request.upgrade != nil, request.awaitsBody {
            throw .badRequest("a request that asks for an upgrade has no body here")
        }
    }

    /// - Throws: before anything is forwarded.
    /// - Parameter done: told once what the client gets, where it is not an answer of `exchange.writer`'s already.
    func perform(
        _ exchange: Exchange, _ operation: ResourceOperation,
        _ done: @escaping @Sendable (Result<OutgoingResponse?, Status>, Int) -> Void
    ) throws(Status) {
        let request = exchange.request
        let destination = try locator.destination(
            of: operation.resource.definition, namespace: operation.namespace, name: operation.name)
        // /api/v1/namespaces/NAMESPACE/RESOURCE/NAME/proxy
        let path = ProxyPath(request.path, steps: 7)
        let query = request.query.isEmpty ? "" : "?\(request.query)"
        // As in Kubernetes, not for another protocol: its clients follow no redirects.
        if request.upgrade == nil, path.rest.isEmpty, request.method == "GET" || request.method == "HEAD" {
            var redirect = OutgoingResponse(status: 301, contentType: "", body: [])
            redirect.headers = [("Location", "\(path.prefix)/\(query)")]
            return done(.success(redirect), 301)
        }
        let target = path.rest.isEmpty ? "/" : path.rest
        let forwarded = RequestForwarder.Request(
            method: request.method, target: target + query,
            headers: ProxyHeaders.request(
                request.headers, prefix: path.prefix, target: target, peer: request.peer?.ip,
                isTLS: request.isTLS),
            body: request.body, prefix: path.prefix)
        let tell: @Sendable (RequestForwarder.Outcome) -> Void = { outcome in
            switch outcome {
            case .answered(let status): done(.success(nil), status)
            case .failed(let status): done(.failure(status), Int(status.code))
            }
        }
        guard let offer = request.upgrade else {
            return forwarder.forward(forwarded, to: destination, exchange.writer, tell)
        }
        forwarder.forward(
            forwarded, offering: offer, to: destination, by: exchange.user.name, exchange.writer, tell)
    }
}
