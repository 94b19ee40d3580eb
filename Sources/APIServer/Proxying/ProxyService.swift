import APIResources
import KubeModel
import NetworkTypes
import Transport

/// `proxy` of Pods and Services: what is behind them answers (Kubernetes: `ProxyREST`, `UpgradeAwareHandler`).
struct ProxyService: Sendable {
    let locator: ProxyLocator
    let forwarder: RequestForwarder

    /// - Throws: before anything is forwarded.
    /// - Parameter done: told once what the client gets, where it is not an answer of `exchange.writer`'s already.
    func perform(
        _ exchange: Exchange, _ operation: ResourceOperation,
        _ done: @escaping @Sendable (Result<OutgoingResponse?, Status>, Int) -> Void
    ) throws(Status) {
        let request = exchange.request
        guard request.headers["Upgrade"] == nil else {
            throw Status(
                code: 501, reason: "NotImplemented",
                message:
                    "proxy of \(operation.resource.definition.groupResource) \(goQuoted(operation.name)): this server "
                    + "forwards no upgrades of the protocol")
        }
        let destination = try locator.destination(
            of: operation.resource.definition, namespace: operation.namespace, name: operation.name)
        // /api/v1/namespaces/NAMESPACE/RESOURCE/NAME/proxy
        let path = ProxyPath(request.path, steps: 7)
        let query = request.query.isEmpty ? "" : "?\(request.query)"
        if path.rest.isEmpty, request.method == "GET" || request.method == "HEAD" {
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
        forwarder.forward(forwarded, to: destination, exchange.writer) { outcome in
            switch outcome {
            case .answered(let status): done(.success(nil), status)
            case .failed(let status): done(.failure(status), Int(status.code))
            }
        }
    }
}
