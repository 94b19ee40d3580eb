import APIResources
import KubeModel

/// A complete response: head and body. The chunks are sent as they are, one behind the other.
struct OutgoingResponse: Sendable {
    var status: Int
    /// Without `Content-Length`, which the transport adds.
    var headers: [(name: String, value: String)]
    var body: [[UInt8]]
    /// Called once when the client has taken the body, or never will.
    var onSent: (@Sendable () -> Void)?

    init(status: Int = 200, contentType: String, headers: [(name: String, value: String)] = [], body: [[UInt8]]) {
        self.status = status
        self.headers = [("Content-Type", contentType)] + headers
        self.body = body
    }

    /// The bytes from which on kube-apiserver compresses for clients that like it, and those from which on it does so with
    /// OpenAPI documents.
    static let compressedSize = 128 << 10
    static let compressedDocumentSize = 1400

    /// Bytes of the body.
    var size: Int { body.reduce(0) { $0 + $1.count } }

    /// Whether a client that can unpack it should get the body compressed.
    var isWorthCompressing: Bool {
        size >= (isOpenAPI ? Self.compressedDocumentSize : Self.compressedSize)
    }

    /// The body is an OpenAPI document.
    var isOpenAPI = false

    var contentType: String { headers.first { $0.name == "Content-Type" }?.value ?? "" }

    /// A document that no cache holds: a Status, a review. It says itself of what kind it is.
    init(status: Int = 200, document: JSONValue, _ format: ResponseShape.Format) {
        let body =
            switch format {
            case .json: document.encoded() + [UInt8(ascii: "\n")]
            case .yaml: YAMLDocument.encode(document)
            case .protobuf: ProtobufEncoder.answer(document)
            }
        self.init(status: status, contentType: format.contentType, body: [body])
    }

    /// A `metav1.Status`; with `Retry-After` when the client is asked to come back.
    init(_ status: Status, shape: ResponseShape = .json) {
        self.init(status: Int(status.code), document: status.json, shape.format)
        if let seconds = status.details?.retryAfterSeconds, seconds > 0 {
            headers.append(("Retry-After", String(seconds)))
        }
    }
}
