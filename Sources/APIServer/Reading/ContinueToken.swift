import KubeModel
import Store

/// Where a list that was cut by `limit` goes on: base64url of a small document, opaque to clients.
struct ContinueToken: Sendable, Hashable {
    /// The moment the whole list shows; nil: what is there when the token is used. Kubernetes writes -1 for that, in the
    /// token of a 410 that takes the place of one whose moment is gone.
    var revision: Revision?
    /// `[NAMESPACE/]NAME` of the last object that was sent.
    var start: String

    init(revision: Revision?, start: String) {
        self.revision = revision
        self.start = start
    }

    /// - Throws: 400 for what this server did not make.
    init(parsing text: String) throws(Status) {
        guard let bytes = Base64URL.decode(text), let document = try? JSONParser.parse(bytes) else {
            // Why a token does not parse says nothing to a client: it can only start over.
            throw Self.invalid("")
        }
        guard document["v"].string == "meta.k8s.io/v1" else {
            throw Self.invalid(": server does not recognize this encoded version")
        }
        guard let number = document["rv"].int, number != 0 else {
            throw Self.invalid(": incorrect encoded start resourceVersion (version meta.k8s.io/v1)")
        }
        guard let start = document["start"].string, !start.isEmpty else {
            throw Self.invalid(": encoded start key empty (version meta.k8s.io/v1)")
        }
        self.init(revision: number > 0 ? Revision(Int64(number)) : nil, start: start)
    }

    var text: String {
        let document: JSONValue = [
            "v": "meta.k8s.io/v1", "rv": .integer(revision?.rawValue ?? -1), "start": .string(start),
        ]
        return Base64URL.encode(document.encoded())
    }

    private static func invalid(_ reason: String) -> Status {
        .badRequest("invalid continue token: continue key is not valid\(reason)")
    }
}
