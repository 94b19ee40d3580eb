/// How much a cache keeps, and for how long.
package struct CacheLimits: Hashable, Sendable {
    /// Bytes of answers and of the places that hold them.
    package var bytes = 16 << 20
    /// The longest that an answer is kept, in seconds, and a denial.
    package var positiveTTL: UInt32 = 3600
    package var negativeTTL: UInt32 = 1800
    /// The shortest.
    package var minimumPositiveTTL: UInt32 = 0
    package var minimumNegativeTTL: UInt32 = 0
    /// For how many seconds an answer that is out of date may stand in while no upstream server answers (RFC 8767);
    /// 0 for never.
    package var staleFor: UInt32 = 3600
    /// An answer asked for so often is fetched anew before it ends; 0 for never.
    package var prefetchAfter: UInt32 = 10
    /// … when so many hundredths of its time are left.
    package var prefetchPercentage: UInt32 = 10

    package init() {}
}
