import Foundation
import KubeModel
import Testing

/// An answer as it came over the wire.
struct WireResponse: Sendable, CustomStringConvertible {
    var status: Int
    /// "HTTP/1.1", "HTTP/2".
    var version: String
    /// Names in lower case.
    var headers: [String: String]
    var body: String

    var description: String { "\(version) \(status) \(headers)\n\(body)" }

    func json() throws -> JSONValue { try JSONParser.parse(Array(body.utf8)) }
}

extension MartletServer {
    enum Credentials { case token, certificate, none }

    /// Sends one request with `curl` over TLS.
    func request(
        _ method: String, _ target: String, body: String? = nil, type: String = "application/json",
        headers: [String] = [], credentials: Credentials = .token, options: [String] = []
    ) async throws -> WireResponse {
        var arguments = ["--cacert", file("ca.crt"), "--request", method, url + target] + options
        switch credentials {
        case .token: arguments += ["--header", "Authorization: Bearer " + (try token())]
        case .certificate: arguments += ["--cert", file("admin.crt"), "--key", file("admin.key")]
        case .none: break
        }
        return try await Self.curl(arguments, body: body, type: type, headers: headers)
    }

    /// Sends one request with `curl` over the unix socket, which needs no credentials.
    func localRequest(_ method: String, _ target: String, body: String? = nil) async throws -> WireResponse {
        let arguments = ["--unix-socket", file("api.sock"), "--request", method, "http://localhost" + target]
        return try await Self.curl(arguments, body: body, type: "application/json", headers: [])
    }

    func token() throws -> String {
        try String(contentsOfFile: file("admin.token"), encoding: .utf8).trimmingCharacters(in: .whitespacesAndNewlines)
    }

    private static func curl(
        _ arguments: [String], body: String?, type: String, headers: [String]
    ) async throws -> WireResponse {
        var arguments = ["--silent", "--show-error", "--include", "--globoff", "--max-time", "60"] + arguments
        for header in headers { arguments += ["--header", header] }
        if body != nil {
            // Without "Expect" curl sends large bodies at once, as Kubernetes' clients do.
            arguments += ["--header", "Content-Type: " + type, "--header", "Expect:", "--data-binary", "@-"]
        }
        let output = try await Program.run("curl", arguments, input: body)
        guard output.succeeded else { throw Program.Failure(description: "curl: \(output)") }
        return try parse(output.out)
    }

    private static func parse(_ text: String) throws -> WireResponse {
        var rest = Substring(text)
        while true {
            let end = try #require(rest.firstRange(of: "\r\n\r\n"), "no head in \(text)")
            let lines = rest[..<end.lowerBound].split(separator: "\r\n")
            rest = rest[end.upperBound...]
            let first = lines[0].split(separator: " ", maxSplits: 2)
            let status = try #require(Int(first[1]))
            // An interim answer comes before the one that counts.
            if status < 200 { continue }
            var headers: [String: String] = [:]
            for line in lines.dropFirst() {
                let parts = line.split(separator: ":", maxSplits: 1)
                let value = parts.count == 2 ? parts[1].trimmingCharacters(in: .whitespaces) : ""
                headers[parts[0].lowercased(), default: ""] += value
            }
            return WireResponse(status: status, version: String(first[0]), headers: headers, body: String(rest))
        }
    }
}
