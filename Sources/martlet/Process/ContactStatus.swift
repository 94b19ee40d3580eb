/// Puts into a process's status that it has lost contact with its server, and takes it out again.
struct ContactStatus: Sendable {
    /// For how long nothing was heard; nil while all is well.
    var staleFor: @Sendable () -> Duration?
    /// Shorter absences, as of a restart, are not told.
    var grace: Duration = .seconds(5)

    /// Calls `tell` with a text when contact is lost, and with nil when it is back, until cancelled.
    func run(_ tell: @Sendable (String?) -> Void) async throws {
        var isLost = false
        while true {
            try await Task.sleep(for: .seconds(1))
            let isLostNow = (staleFor() ?? .zero) >= grace
            if isLostNow != isLost { tell(isLostNow ? Self.text : nil) }
            isLost = isLostNow
        }
    }

    static let text = "no sign of life from the API server, going on with what is known"
}
