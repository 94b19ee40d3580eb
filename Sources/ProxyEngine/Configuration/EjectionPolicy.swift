internal import Transport

/// When an endpoint that fails requests is left out for a while (outlier detection, `max_fails`).
package struct EjectionPolicy: BitwiseCopyable, Sendable, Hashable {
    /// So many failures in a row; 0 for never.
    package var failures: Int32
    /// Whether requests that were not answered count, beside connections that were not taken. A client can bring those
    /// about, by a request that its endpoint cannot answer in time.
    package var countsAnswers: Bool
    /// Nanoseconds the first time; each time in a row twice as long as the last...
    package var base: UInt64
    /// ...and no longer than this.
    package var longest: UInt64
    /// How many of a hundred endpoints may be out; one of two or more always may.
    package var share: Int32

    package init(
        failures: Int32 = 5, countsAnswers: Bool = false, base: Duration = .seconds(10),
        longest: Duration = .seconds(300), share: Int32 = 50
    ) {
        self.failures = failures
        self.countsAnswers = countsAnswers
        self.base = Self.nanoseconds(base)
        self.longest = Self.nanoseconds(longest)
        self.share = share
    }

    /// - Parameter times: how often it was ejected before, in a row.
    func length(times: Int32) -> UInt64 {
        times >= 20 ? longest : min(longest, min(base, longest) << UInt64(max(0, times)))
    }

    /// Whether one more may go where `ejected` of `count` are out.
    func mayEject(ejected: Int32, of count: Int32) -> Bool {
        if count < 2 { return false }
        return ejected == 0 || (Int64(ejected) + 1) * 100 <= Int64(share) * Int64(count)
    }

    /// A year is as good as for ever, and can be added to any time.
    static func nanoseconds(_ duration: Duration) -> UInt64 { min(duration.wholeNanoseconds, 31_536_000_000_000_000) }
}
