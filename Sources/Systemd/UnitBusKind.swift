/// Whose systemd is asked.
package enum UnitBusKind: String, Sendable, CaseIterable {
    /// The machine's, over the system bus.
    case system
    /// The one of the user that this process runs as, over that user's bus.
    case user
}
