import KubeModel

/// `/openapi/v3`: an index with a hashed URL for each group and version, and the documents behind them, which clients
/// may keep for ever (KEP-2896). `/openapi/v2` is rendered from the same documents when somebody asks for it.
final class OpenAPIService: Sendable {
    private let documents: [String: EmbeddedDocuments.Document]
    private let hashes: [String: String]
    private let index: [UInt8]

    init(_ documents: [EmbeddedDocuments.Document]) {
        var byPath: [String: EmbeddedDocuments.Document] = [:]
        var hashes: [String: String] = [:]
        var paths = JSONObject()
        for document in documents {
            let hash = ContentHash.hex(document.bytes)
            byPath[document.path] = document
            hashes[document.path] = hash
            paths[document.path] = ["serverRelativeURL": .string("/openapi/v3/\(document.path)?hash=\(hash)")]
        }
        self.documents = byPath
        self.hashes = hashes
        index = JSONValue.object(["paths": .object(paths)]).encoded()
    }

    /// Answers a path that begins with `/openapi`; nil when there is nothing.
    func respond(_ exchange: Exchange) throws(Status) -> OutgoingResponse? {
        let segments = exchange.info.segments
        guard segments.count >= 2 else { return nil }
        switch segments[1] {
        case "v3" where segments.count == 2:
            try requireJSON(exchange)
            return tagged(exchange, index, ContentHash.hex(index), headers: [])
        case "v3":
            return try document(segments[2...].joined(separator: "/"), exchange)
        case "v2" where segments.count == 2:
            return try secondVersion(exchange)
        default: return nil
        }
    }

    private func document(_ path: String, _ exchange: Exchange) throws(Status) -> OutgoingResponse? {
        guard let document = documents[path], let hash = hashes[path] else { return nil }
        try requireJSON(exchange)
        guard let wanted = exchange.query["hash"] else { return tagged(exchange, document.bytes, hash, headers: []) }
        guard wanted == hash else {
            return OutgoingResponse(
                status: 301, contentType: "text/plain; charset=utf-8",
                headers: [("Location", "/openapi/v3/\(path)?hash=\(hash)")], body: [])
        }
        return tagged(
            exchange, document.bytes, hash, headers: [("Cache-Control", "public, immutable, max-age=31536000")])
    }

    private func tagged(
        _ exchange: Exchange, _ bytes: [UInt8], _ hash: String, headers: [(name: String, value: String)],
        contentType: String = "application/json"
    ) -> OutgoingResponse {
        let tag = "\"\(hash)\""
        let headers = headers + [(name: "ETag", value: tag), (name: "Vary", value: "Accept")]
        if exchange.request.ifNoneMatch == tag {
            return OutgoingResponse(status: 304, contentType: contentType, headers: headers, body: [])
        }
        return OutgoingResponse(contentType: contentType, headers: headers, body: [bytes])
    }

    /// Protobuf where it is named (clients before 1.27 take nothing else), JSON otherwise. Rendered for each request:
    /// few clients ask, and what they get would be a third of a megabyte to keep.
    private func secondVersion(_ exchange: Exchange) throws(Status) -> OutgoingResponse {
        let types = AcceptedMediaType.parse(exchange.request.accept ?? "")
        let wantsProtobuf = types.contains { $0.type.hasPrefix("application/com.github.proto-openapi.spec.v2") }
        if !wantsProtobuf { try requireJSON(exchange) }
        let parsed = documents.sorted { $0.key < $1.key }.compactMap { entry in
            // The documents were parsed at start: a failure here can't happen and leaves one out.
            try? JSONParser.parse(entry.value.bytes)
        }
        let document = OpenAPIv2Document(merging: parsed)
        let bytes = wantsProtobuf ? document.encodedProtobuf() : document.encodedJSON()
        return tagged(
            exchange, bytes, ContentHash.hex(bytes), headers: [],
            contentType: wantsProtobuf ? OpenAPIv2Document.protobufMediaType : "application/json")
    }

    /// What clients that want nothing but protobuf get for a v3 document: 406, as an invitation to ask for JSON.
    private func requireJSON(_ exchange: Exchange) throws(Status) {
        guard let accept = exchange.request.accept, !accept.isEmpty else { return }
        let types = AcceptedMediaType.parse(accept)
        if types.isEmpty || types.contains(where: { ["*/*", "application/*", "application/json"].contains($0.type) }) {
            return
        }
        throw Status.notAcceptable(supported: ["application/json"])
    }
}
