/// Durations counted by how long they were.
package struct DurationHistogram: Sendable, Hashable {
    /// Upper bounds in seconds.
    let bounds: [Double]
    /// How many took at most as long as each bound, and longer than the one before; the last are beyond all.
    private var counts: [UInt64]
    private var sum = 0.0

    init(bounds: [Double]) {
        self.bounds = bounds
        counts = [UInt64](repeating: 0, count: bounds.count + 1)
    }

    var total: UInt64 { counts.reduce(0, +) }

    /// A duration below zero, which clocks that differ make, counts as none.
    mutating func add(_ seconds: Double) {
        let seconds = max(0, seconds)
        counts[bounds.firstIndex { seconds <= $0 } ?? bounds.count] += 1
        sum += seconds
    }

    func write(_ name: String, _ help: String, to page: inout MetricsPage) {
        page.family(name, "histogram", help)
        writeSamples(name, [], to: &page)
    }

    /// One of several of a family.
    func writeSamples(_ name: String, _ labels: [(String, String)], to page: inout MetricsPage) {
        page.histogram(name, labels, bounds: bounds, counts: counts, sum: sum)
    }
}
