internal import Synchronization

/// A number of bytes that goes up and down. Any thread.
package final class ByteGauge: Sendable {
    private let count = Atomic<Int>(0)

    package init() {}

    package var bytes: Int { count.load(ordering: .relaxed) }

    package func add(_ bytes: Int) { count.add(bytes, ordering: .relaxed) }
}
