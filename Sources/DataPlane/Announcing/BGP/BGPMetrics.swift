internal import Announcement
internal import NetworkTypes

/// What `/metrics` says of sessions, with the names that MetalLB's speaker has. A series for each peer: their number is that of
/// BGPPeers.
enum BGPMetrics {
    static func text(_ reports: [BGPPeerReport]) -> String {
        guard !reports.isEmpty else { return "" }
        var page = MetricsPage()
        func family(_ name: String, _ type: String, _ help: String, _ value: (BGPPeerReport) -> UInt64?) {
            page.family(name, type, help)
            for report in reports {
                guard let value = value(report) else { continue }
                page.sample(name, [("peer", report.address.description)], value)
            }
        }
        func counter(_ name: String, _ help: String, _ path: KeyPath<BGPSessionCounters, UInt64>) {
            family("metallb_bgp_\(name)", "counter", help) { $0.counters[keyPath: path] }
        }
        family("metallb_bgp_session_up", "gauge", "Whether the session stands.") { $0.state == .established ? 1 : 0 }
        family("metallb_bgp_announced_prefixes_total", "gauge", "Prefixes that the peer has from this node.") {
            UInt64($0.announcedCount)
        }
        family("metallb_bgp_pending_prefixes_total", "gauge", "Prefixes that wait to be announced or withdrawn.") {
            UInt64($0.pendingCount)
        }
        counter("updates_total", "UPDATE messages sent.", \.updatesSent)
        counter("updates_total_received", "UPDATE messages received.", \.updatesReceived)
        counter("opens_sent", "OPEN messages sent.", \.opensSent)
        counter("opens_received", "OPEN messages received.", \.opensReceived)
        counter("notifications_sent", "NOTIFICATION messages sent.", \.notificationsSent)
        counter("notifications_received", "NOTIFICATION messages received.", \.notificationsReceived)
        counter("keepalives_sent", "KEEPALIVE messages sent.", \.keepalivesSent)
        counter("keepalives_received", "KEEPALIVE messages received.", \.keepalivesReceived)
        counter("route_refresh_received", "ROUTE-REFRESH messages received.", \.routeRefreshesReceived)
        counter("total_sent", "Messages sent.", \.totalSent)
        counter("total_received", "Messages received.", \.totalReceived)
        counter(
            "faulty_updates_received", "UPDATE messages with an error that did not end the session (RFC 7606).",
            \.faultyUpdatesReceived)
        guard reports.contains(where: { $0.bfd != nil }) else { return page.text }
        func bfd(_ name: String, _ type: String, _ help: String, _ value: (BFDSpeaker.Counters) -> UInt64) {
            family("metallb_bfd_\(name)", type, help) { $0.bfd.map(value) }
        }
        bfd("session_up", "gauge", "Whether the BFD session is up.") { $0.isUp ? 1 : 0 }
        bfd("control_packet_input", "counter", "BFD packets received.") { $0.packetsReceived }
        bfd("control_packet_output", "counter", "BFD packets sent.") { $0.packetsSent }
        bfd("session_up_events", "counter", "How often the BFD session came up.") { $0.ups }
        bfd("session_down_events", "counter", "How often the BFD session was lost.") { $0.downs }
        return page.text
    }
}
