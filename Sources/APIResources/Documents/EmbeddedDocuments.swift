import COpenAPI

/// The OpenAPI documents that were compiled into the binary.
package enum EmbeddedDocuments {
    package struct Document: Sendable {
        /// "api/v1", "apis/networking.k8s.io/v1".
        package let path: String
        /// JSON. A copy: the original stays in the binary's read-only pages, which cost nothing until they are read.
        package var bytes: [UInt8] { Array(contents) }

        /// Safety: points to constants of the binary.
        nonisolated(unsafe) fileprivate let contents: UnsafeBufferPointer<UInt8>
    }

    package static let all: [Document] = (0..<martlet_openapi_document_count()).map { index in
        let document = martlet_openapi_document_at(index)
        return Document(
            path: String(cString: document.path),
            contents: UnsafeBufferPointer(start: document.bytes, count: document.count))
    }
}
