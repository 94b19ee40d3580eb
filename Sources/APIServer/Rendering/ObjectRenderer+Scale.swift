import APIResources
import KubeModel

extension ObjectRenderer {
    /// The `Scale` of an object, in the shape the client asked for.
    func scale(_ scale: JSONValue, shape: ResponseShape, now: Timestamp) throws(Status) -> OutgoingResponse {
        switch shape.form {
        case .object: return OutgoingResponse(document: scale, shape.format)
        case .partialMetadata(let version):
            let document = MetadataCut.partialMetadata(scale["metadata"] ?? [:], version: version)
            return OutgoingResponse(document: document, shape.format)
        case .table(let version):
            let metadata: JSONValue = ["resourceVersion": scale["metadata"]["resourceVersion"] ?? ""]
            let table = TableRenderer(columns: BuiltInTables.scales, version: version, included: .metadata, now: now)
            let bytes = try table.table([scale.encoded()], metadata: metadata.encoded())
            do {
                return OutgoingResponse(document: try JSONParser.parse(bytes), shape.format)
            } catch {
                throw Status.internalError("a Table is not JSON")
            }
        }
    }
}
