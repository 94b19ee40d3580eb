import Synchronization

/// What `/metrics` tells of names besides what their server counts.
package final class NamesTally: Sendable {
    package struct Value: Sendable, Hashable {
        /// The plugins that do their work.
        package var plugins: Set<EnabledPlugin> = []
        /// From the change of a Pod or Service until the names of a headless Service were answered so.
        package var programming = DurationHistogram(bounds: NamesTally.bounds)

        package init() {}
    }

    /// As CoreDNS': from a millisecond to a quarter of an hour.
    static let bounds = (0..<20).map { 0.001 * Double(1 << $0) }

    private let tally = Mutex(Value())

    package init() {}

    package var value: Value { tally.withLock { $0 } }

    func setPlugins(_ plugins: Set<EnabledPlugin>) { tally.withLock { $0.plugins = plugins } }

    /// What was set off at these moments is answered from now on.
    ///
    /// - Parameters:
    ///   - triggers: in microseconds since 1970.
    ///   - now: likewise.
    func add(_ triggers: some Sequence<Int64>, now: Int64) {
        tally.withLock { value in for trigger in triggers { value.programming.add(Double(now - trigger) / 1e6) } }
    }
}
