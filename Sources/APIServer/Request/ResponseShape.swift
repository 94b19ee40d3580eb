import APIResources
import KubeModel

/// In which form a client gets objects.
struct ResponseShape: Sendable, Hashable {
    enum Format: Sendable, Hashable {
        case json, yaml
        /// Kubernetes' envelope around the kind's own message (`ProtobufEncoder`).
        case protobuf

        /// What a media type asks for; nil for one that is not served. `*/*` takes the first that there is.
        init?(mediaType: String) {
            switch mediaType {
            case "application/json", "*/*", "application/*": self = .json
            case "application/yaml": self = .yaml
            case ProtobufDocument.mediaType: self = .protobuf
            default: return nil
            }
        }

        var contentType: String {
            switch self {
            case .json: "application/json"
            case .yaml: "application/yaml"
            case .protobuf: ProtobufDocument.mediaType
            }
        }

        /// Of a watch: `;stream=watch` says that messages follow each other, each behind its length.
        var streamType: String { self == .protobuf ? "\(contentType);stream=watch" : contentType }
    }

    enum Form: Sendable, Hashable {
        /// The object as it is kept.
        case object
        /// `meta.k8s.io/VERSION` Table.
        case table(version: String)
        /// `meta.k8s.io/VERSION` PartialObjectMetadata (or its List).
        case partialMetadata(version: String)
    }

    var format = Format.json
    var form = Form.object

    static let json = ResponseShape()

    /// What can be answered at all.
    struct Offer: Sendable, Hashable {
        /// The kind has a protobuf message: not so for custom resources. Metadata alone always has one.
        var protobuf = false
        /// It has columns: not so for reviews.
        var tables = true
    }

    /// The best form for an `Accept` header.
    /// - Throws: 406 when nothing in it can be served.
    init(accept header: String?, _ offer: Offer = Offer()) throws(Status) {
        guard let header, !header.isEmpty, header != "*/*", header != "application/json" else { return }
        for type in AcceptedMediaType.parse(header) {
            guard let format = Format(mediaType: type.type) else { continue }
            guard let form = Self.form(type) else { continue }
            switch form {
            case .object where format == .protobuf && !offer.protobuf: continue
            // A Table has no message.
            case .table where format == .protobuf || !offer.tables: continue
            default: break
            }
            (self.format, self.form) = (format, form)
            return
        }
        throw .notAcceptable(supported: Self.supported(offer))
    }

    /// nil for a shape that is not known.
    private static func form(_ type: AcceptedMediaType) -> Form? {
        guard !type.shape.isEmpty else { return .object }
        guard type.group == "meta.k8s.io", type.version == "v1" || type.version == "v1beta1" else { return nil }
        switch type.shape {
        case "Table": return .table(version: type.version)
        case "PartialObjectMetadata", "PartialObjectMetadataList": return .partialMetadata(version: type.version)
        default: return nil
        }
    }

    /// For a `Status` that comes before a form was agreed on: the first format that is known, else JSON.
    static func ofStatus(accept header: String?) -> ResponseShape {
        var shape = ResponseShape()
        guard let header, !header.isEmpty, header != "*/*", header != "application/json" else { return shape }
        for type in AcceptedMediaType.parse(header) where type.shape.isEmpty {
            guard let format = Format(mediaType: type.type) else { continue }
            shape.format = format
            break
        }
        return shape
    }

    private init() {}

    var contentType: String { format.contentType }

    private static func supported(_ offer: Offer) -> [String] {
        ["application/json", "application/yaml"] + (offer.protobuf ? [ProtobufDocument.mediaType] : [])
    }
}
