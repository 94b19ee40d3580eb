import Transport

/// `/metrics` and `/healthz` of the data plane, in plain HTTP as kube-proxy serves them.
struct MetricsHandler: HTTPServerHandler {
    let text: @Sendable () async -> String

    func handle(_ request: HTTPRequest, _ responder: HTTPResponder) {
        guard request.method == "GET" else {
            return responder.send(HTTPResponse(status: 405, headers: ["Allow": "GET"], text: "Method Not Allowed\n"))
        }
        switch request.path {
        case "/healthz": responder.send(HTTPResponse(status: 200, text: "ok\n"))
        case "/metrics":
            Task {
                let page = Array(await text().utf8)
                responder.send(
                    HTTPResponse(
                        status: 200, headers: ["Content-Type": "text/plain; version=0.0.4; charset=utf-8"], body: page))
            }
        default: responder.send(HTTPResponse(status: 404, text: "404 page not found\n"))
        }
    }
}
