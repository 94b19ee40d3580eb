/// Why a try to connect, or a session, has ended.
package enum BGPSessionEnd: Hashable, Sendable {
    /// No connection came about.
    case unreachable(String)
    /// The connection ended without a word, in this state.
    case disconnected(String, in: BGPSession.State)
    /// The peer said why.
    case notified(BGPNotification, in: BGPSession.State)
    /// We said why.
    case refused(BGPNotification, in: BGPSession.State)
    /// The session was stopped on our side.
    case stopped

    /// Whether the two sides do not agree, so that trying again soon is of little use.
    var isRefusal: Bool {
        switch self {
        case .unreachable, .stopped: false
        case .disconnected(_, let state): state != .established
        case .notified(let notification, _), .refused(let notification, _):
            // A hold timer, a BFD session or an operator's reset ends what was in order.
            !(notification.code == 4 || (notification.code == 6 && [4, 6, 9, 10].contains(notification.subcode)))
        }
    }
}

extension BGPSessionEnd: CustomStringConvertible {
    package var description: String {
        switch self {
        case .unreachable(let reason): "no connection: \(reason)"
        case .disconnected(let reason, let state): "the connection ended in state \(state.rawValue): \(reason)"
        case .notified(let notification, let state):
            "the peer ended the session in state \(state.rawValue): \(notification)"
        case .refused(let notification, let state): "we ended the session in state \(state.rawValue): \(notification)"
        case .stopped: "stopped"
        }
    }
}
