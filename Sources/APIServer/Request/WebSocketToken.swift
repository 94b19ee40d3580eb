import KubeModel
import Transport

/// The bearer token that a WebSocket's opening carries as one of its protocols, since scripts in browsers can't set
/// `Authorization` (Kubernetes: `base64url.bearer.authorization.k8s.io.TOKEN` in `Sec-WebSocket-Protocol`). Pure.
enum WebSocketToken {
    private static let field = "Sec-WebSocket-Protocol"
    private static let prefix = "base64url.bearer.authorization.k8s.io."

    /// Takes it out of `headers`: it is neither to be echoed nor for a backend to see.
    /// - Returns: nil where there is none; "", which nobody has, for one that is malformed, for two, and for one without
    ///   another protocol beside it, of which the answer could name one.
    static func take(from headers: inout HTTPHeaders) -> String? {
        let offered = headers.values(field).flatMap { $0.split(separator: ",") }.map(trimmed)
        let tokens = offered.filter { $0.hasPrefix(prefix) }
        guard let first = tokens.first else { return nil }
        let others = offered.filter { !$0.hasPrefix(prefix) && !$0.isEmpty }
        headers[field] = others.isEmpty ? nil : others.joined(separator: ", ")
        let encoded = first.dropFirst(prefix.count)
        guard tokens.count == 1, !others.isEmpty, !encoded.contains("="), let bytes = Base64URL.decode(String(encoded))
        else { return "" }
        return String(validating: bytes, as: UTF8.self) ?? ""
    }

    private static func trimmed(_ text: Substring) -> Substring {
        var text = text
        while text.first == " " || text.first == "\t" { text.removeFirst() }
        while text.last == " " || text.last == "\t" { text.removeLast() }
        return text
    }
}
