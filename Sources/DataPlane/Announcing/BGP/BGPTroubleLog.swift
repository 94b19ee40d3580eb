internal import Announcement

/// Which troubles with a peer are told: each kind once, until a session stands again, however often it is tried.
struct BGPTroubleLog: Sendable {
    private enum Kind: Hashable {
        case unreachable
        case disconnected
        case ended(byPeer: Bool, code: UInt8, subcode: UInt8)
        case bfd
    }

    private var told: Set<Kind> = []

    /// The most kinds that are told in a row: their numbers are the peer's choice.
    private static let maximum = 8

    /// Whether this end is to be told.
    mutating func tells(_ end: BGPSessionEnd) -> Bool {
        switch end {
        case .unreachable: insert(.unreachable)
        case .disconnected: insert(.disconnected)
        case .notified(let notification, _):
            insert(.ended(byPeer: true, code: notification.code, subcode: notification.subcode))
        case .refused(let notification, _):
            insert(.ended(byPeer: false, code: notification.code, subcode: notification.subcode))
        case .stopped: false
        }
    }

    /// Whether it is to be told that BFD cannot run.
    mutating func tellsBFD() -> Bool { insert(.bfd) }

    /// A session stands. Whether that is news after troubles.
    mutating func recovers() -> Bool {
        let wasTold = told.contains { $0 != .bfd }
        told = told.filter { $0 == .bfd }
        return wasTold
    }

    private mutating func insert(_ kind: Kind) -> Bool {
        guard told.count < Self.maximum else { return false }
        return told.insert(kind).inserted
    }
}
