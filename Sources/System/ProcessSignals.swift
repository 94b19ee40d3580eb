internal import Glibc
internal import Synchronization

/// The signals that a Martlet process reacts to, as a stream of signal numbers.
///
/// Handlers write to a pipe that a thread reads. Waiting with sigwait(3) would need the signals blocked in every thread,
/// and the runtime's main thread unblocks all of them while it is parked.
package enum ProcessSignals {
    package static let handled: [Int32] = [SIGINT, SIGTERM, SIGHUP, SIGCHLD]

    /// The write end of the pipe; -1 before `install()`. Read by the handlers.
    private static let pipeEnd = Atomic<Int32>(-1)
    private static let delivery = Mutex(Delivery())

    private struct Delivery {
        var subscribers: [AsyncStream<Int32>.Continuation] = []
        /// What arrived before anybody listened: a process asked to end while it starts must end.
        var unheard: [Int32] = []
    }

    /// Takes the signals over. Call once, at the start of the process.
    package static func install() {
        // A peer that closes its socket is an ordinary event, reported by the write itself.
        signal(SIGPIPE, SIG_IGN)
        var ends: [Int32] = [-1, -1]
        guard pipe(&ends) == 0 else { return }
        for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
        pipeEnd.store(ends[1], ordering: .sequentiallyConsistent)
        let readEnd = ends[0]
        let reader = try? BackgroundThread(name: "signals") {
            var byte: UInt8 = 0
            while true {
                let count = read(readEnd, &byte, 1)
                if count < 0 && errno == EINTR { continue }
                guard count == 1 else { return }
                let number = Int32(byte)
                let subscribers = delivery.withLock { delivery in
                    if delivery.subscribers.isEmpty { delivery.unheard.append(number) }
                    return delivery.subscribers
                }
                for subscriber in subscribers { subscriber.yield(number) }
            }
        }
        // Without a thread to hear them the signals keep their default actions.
        guard let reader else { return }
        reader.detach()
        for number in handled {
            // nohup(1) asks for a life beyond the terminal.
            if number == SIGHUP, isIgnored(SIGHUP) { continue }
            signal(number) { number in
                // Only what is async-signal-safe: one write(2) of one byte.
                var byte = UInt8(truncatingIfNeeded: number)
                let saved = errno
                _ = write(ProcessSignals.pipeEnd.load(ordering: .relaxed), &byte, 1)
                errno = saved
            }
        }
    }

    /// Every handled signal from now on; the first stream of a process begins with those that came earlier.
    package static func stream() -> AsyncStream<Int32> {
        let (stream, continuation) = AsyncStream<Int32>.makeStream()
        delivery.withLock { delivery in
            delivery.subscribers.append(continuation)
            for number in delivery.unheard { continuation.yield(number) }
            delivery.unheard = []
        }
        return stream
    }

    /// Returns when the process is asked to end (SIGINT, SIGTERM, or SIGHUP of a terminal that was closed), or the task
    /// is cancelled. Answers the signal; nil when cancelled.
    @discardableResult
    package static func waitForTermination() async -> Int32? {
        for await number in stream() where number != SIGCHLD { return number }
        return nil
    }

    private static func isIgnored(_ number: Int32) -> Bool {
        var action = sigaction()
        guard sigaction(number, nil, &action) == 0 else { return false }
        return unsafeBitCast(action.__sigaction_handler.sa_handler, to: Int.self) == 1  // SIG_IGN
    }
}
