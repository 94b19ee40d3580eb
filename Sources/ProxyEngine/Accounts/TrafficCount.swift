/// Counters of a route or an upstream on one loop.
struct TrafficCount: BitwiseCopyable {
    var requests: UInt64 = 0
    var classes = InlineArray<5, UInt64>(repeating: 0)
    var bytesUp: UInt64 = 0
    var bytesDown: UInt64 = 0

    mutating func count(status: Int32, up: Int64, down: Int64) {
        requests += 1
        if status >= 100 { classes[min(Int(status) / 100, 5) - 1] += 1 }
        bytesUp += UInt64(up)
        bytesDown += UInt64(down)
    }
}
