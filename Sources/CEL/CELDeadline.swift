import Glibc
import KubeModel

/// How much of a processor the rules of a request may take. To be made and asked on one thread.
///
/// Cost is counted by the sizes that cel-go looks at, which say little of large nested values: comparing two lists of one
/// element costs 1, whatever the element. Nothing but a clock bounds what a hostile rule makes of that: the thread's own,
/// so that a busy machine refuses nothing that an idle one takes.
struct CELDeadline {
    private let nanoseconds: Int64

    init(secondsFromNow seconds: Int64) {
        nanoseconds = CELDeadline.now + seconds * 1_000_000_000
    }

    var hasPassed: Bool { CELDeadline.now > nanoseconds }

    private static var now: Int64 {
        var time = timespec()
        clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
        return Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
    }
}
