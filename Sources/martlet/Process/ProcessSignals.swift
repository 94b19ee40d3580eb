import Glibc

/// The signals that a Martlet process reacts to, as a stream of signal numbers.
///
/// `block()` must run on the main thread before any other thread exists, so that every thread inherits the mask and
/// only the waiting thread receives them.
enum ProcessSignals {
    static let handled: [Int32] = [SIGINT, SIGTERM, SIGHUP, SIGCHLD]

    static func block() {
        var set = signalSet()
        pthread_sigmask(SIG_BLOCK, &set, nil)
        // A peer that closes its socket is an ordinary event, reported by the write itself.
        signal(SIGPIPE, SIG_IGN)
    }

    /// Delivers each handled signal once. The waiting thread lives as long as the process.
    static func stream() -> AsyncStream<Int32> {
        let (stream, continuation) = AsyncStream<Int32>.makeStream()
        BlockingThread.start {
            var set = signalSet()
            var number: Int32 = 0
            while sigwait(&set, &number) == 0 { continuation.yield(number) }
            continuation.finish()
        }
        return stream
    }

    /// Returns when the process is asked to end (SIGINT or SIGTERM).
    static func waitForTermination() async {
        for await number in stream() where number == SIGINT || number == SIGTERM { return }
    }

    private static func signalSet() -> sigset_t {
        var set = sigset_t()
        sigemptyset(&set)
        for number in handled { sigaddset(&set, number) }
        return set
    }
}
