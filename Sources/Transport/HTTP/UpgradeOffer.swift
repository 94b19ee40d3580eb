/// The protocols that a request would have the connection leave HTTP for (RFC 9110, 7.8). Pure.
package struct UpgradeOffer: Sendable, Hashable {
    /// The value of `Upgrade`, as it was sent; several fields are joined.
    package let field: String

    /// nil when the request offers none: HTTP/1.0 and HTTP/2 have no upgrades, `Connection` has to name the field, and the
    /// answer to HEAD is never more than a head.
    package init?(_ request: HTTPRequest) {
        let fields = request.headers.values("Upgrade")
        guard !fields.isEmpty, request.version == .http11, request.method != .head,
            request.headers.values("Connection").contains(where: { Self.elements($0).contains("upgrade") })
        else { return nil }
        field = fields.joined(separator: ", ")
        guard !protocols.isEmpty else { return nil }
    }

    /// Whether a 101 with these fields goes over to protocols that were offered. One that names none does not.
    package func covers(_ headers: HTTPHeaders) -> Bool {
        let chosen = headers.values("Upgrade").flatMap(Self.elements)
        return !chosen.isEmpty && Set(chosen).isSubset(of: protocols)
    }

    /// Whether WebSockets (RFC 6455) are among them.
    package var isWebSocket: Bool { protocols.contains("websocket") }

    private var protocols: [String] { Self.elements(field) }

    /// The elements of a list (RFC 9110, 5.6.1), in lower case.
    private static func elements(_ value: String) -> [String] {
        value.split(separator: ",").map { element in
            var element = element
            while element.first == " " || element.first == "\t" { element.removeFirst() }
            while element.last == " " || element.last == "\t" { element.removeLast() }
            return element.lowercased()
        }.filter { !$0.isEmpty }
    }
}
