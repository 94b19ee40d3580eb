import NetworkTypes
import Transport

/// Which fields of a message go through the proxy, and how (RFC 9110, 7.6.1). Pure.
enum ProxyHeaders {
    /// What concerns one connection only, besides what `Connection` names.
    private static let hopByHop: Set<String> = [
        "connection", "keep-alive", "proxy-authenticate", "proxy-authorization", "proxy-connection", "te", "trailer",
        "transfer-encoding", "upgrade",
    ]
    /// What is this server's affair: credentials for it go no further, and what it says itself is not the client's to say.
    private static let own: Set<String> = [
        "authorization", "content-length", "expect", "x-forwarded-host", "x-forwarded-proto", "x-forwarded-uri",
    ]

    /// What a backend may not grant to scripts of other origins: to them it is this server, as Kubernetes has it too.
    private static let granted: Set<String> = [
        "access-control-allow-credentials", "access-control-allow-headers", "access-control-allow-methods",
        "access-control-allow-origin",
    ]

    /// - Parameters:
    ///   - prefix: the part of the path that this server has taken off.
    ///   - target: the path that is asked for, without query.
    static func request(
        _ headers: HTTPHeaders, prefix: String, target: String, peer: IPAddress?, isTLS: Bool
    ) -> HTTPHeaders {
        let dropped = connectionOptions(headers)
        var result = HTTPHeaders()
        var forwardedFor: [String] = []
        for field in headers {
            let name = field.name.lowercased()
            if hopByHop.contains(name) || own.contains(name) || dropped.contains(name) { continue }
            if name == "x-forwarded-for" {
                forwardedFor.append(field.value)
            } else {
                result.add(field.name, field.value)
            }
        }
        if let peer { forwardedFor.append(peer.description) }
        if !forwardedFor.isEmpty { result.add("X-Forwarded-For", forwardedFor.joined(separator: ", ")) }
        result.add("X-Forwarded-Uri", prefix + target)
        if let host = headers["Host"] { result.add("X-Forwarded-Host", host) }
        result.add("X-Forwarded-Proto", isTLS ? "https" : "http")
        return result
    }

    /// The fields of an answer. A redirect to a path of the backend leads through the proxy again.
    static func response(_ headers: HTTPHeaders, prefix: String) -> [(name: String, value: String)] {
        let dropped = connectionOptions(headers)
        var result: [(name: String, value: String)] = []
        for field in headers {
            let name = field.name.lowercased()
            if hopByHop.contains(name) || name == "content-length" || granted.contains(name) || dropped.contains(name) {
                continue
            }
            result.append((field.name, name == "location" ? location(field.value, prefix) : field.value))
        }
        return result
    }

    private static func location(_ text: String, _ prefix: String) -> String {
        guard text.hasPrefix("/"), !text.hasPrefix("//"), text != prefix, !text.hasPrefix(prefix + "/") else {
            return text
        }
        return prefix + text
    }

    private static func connectionOptions(_ headers: HTTPHeaders) -> Set<String> {
        Set(
            headers.values("Connection").flatMap { $0.split(separator: ",") }.map { option in
                String(option.filter { $0 != " " && $0 != "\t" }).lowercased()
            })
    }
}
