/// Ends flows that the kernel tracks and that a change made wrong.
package protocol FlowEnder: Sendable {
    /// Called after the change is in effect, on a thread that may block.
    func end(_ flows: [(key: FrontendKey, stale: StaleFlows)])
}
