import Announcement
import NetworkTypes
import Testing

@testable import DataPlane

@Suite("What metrics say of BGP sessions") struct BGPMetricsTests {
    private func report(_ address: String, _ state: BGPSession.State, isBFDUp: Bool? = nil) throws -> BGPPeerReport {
        var counters = BGPSessionCounters()
        counters.updatesSent = 7
        var bfd: BFDSpeaker.Counters?
        if let isBFDUp {
            bfd = .init()
            bfd?.isUp = isBFDUp
            bfd?.packetsSent = 12
        }
        return BGPPeerReport(
            name: "metallb-system/router", address: try #require(SocketAddress(address)), state: state,
            announcedCount: 3, pendingCount: 1, counters: counters, bfd: bfd)
    }

    @Test func `sessions have MetalLB's names, and a series for each peer`() throws {
        let text = BGPMetrics.text([
            try report("10.0.0.1:179", .established, isBFDUp: true), try report("[fd00::1]:1179", .active),
        ])
        for line in [
            #"metallb_bgp_session_up{peer="10.0.0.1:179"} 1"#, #"metallb_bgp_session_up{peer="[fd00::1]:1179"} 0"#,
            #"metallb_bgp_updates_total{peer="10.0.0.1:179"} 7"#,
            #"metallb_bgp_announced_prefixes_total{peer="10.0.0.1:179"} 3"#,
            #"metallb_bgp_pending_prefixes_total{peer="10.0.0.1:179"} 1"#,
            #"metallb_bfd_session_up{peer="10.0.0.1:179"} 1"#,
            #"metallb_bfd_control_packet_output{peer="10.0.0.1:179"} 12"#,
        ] {
            #expect(text.split(separator: "\n").contains(Substring(line)), "\(line) in\n\(text)")
        }
        #expect(!text.contains(#"metallb_bfd_session_up{peer="[fd00::1]"#))
    }

    @Test func `who has no peers has no series`() { #expect(BGPMetrics.text([]).isEmpty) }
}
