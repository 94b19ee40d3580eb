public import KubeModel
import System

/// The time of day, as API objects carry it.
public enum WallClock {
    public static var microTime: MicroTime {
        MicroTime(microsecondsSinceEpoch: SystemClock.microsecondsSinceEpoch)
    }

    public static var timestamp: Timestamp { microTime.timestamp }
}
