import KubeModel
import Synchronization

/// Documents that come and go while the server runs.
protocol OpenAPISource: Sendable {
    /// Those there are now. Those of a path that a built-in document has are left out.
    var documents: [OpenAPIService.AddedDocument] { get }
}

/// `/openapi/v3`: an index with a hashed URL for each group and version, and the documents behind them, which clients
/// may keep for ever (KEP-2896). `/openapi/v2` is rendered from the same documents when somebody asks for it.
final class OpenAPIService: Sendable {
    /// A document of a group and version that is no built-in one.
    struct AddedDocument: Sendable {
        /// "apis/example.com/v1".
        var path: String
        /// Another for every other content.
        var hash: String
        var render: @Sendable () -> [UInt8]
    }

    private let documents: [String: EmbeddedDocuments.Document]
    private let hashes: [String: String]
    /// The paths of the built-in documents.
    private let paths: JSONObject
    private let source = Mutex<(any OpenAPISource)?>(nil)

    init(_ documents: [EmbeddedDocuments.Document]) {
        var byPath: [String: EmbeddedDocuments.Document] = [:]
        var hashes: [String: String] = [:]
        var paths = JSONObject()
        for document in documents {
            let hash = ContentHash.hex(document.bytes)
            byPath[document.path] = document
            hashes[document.path] = hash
            paths[document.path] = Self.entry(document.path, hash)
        }
        self.documents = byPath
        self.hashes = hashes
        self.paths = paths
    }

    func add(_ source: any OpenAPISource) {
        self.source.withLock { $0 = source }
    }

    private var added: [AddedDocument] {
        guard let source = source.withLock({ $0 }) else { return [] }
        return source.documents.filter { documents[$0.path] == nil }
    }

    private var index: [UInt8] {
        var all = paths
        for document in added { all[document.path] = Self.entry(document.path, document.hash) }
        return JSONValue.object(["paths": .object(all)]).encoded()
    }

    private static func entry(_ path: String, _ hash: String) -> JSONValue {
        ["serverRelativeURL": .string("/openapi/v3/\(path)?hash=\(hash)")]
    }

    /// Answers a path that begins with `/openapi`; nil when there is nothing.
    func respond(_ exchange: Exchange) throws(Status) -> OutgoingResponse? {
        let segments = exchange.info.segments
        guard segments.count >= 2 else { return nil }
        switch segments[1] {
        case "v3" where segments.count == 2:
            try requireJSON(exchange)
            let index = index
            return tagged(exchange, index, ContentHash.hex(index), headers: [])
        case "v3":
            return try document(segments[2...].joined(separator: "/"), exchange)
        case "v2" where segments.count == 2:
            return try secondVersion(exchange)
        default: return nil
        }
    }

    private func document(_ path: String, _ exchange: Exchange) throws(Status) -> OutgoingResponse? {
        let added = documents[path] == nil ? added.first { $0.path == path } : nil
        guard let hash = added?.hash ?? hashes[path] else { return nil }
        let bytes = { added?.render() ?? self.documents[path]?.bytes ?? [] }
        try requireJSON(exchange)
        guard let wanted = exchange.query["hash"] else { return tagged(exchange, bytes(), hash, headers: []) }
        guard wanted == hash else {
            return OutgoingResponse(
                status: 301, contentType: "text/plain; charset=utf-8",
                headers: [("Location", "/openapi/v3/\(path)?hash=\(hash)")], body: [])
        }
        return tagged(
            exchange, bytes(), hash, headers: [("Cache-Control", "public, immutable, max-age=31536000")])
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
        let parsed = (documents.sorted { $0.key < $1.key }.map(\.value.bytes) + added.map { $0.render() }).compactMap {
            // The documents were parsed at start, and the others written here: a failure can't happen and leaves one out.
            try? JSONParser.parse($0)
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
