import APIResources
import KubeModel
import WatchCache

extension ObjectRenderer {
    /// One object in protobuf.
    /// - Parameter bytes: as the cache has them, with their version.
    func protobuf(
        _ resource: ServedResource, _ bytes: [UInt8], _ form: ResponseShape.Form, cached: CachedObject?
    ) throws(Status) -> OutgoingResponse {
        let (apiVersion, kind) = resource.shownKind(form)
        let message =
            if let cached { try resource.protobufMessage(cached, form) } else {
                try resource.protobufMessage(bytes, form)
            }
        let head = ProtobufEncoder.envelopeHead(apiVersion: apiVersion, kind: kind, messageSize: message.count)
        return OutgoingResponse(contentType: ProtobufDocument.mediaType, body: [head, message])
    }

    /// A list in protobuf: the items' messages are those that every list and watch shares.
    func protobufList(
        _ resource: ServedResource, _ items: [CachedObject], _ metadata: JSONValue, _ form: ResponseShape.Form
    ) throws(Status) -> OutgoingResponse {
        let (apiVersion, kind) = resource.shownKind(form)
        let listKind = form == .object ? resource.definition.listKind : kind + "List"
        var messages: [[UInt8]] = []
        messages.reserveCapacity(items.count)
        for item in items { messages.append(try resource.protobufMessage(item, form)) }
        return OutgoingResponse(
            contentType: ProtobufDocument.mediaType,
            body: ProtobufEncoder.listAnswer(
                apiVersion: apiVersion, kind: listKind, metadata: metadata, items: messages))
    }
}

extension ServedResource {
    /// What an answer in protobuf says of itself. There are no Tables in protobuf.
    func shownKind(_ form: ResponseShape.Form) -> (apiVersion: String, kind: String) {
        switch form {
        case .object, .table: (apiVersion, definition.kind)
        case .partialMetadata(let version): ("meta.k8s.io/\(version)", "PartialObjectMetadata")
        }
    }

    /// An object's message. It is kept beside the object, once somebody has asked for it, where the cache is this
    /// resource's own: objects that are served in two forms have two messages.
    func protobufMessage(_ object: CachedObject, _ form: ResponseShape.Form) throws(Status) -> [UInt8] {
        guard form == .object, strategy.storedForm == nil else { return try protobufMessage(object.bytes, form) }
        return try object.encoded { bytes throws(Status) in try protobufMessage(bytes, form) }
    }

    /// - Parameter bytes: as the cache has them.
    func protobufMessage(_ bytes: [UInt8], _ form: ResponseShape.Form) throws(Status) -> [UInt8] {
        let bytes = try served(bytes: bytes)
        do {
            if form == .object {
                let document = try JSONParser.parse(bytes)
                return ProtobufEncoder.message(document.object ?? JSONObject(), named: protobufMessage ?? "")
            }
            guard let range = MetadataCut.metadata(in: bytes) else { return [] }
            let metadata = try JSONParser.parse(Array(bytes[range]))
            return ProtobufEncoder.message(["metadata": metadata], named: "PartialObjectMetadata")
        } catch {
            throw Status.internalError("a stored object of \(groupResource) is not JSON")
        }
    }
}
