import Transport

/// Answers every request with what it received, so that one can see which backend served it and what a proxy changed.
///
/// - `/healthz`: `ok`.
/// - `/status/CODE`: that status, 200 to 599.
/// - `/delay/MILLISECONDS`: the answer comes after the delay, at most a minute.
/// - `/bytes/COUNT`: that many bytes, at most 64 MiB.
/// - `/headers`: the request head as it arrived, one field a line.
/// - anything else: one line with the backend's name, the method, the host and the target.
struct EchoHandler: HTTPServerHandler {
    let name: String

    func handle(_ request: HTTPRequest, _ responder: HTTPResponder) {
        let parts = request.path.split(separator: "/")
        switch (parts.first, parts.count == 2 ? Int(parts[1]) : nil) {
        case ("healthz", nil):
            responder.send(HTTPResponse(status: 200, text: "ok\n"))
        case ("status", let code?) where (200...599).contains(code):
            responder.send(HTTPResponse(status: code, headers: headers, text: "\(code) from \(name)\n"))
        case ("delay", let milliseconds?) where (0...60_000).contains(milliseconds):
            responder.withBody(of: request) { request in
                let answer = summary(of: request)
                responder.loop.schedule(after: .milliseconds(milliseconds)) { responder.send(answer) }
            }
        case ("bytes", let count?) where (0...(64 << 20)).contains(count):
            let block = [UInt8](repeating: UInt8(ascii: "m"), count: min(count, 64 << 10))
            var body = [[UInt8]](repeating: block, count: block.isEmpty ? 0 : count / block.count)
            let rest = block.isEmpty ? 0 : count % block.count
            if rest > 0 { body.append(Array(block[..<rest])) }
            var headers = headers
            headers.add("Content-Type", "application/octet-stream")
            responder.send(HTTPResponse(status: 200, headers: headers, body: body))
        case ("headers", nil):
            var text = "\(request.method) \(request.target)\n"
            for field in request.headers { text += "\(field.name): \(field.value)\n" }
            responder.send(HTTPResponse(status: 200, headers: headers, text: text))
        default:
            responder.withBody(of: request) { responder.send(summary(of: $0)) }
        }
    }

    private var headers: HTTPHeaders { ["X-Served-By": name] }

    private func summary(of request: HTTPRequest) -> HTTPResponse {
        var text = "\(name) answers \(request.method) \(request.headers["Host"] ?? "-")\(request.target)"
        if !request.body.isEmpty { text += " with \(request.body.count) bytes" }
        if let client = request.headers["X-Forwarded-For"] { text += " for \(client)" }
        return HTTPResponse(status: 200, headers: headers, text: text + "\n")
    }
}
