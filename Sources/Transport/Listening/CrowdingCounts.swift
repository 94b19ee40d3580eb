/// How often connections were closed for want of room, by reason.
package struct CrowdingCounts: Sendable, Hashable {
    private var counts = [UInt64](repeating: 0, count: CrowdingReason.allCases.count)

    package init() {}

    package subscript(reason: CrowdingReason) -> UInt64 {
        get { counts[Self.position(reason)] }
        set { counts[Self.position(reason)] = newValue }
    }

    package var total: UInt64 { counts.reduce(0, +) }

    package static func - (later: Self, earlier: Self) -> Self {
        var difference = Self()
        for reason in CrowdingReason.allCases { difference[reason] = later[reason] - earlier[reason] }
        return difference
    }

    private static func position(_ reason: CrowdingReason) -> Int {
        switch reason {
        case .peerShare: 0
        case .madeRoom: 1
        case .full: 2
        }
    }
}
