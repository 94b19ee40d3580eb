import Glibc
import KubeModel

/// When the rules of a request have to be done.
///
/// Cost is counted by the sizes that cel-go looks at, which say little of large nested values: comparing two lists of one
/// element costs 1, whatever the element. Nothing but a clock bounds what a hostile rule makes of that.
struct CELDeadline {
    private let nanoseconds: Int64

    init(secondsFromNow seconds: Int64) {
        nanoseconds = CELDeadline.now + seconds * 1_000_000_000
    }

    var hasPassed: Bool { CELDeadline.now > nanoseconds }

    /// To a few milliseconds, without a system call.
    private static var now: Int64 {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC_COARSE, &time)
        return Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
    }
}
