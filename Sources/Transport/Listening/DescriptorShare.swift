internal import Synchronization

/// The descriptors that one use may open on all loops together (``DescriptorBudget``). Any thread.
package final class DescriptorShare: Sendable {
    package let limit: Int
    private let used = Atomic<Int>(0)

    package init(limit: Int = .max) { self.limit = max(0, limit) }

    /// Descriptors open now.
    package var count: Int { used.load(ordering: .relaxed) }

    /// Takes places before the descriptors are opened.
    ///
    /// - Returns: false where there is no room; then nothing is taken.
    package func take(_ count: Int) -> Bool {
        guard used.add(count, ordering: .relaxed).newValue > limit else { return true }
        give(count)
        return false
    }

    package func give(_ count: Int) { used.subtract(count, ordering: .relaxed) }
}
