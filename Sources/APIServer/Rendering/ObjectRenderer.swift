import KubeModel
import Store
import WatchCache

/// Stored bytes → a response in the shape the client asked for. Plain JSON joins the bytes as they are.
struct ObjectRenderer: Sendable {
    /// One object. `stored` are the store's bytes, which carry no version when `revision` is given, and those of the
    /// cache, which do, when it is nil.
    /// - Parameter cached: the very state in the cache, if it is there: what is encoded for it is kept beside it.
    func object(
        _ resource: ServedResource, stored: [UInt8], revision: Revision?, shape: ResponseShape, now: Timestamp,
        included: TableRenderer.IncludedObject = .metadata, cached: CachedObject? = nil
    ) throws(Status) -> OutgoingResponse {
        var bytes = stored
        if let revision { bytes = CachedObject.bytes(stored, with: revision) }
        if shape.format == .protobuf { return try protobuf(resource, bytes, shape.form, cached: cached) }
        bytes = try resource.served(bytes: bytes)
        switch shape.form {
        case .object:
            if shape.format == .yaml { return try yaml(bytes) }
            return OutgoingResponse(contentType: shape.contentType, body: [bytes, Self.newline])
        case .partialMetadata(let version):
            var output: [UInt8] = []
            MetadataCut.partialMetadata(of: bytes, version: version, into: &output)
            return try finished(output, shape)
        case .table(let version):
            let metadata: JSONValue = [
                "resourceVersion": .string(Self.version(of: bytes))
            ]
            let table = TableRenderer(columns: resource.columns, version: version, included: included, now: now)
            return try finished(try table.table([bytes], metadata: metadata.encoded()), shape)
        }
    }

    /// A list. `next` is the token to go on with and how many objects are left, if the list was cut.
    func list(
        _ resource: ServedResource, _ items: [CachedObject], revision: Revision, next: NextPage?, shape: ResponseShape,
        now: Timestamp, included: TableRenderer.IncludedObject = .metadata
    ) throws(Status) -> OutgoingResponse {
        var metadata: JSONObject = ["resourceVersion": .string(String(revision.rawValue))]
        if let next {
            metadata["continue"] = .string(next.token)
            if let remaining = next.remaining, remaining > 0 {
                metadata["remainingItemCount"] = .integer(Int64(remaining))
            }
        }
        if shape.format == .protobuf { return try protobufList(resource, items, .object(metadata), shape.form) }
        let listMetadata = metadata.encoded()
        switch shape.form {
        case .object:
            let head =
                Array(
                    "{\"kind\":\"\(resource.definition.listKind)\",\"apiVersion\":\"\(resource.apiVersion)\",\"metadata\":"
                        .utf8)
                + listMetadata
            let pieces = try Self.pieces(head, resource, items)
            if shape.format == .yaml { return try yaml(Array(pieces.joined())) }
            return OutgoingResponse(contentType: shape.contentType, body: pieces)
        case .partialMetadata(let version):
            var output =
                Array(
                    "{\"kind\":\"PartialObjectMetadataList\",\"apiVersion\":\"meta.k8s.io/\(version)\",\"metadata\":"
                        .utf8)
                + listMetadata + Array(",\"items\":[".utf8)
            for (index, item) in items.enumerated() {
                if index > 0 { output.append(UInt8(ascii: ",")) }
                MetadataCut.partialMetadata(of: try resource.served(bytes: item.bytes), version: version, into: &output)
            }
            output += Array("]}".utf8)
            return try finished(output, shape)
        case .table(let version):
            let table = TableRenderer(columns: resource.columns, version: version, included: included, now: now)
            var rows: [[UInt8]] = []
            rows.reserveCapacity(items.count)
            for item in items { rows.append(try resource.served(bytes: item.bytes)) }
            return try finished(try table.table(rows, metadata: listMetadata), shape)
        }
    }

    /// Where a cut list goes on.
    struct NextPage: Sendable {
        var token: String
        /// nil where it is not counted: with a selector.
        var remaining: Int?
    }

    private static func version(of bytes: [UInt8]) -> String {
        // The bytes are an object that this server encoded; without metadata there is no version to tell.
        (try? MetadataSpans(of: bytes)).map { String(decoding: bytes[$0.resourceVersion], as: UTF8.self) } ?? ""
    }

    /// The pieces of a list: the objects' own bytes, which every list shares, and what stands between them.
    private static func pieces(_ head: [UInt8], _ resource: ServedResource, _ items: [CachedObject]) throws(Status)
        -> [[UInt8]]
    {
        var pieces: [[UInt8]] = []
        pieces.reserveCapacity(2 * items.count + 2)
        pieces.append(head + itemsKey)
        for (index, item) in items.enumerated() {
            if index > 0 { pieces.append(comma) }
            pieces.append(try resource.served(bytes: item.bytes))
        }
        pieces.append(listEnd)
        return pieces
    }

    private func finished(_ bytes: [UInt8], _ shape: ResponseShape) throws(Status) -> OutgoingResponse {
        if shape.format == .yaml { return try yaml(bytes) }
        return OutgoingResponse(contentType: shape.contentType, body: [bytes, Self.newline])
    }

    private func yaml(_ bytes: [UInt8]) throws(Status) -> OutgoingResponse {
        do {
            return OutgoingResponse(
                contentType: "application/yaml", body: [YAMLDocument.encode(try JSONParser.parse(bytes))])
        } catch {
            throw Status.internalError("a stored object is not JSON")
        }
    }

    private static let itemsKey = Array(",\"items\":[".utf8)
    private static let comma = [UInt8(ascii: ",")]
    private static let listEnd = Array("]}\n".utf8)
    private static let newline = [UInt8(ascii: "\n")]
}
