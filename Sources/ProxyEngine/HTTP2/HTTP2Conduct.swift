/// Whether the other side of an HTTP/2 connection behaves: a budget for what costs it next to nothing and us something.
/// Pure; the clock is its caller's.
///
/// - Resets (CVE-2023-44487, "rapid reset"), and those that the peer makes us send (CVE-2025-8671, "MadeYouReset"): a bucket of
///   ``resetBurst`` that fills with ``resetsPerSecond``.
/// - Frames that carry nothing (PING, SETTINGS, PRIORITY, empty DATA, …): as nginx, all bytes together may be eight times
///   those of heads and content, and 8 MiB more. nghttp2 bounds answers that wait to be read, and CONTINUATION.
struct HTTP2Conduct {
    static let resetBurst = 500
    static let resetsPerSecond: UInt64 = 50

    private var resets = HTTP2Conduct.resetBurst
    /// Nanoseconds up to which `resets` has been filled.
    private var filledAt: UInt64 = 0
    private var bytes = 0
    private var payload = 0

    init(now: UInt64) { filledAt = now }

    /// Bytes of the connection came.
    ///
    /// - Returns: whether that is still tolerable.
    mutating func received(_ count: Int) -> Bool {
        bytes += count
        return bytes / 8 <= payload + 1 << 20
    }

    /// So many of them were of a head or of content.
    mutating func noted(payload count: Int) { payload += count }

    /// The peer took a request back, or made us reset it.
    ///
    /// - Returns: whether that is still tolerable.
    mutating func reset(now: UInt64) -> Bool {
        let step = 1_000_000_000 / Self.resetsPerSecond
        let earned = now > filledAt ? (now - filledAt) / step : 0
        if earned > 0 {
            resets = min(Self.resetBurst, resets + Int(clamping: earned))
            filledAt += earned * step
        }
        resets -= 1
        return resets >= 0
    }
}
