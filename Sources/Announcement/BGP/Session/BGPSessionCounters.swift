/// How many messages a session has sent and received since it was made, over all its connections.
package struct BGPSessionCounters: Hashable, Sendable {
    package var opensSent: UInt64 = 0
    package var opensReceived: UInt64 = 0
    package var notificationsSent: UInt64 = 0
    package var notificationsReceived: UInt64 = 0
    package var updatesSent: UInt64 = 0
    package var updatesReceived: UInt64 = 0
    package var keepalivesSent: UInt64 = 0
    package var keepalivesReceived: UInt64 = 0
    package var routeRefreshesReceived: UInt64 = 0
    /// UPDATEs with an error that did not end the session (RFC 7606).
    package var faultyUpdatesReceived: UInt64 = 0

    package init() {}

    package var totalSent: UInt64 { opensSent + notificationsSent + updatesSent + keepalivesSent }
    package var totalReceived: UInt64 {
        opensReceived + notificationsReceived + updatesReceived + keepalivesReceived + routeRefreshesReceived
    }

    mutating func count(sent type: BGPMessageType) {
        switch type {
        case .open: opensSent += 1
        case .update: updatesSent += 1
        case .notification: notificationsSent += 1
        case .keepalive: keepalivesSent += 1
        // We keep no routes that could be sent again.
        case .routeRefresh: break
        }
    }

    mutating func count(received message: BGPReceivedMessage) {
        switch message {
        case .open: opensReceived += 1
        case .update(let update):
            updatesReceived += 1
            if update.isTreatedAsWithdraw || !update.discardedAttributes.isEmpty { faultyUpdatesReceived += 1 }
        case .notification: notificationsReceived += 1
        case .keepalive: keepalivesReceived += 1
        case .routeRefresh: routeRefreshesReceived += 1
        }
    }
}
