internal import Glibc

/// Time since some moment before the start of the process; it never goes back.
package enum MonotonicClock {
    /// Whole seconds, cheap to read, up to 4 ms late.
    package static var seconds: Int64 {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC_COARSE, &time)
        return Int64(time.tv_sec)
    }

    package static var microseconds: Int64 { Int64(nanoseconds / 1000) }

    package static var nanoseconds: UInt64 {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
    }
}
