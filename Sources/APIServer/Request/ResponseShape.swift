import KubeModel

/// In which form a client gets objects.
struct ResponseShape: Sendable, Hashable {
    enum Format: Sendable, Hashable {
        case json, yaml
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

    /// The best form for an `Accept` header.
    /// - Throws: 406 when nothing in it can be served; protobuf is answered so, and clients fall back to JSON.
    /// - Parameter allowsTables: not so for what has no columns, such as reviews.
    init(accept header: String?, allowsTables: Bool = true) throws(Status) {
        guard let header, !header.isEmpty, header != "*/*", header != "application/json" else { return }
        for type in AcceptedMediaType.parse(header) {
            switch type.type {
            case "application/json", "*/*", "application/*": format = .json
            case "application/yaml": format = .yaml
            default: continue
            }
            guard !type.shape.isEmpty else { return }
            guard type.group == "meta.k8s.io", type.version == "v1" || type.version == "v1beta1" else { continue }
            switch type.shape {
            case "Table" where allowsTables: form = .table(version: type.version)
            case "PartialObjectMetadata", "PartialObjectMetadataList": form = .partialMetadata(version: type.version)
            default: continue
            }
            return
        }
        throw Self.notAcceptable
    }

    private init() {}

    var contentType: String {
        switch format {
        case .json: "application/json"
        case .yaml: "application/yaml"
        }
    }

    static var notAcceptable: Status { .notAcceptable(supported: ["application/json", "application/yaml"]) }
}
