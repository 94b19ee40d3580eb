import APIResources
import KubeModel
import Synchronization

/// Documents that come and go while the server runs.
protocol OpenAPISource: Sendable {
    /// Those there are now. Those of a path that a built-in document has are left out.
    var documents: [OpenAPIService.AddedDocument] { get }
}

/// `/openapi/v3`: an index with a hashed URL for each group and version, and the documents behind them, which clients
/// may keep for ever (KEP-2896). `/openapi/v2` is rendered from the same documents when somebody asks for it.
///
/// A document's schemas come from where the kinds are described, its paths from what is served (`OpenAPIPaths`).
/// Everything is rendered for each request: few clients ask, and most of those keep what they got by its hash, while
/// the documents would be megabytes to hold.
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
    private let resources: @Sendable () -> [ServedResource]
    private let unstored: UnstoredResources
    private let source = Mutex<(any OpenAPISource)?>(nil)

    /// - Parameter resources: what is served at the time of the call.
    init(
        _ documents: [EmbeddedDocuments.Document], unstored: UnstoredResources,
        resources: @escaping @Sendable () -> [ServedResource]
    ) {
        var byPath: [String: EmbeddedDocuments.Document] = [:]
        var hashes: [String: String] = [:]
        let served = resources()
        for document in documents {
            byPath[document.path] = document
            let paths = OpenAPIPaths.summary(Self.operations(document.path, served, unstored))
            hashes[document.path] = ContentHash.hex(
                Array("\(ContentHash.hex(document.bytes))\n\(paths)".utf8))
        }
        self.documents = byPath
        self.hashes = hashes
        self.resources = resources
        self.unstored = unstored
    }

    func add(_ source: any OpenAPISource) {
        self.source.withLock { $0 = source }
    }

    private var added: [AddedDocument] {
        guard let source = source.withLock({ $0 }) else { return [] }
        return source.documents.filter { documents[$0.path] == nil }
    }

    /// Path → hash of everything there is now.
    private var current: [(path: String, hash: String)] {
        (hashes.map { ($0.key, $0.value) } + added.map { ($0.path, $0.hash) }).sorted { $0.0 < $1.0 }
    }

    private var index: [UInt8] {
        var paths = JSONObject()
        for (path, hash) in current {
            paths[path] = ["serverRelativeURL": .string("/openapi/v3/\(path)?hash=\(hash)")]
        }
        return JSONValue.object(["paths": .object(paths)]).encoded()
    }

    /// Answers a path that begins with `/openapi`; nil when there is nothing.
    func respond(_ exchange: Exchange) throws(Status) -> OutgoingResponse? {
        let segments = exchange.info.segments
        guard segments.count >= 2 else { return nil }
        switch segments[1] {
        case "v3" where segments.count == 2:
            try requireJSON(exchange)
            let index = index
            return tagged(exchange, ContentHash.hex(index)) { index }
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
        let render = { self.complete(added?.render() ?? self.documents[path]?.bytes ?? [], path).encoded() }
        try requireJSON(exchange)
        guard let wanted = exchange.query["hash"] else { return tagged(exchange, hash, render) }
        guard wanted == hash else {
            return OutgoingResponse(
                status: 301, contentType: "text/plain; charset=utf-8",
                headers: [("Location", "/openapi/v3/\(path)?hash=\(hash)")], body: [])
        }
        return tagged(
            exchange, hash, headers: [("Cache-Control", "public, immutable, max-age=31536000")], render)
    }

    /// The document with the paths of what is served.
    private func complete(_ bytes: [UInt8], _ path: String) -> JSONValue {
        // The documents were parsed at start, and the others written here: a failure can't happen.
        guard let document = try? JSONParser.parse(bytes), let groupVersion = Self.groupVersion(path) else {
            return [:]
        }
        let paths = OpenAPIPaths(groupVersion, schemas: document["components"]["schemas"].object ?? [:])
        var root: JSONValue = ["openapi": document["openapi"] ?? "3.0.0", "info": document["info"] ?? [:]]
        root["paths"] = .object(paths.paths(of: Self.operations(path, resources(), unstored)))
        for (key, value) in document.object ?? [:] where root[key] == nil { root[key] = value }
        return root
    }

    private static func operations(
        _ path: String, _ resources: [ServedResource], _ unstored: UnstoredResources
    ) -> [OpenAPIPaths.Resource] {
        let groupVersion = groupVersion(path)
        return resources.filter { $0.definition.groupVersion == groupVersion }.map { OpenAPIPaths.Resource($0) }
            + unstored.all.filter { $0.definition.groupVersion == groupVersion }.map { OpenAPIPaths.Resource($0) }
    }

    /// Of "api/v1" or "apis/apps/v1".
    private static func groupVersion(_ path: String) -> GroupVersion? {
        GroupVersion(path.hasPrefix("apis/") ? String(path.dropFirst(5)) : String(path.dropFirst(4)))
    }

    private func tagged(
        _ exchange: Exchange, _ hash: String, headers: [(name: String, value: String)] = [],
        contentType: String = "application/json", _ render: () -> [UInt8]
    ) -> OutgoingResponse {
        let tag = "\"\(hash)\""
        let headers = headers + [(name: "ETag", value: tag), (name: "Vary", value: "Accept")]
        if exchange.request.ifNoneMatch == tag {
            return OutgoingResponse(status: 304, contentType: contentType, headers: headers, body: [])
        }
        return OutgoingResponse(contentType: contentType, headers: headers, body: [render()])
    }

    /// Protobuf where it is named (clients before 1.27 take nothing else), JSON otherwise.
    private func secondVersion(_ exchange: Exchange) throws(Status) -> OutgoingResponse {
        let types = AcceptedMediaType.parse(exchange.request.accept ?? "")
        let wantsProtobuf = types.contains { $0.type.hasPrefix("application/com.github.proto-openapi.spec.v2") }
        if !wantsProtobuf { try requireJSON(exchange) }
        let contentType = wantsProtobuf ? OpenAPIv2Document.protobufMediaType : "application/json"
        let state = ([contentType] + current.map { "\($0.path) \($0.hash)" }).joined(separator: "\n")
        return tagged(exchange, ContentHash.hex(Array(state.utf8)), contentType: contentType) {
            let builtIn = documents.sorted { $0.key < $1.key }.map { complete($0.value.bytes, $0.key) }
            let document = OpenAPIv2Document(merging: builtIn + added.map { complete($0.render(), $0.path) })
            return wantsProtobuf ? document.encodedProtobuf() : document.encodedJSON()
        }
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
