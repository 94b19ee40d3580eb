import KubeModel
import System

extension Timestamp {
    /// By the system's clock.
    static var now: Timestamp { Timestamp(secondsSinceEpoch: SystemClock.secondsSinceEpoch) }
}
