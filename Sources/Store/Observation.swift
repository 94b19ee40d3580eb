/// The hold on an observer of committed writes; the observer stays until `cancel()`.
package final class Observation: Sendable {
    private let onCancel: @Sendable () -> Void

    package init(onCancel: @escaping @Sendable () -> Void) {
        self.onCancel = onCancel
    }

    /// Ends the observation. A call of the observer that is under way on the writer's thread may still finish after
    /// this returns; no other begins. Calling it again does nothing.
    package func cancel() {
        onCancel()
    }
}
