internal import System

/// A point on the kernel's monotonic clock. Comparable within one boot only.
package struct MonotonicTime: Sendable, Hashable, Comparable {
    package var nanoseconds: UInt64

    package init(nanoseconds: UInt64) { self.nanoseconds = nanoseconds }

    /// Reads the clock (about 20 ns; ``EventLoop/now`` is free).
    package static var now: MonotonicTime { MonotonicTime(nanoseconds: MonotonicClock.nanoseconds) }

    package static func < (a: Self, b: Self) -> Bool { a.nanoseconds < b.nanoseconds }

    /// Saturates instead of overflowing; a negative duration leaves the time unchanged.
    package static func + (time: Self, duration: Duration) -> Self {
        MonotonicTime(nanoseconds: time.nanoseconds.addingSaturated(duration.wholeNanoseconds))
    }

    package static func - (later: Self, earlier: Self) -> Duration {
        .nanoseconds(Int64(clamping: later.nanoseconds) - Int64(clamping: earlier.nanoseconds))
    }
}

extension Duration {
    /// Whole nanoseconds, 0 for negative values, saturated at the top.
    package var wholeNanoseconds: UInt64 {
        let (seconds, attoseconds) = components
        guard seconds >= 0, attoseconds >= 0 else { return 0 }
        let (product, overflow) = UInt64(seconds).multipliedReportingOverflow(by: 1_000_000_000)
        guard !overflow else { return .max }
        return product.addingSaturated(UInt64(attoseconds) / 1_000_000_000)
    }
}

extension UInt64 {
    fileprivate func addingSaturated(_ other: UInt64) -> UInt64 {
        let (sum, overflow) = addingReportingOverflow(other)
        return overflow ? .max : sum
    }
}
