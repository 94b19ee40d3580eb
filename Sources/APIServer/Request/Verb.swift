/// What a request wants to do, in the words of Kubernetes' authorisation attributes.
enum Verb: String, Sendable, CaseIterable {
    case get, list, watch, create, update, patch, delete, deletecollection
    /// A subresource that is no document: `exec`, `log`, `proxy`.
    case connect

    var isMutating: Bool {
        switch self {
        case .get, .list, .watch, .connect: false
        case .create, .update, .patch, .delete, .deletecollection: true
        }
    }
}
