/// One change of one key, with its precondition.
package enum Write: Sendable {
    /// Fails with `exists` if the key is there.
    case create(key: String, value: [UInt8])
    /// Fails with `notFound` if the key is not there, with `conflict` if its last write is not `ifRevision`
    /// (`nil`: whatever is there).
    case update(key: String, value: [UInt8], ifRevision: Revision?)
    /// Fails as `update` does.
    case delete(key: String, ifRevision: Revision?)

    package var key: String {
        switch self {
        case .create(let key, _), .update(let key, _, _), .delete(let key, _): key
        }
    }
}
