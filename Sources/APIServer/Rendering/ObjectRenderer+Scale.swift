import APIResources
import KubeModel

extension ObjectRenderer {
    /// The `Scale` of an object, in the shape the client asked for.
    func scale(_ scale: JSONValue, shape: ResponseShape, now: Timestamp) throws(Status) -> OutgoingResponse {
        if shape.format == .protobuf {
            var document = scale
            if case .partialMetadata(let version) = shape.form {
                document["apiVersion"] = .string("meta.k8s.io/\(version)")
                document["kind"] = "PartialObjectMetadata"
            }
            return OutgoingResponse(document: document, .protobuf)
        }
        let bytes: [UInt8]
        switch shape.form {
        case .object: bytes = scale.encoded()
        case .partialMetadata(let version):
            var output: [UInt8] = []
            MetadataCut.partialMetadata(of: scale.encoded(), version: version, into: &output)
            bytes = output
        case .table(let version):
            let metadata: JSONValue = ["resourceVersion": scale["metadata"]["resourceVersion"] ?? ""]
            let table = TableRenderer(columns: BuiltInTables.scales, version: version, included: .metadata, now: now)
            bytes = try table.table([scale.encoded()], metadata: metadata.encoded())
        }
        guard shape.format == .yaml else {
            return OutgoingResponse(contentType: shape.contentType, body: [bytes, [UInt8(ascii: "\n")]])
        }
        do {
            return OutgoingResponse(
                contentType: shape.contentType, body: [YAMLDocument.encode(try JSONParser.parse(bytes))])
        } catch {
            throw Status.internalError("a Scale is not JSON")
        }
    }
}
