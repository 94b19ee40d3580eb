/// What can follow an object's name in a path.
enum Subresource: String, Sendable {
    case status
    /// Of a Namespace: takes `spec.finalizers`.
    case finalize
}
