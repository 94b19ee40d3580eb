/// What became of looking for a password.
package enum BGPPassword: Hashable, Sendable {
    case bytes([UInt8])
    /// There is no such Secret, or it has none.
    case missing
}
