internal import CNGHTTP2

/// Whether the other side of an HTTP/2 connection behaves: a budget for what costs it next to nothing and us something.
/// Pure; the clock is its caller's.
///
/// - Resets (CVE-2023-44487, "rapid reset"), and those that the peer makes us send (CVE-2025-8671, "MadeYouReset"): a bucket of
///   ``resetBurst`` that fills with ``resetsPerSecond``.
/// - Frames that carry nothing (PING, SETTINGS, PRIORITY, empty DATA, …): as nginx, all bytes that come may be eight times
///   those of heads and content both ways, and 8 MiB more: whoever downloads opens windows. nghttp2 bounds answers that wait to be read, and CONTINUATION.
package struct HTTP2Conduct: Sendable {
    package static let resetBurst = 500
    package static let resetsPerSecond: UInt64 = 50

    private var resets = HTTP2Conduct.resetBurst
    /// Nanoseconds up to which `resets` has been filled.
    private var filledAt: UInt64 = 0
    private var bytes = 0
    private var payload = 0

    package init(now: UInt64) { filledAt = now }

    /// Bytes of the connection came.
    ///
    /// - Returns: whether that is still tolerable.
    package mutating func received(_ count: Int) -> Bool {
        bytes += count
        return bytes / 8 <= payload + 1 << 20
    }

    /// So many bytes of a head or of content came or were sent.
    package mutating func noted(payload count: Int) { payload += count }

    /// Whether a reset that we send is about the peer's frames, and not about what became of its request: it is counted like
    /// one of its own.
    package static func isProvoked(resetCode code: UInt32) -> Bool {
        code != NGHTTP2_NO_ERROR.rawValue && code != NGHTTP2_INTERNAL_ERROR.rawValue
    }

    /// The peer took a request back, or made us reset it.
    ///
    /// - Returns: whether that is still tolerable.
    package mutating func reset(now: UInt64) -> Bool {
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
