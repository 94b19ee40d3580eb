import KubeModel
import System

/// What keepers take for the time. Waiting is their loop's.
struct KeeperClock: Sendable {
    /// The time of day.
    var now: @Sendable () -> Timestamp = { Timestamp.now }
    /// Seconds of a clock that only goes forward.
    var seconds: @Sendable () -> Int64 = { MonotonicClock.seconds }
}
