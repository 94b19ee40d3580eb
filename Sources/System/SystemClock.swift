internal import Glibc

/// The time of day, as numbers: what API objects make of it is `KubeModel`'s.
package enum SystemClock {
    /// Since 1970 in UTC, without leap seconds.
    package static var microsecondsSinceEpoch: Int64 {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        return Int64(time.tv_sec) * 1_000_000 + Int64(time.tv_nsec) / 1000
    }

    package static var secondsSinceEpoch: Int64 {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        return Int64(time.tv_sec)
    }
}
