import Glibc
public import KubeModel

/// The time of day, as API objects carry it.
public enum WallClock {
    public static var microTime: MicroTime {
        var now = timespec()
        clock_gettime(CLOCK_REALTIME, &now)
        return MicroTime(microsecondsSinceEpoch: Int64(now.tv_sec) * 1_000_000 + Int64(now.tv_nsec) / 1000)
    }

    public static var timestamp: Timestamp { microTime.timestamp }
}
