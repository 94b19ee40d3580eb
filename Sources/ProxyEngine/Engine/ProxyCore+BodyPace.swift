internal import Transport

// How slowly a request's body may come.
//
// A body has `requestBodyTimeout`, and gets more of it with each byte, never more than that: whoever keeps the least rate or
// pauses for less than the timeout is never late, and a byte now and then buys next to nothing.
extension ProxyCore {
    /// Waits for a body with all of its time, since it begins or since the upstream was what it waited for.
    mutating func awaitBody(_ x: ExchangeReference, _ c: Client) {
        x.pointee.bodyDue = (now + limits.requestBody) * limits.bodyBytesPerTick
        setTimer(client: c, limits.requestBody)
    }

    /// Waits for more of a body, of which `count` bytes have just come.
    @inline(__always)
    mutating func awaitBody(_ x: ExchangeReference, _ c: Client, after count: Int) {
        guard isPaced(x) else { return setTimer(client: c, limits.requestBody) }
        let rate = limits.bodyBytesPerTick
        x.pointee.bodyDue = min(x.pointee.bodyDue + Int64(count), (now + limits.requestBody) * rate)
        setTimer(client: c, max(1, x.pointee.bodyDue / rate - now))
    }

    /// Whether a body comes so slowly that it has used up an eighth of its time.
    func isDribbling(_ x: ExchangeReference) -> Bool {
        guard isPaced(x), !x.pointee.body.isComplete else { return false }
        return x.pointee.bodyDue / limits.bodyBytesPerTick < now + limits.requestBody * 7 / 8
    }

    @inline(__always)
    private func isPaced(_ x: ExchangeReference) -> Bool {
        limits.bodyBytesPerTick > 0 && x.pointee.phase == .waiting && !x.pointee.flags.contains(.grpc)
    }
}
