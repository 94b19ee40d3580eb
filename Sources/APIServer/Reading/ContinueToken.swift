import KubeModel

/// Where a list that was cut by `limit` goes on: base64url of a small document, opaque to clients.
struct ContinueToken: Sendable, Hashable {
    /// The moment the whole list shows.
    var revision: Int64
    /// `[NAMESPACE/]NAME` of the last object that was sent.
    var start: String

    init(revision: Int64, start: String) {
        self.revision = revision
        self.start = start
    }

    /// - Throws: 400 for what this server did not make.
    init(parsing text: String) throws(Status) {
        guard let bytes = Base64URL.decode(text), let document = try? JSONParser.parse(bytes),
            document["v"].string == "meta.k8s.io/v1", let revision = document["rv"].int, revision > 0,
            let start = document["start"].string
        else {
            // Why a token does not parse says nothing to a client: it can only start over.
            throw Status.badRequest("continue key is not valid: it must be the value from an earlier list response")
        }
        self.init(revision: Int64(revision), start: start)
    }

    var text: String {
        let document: JSONValue = ["v": "meta.k8s.io/v1", "rv": .integer(revision), "start": .string(start)]
        return Base64URL.encode(document.encoded())
    }
}
