import ProxyEngine
import Testing
import Transport

@testable import DataPlane

@Suite("Metrics of the L7 proxy") struct ProxyMetricsTests {
    @Test func `connections closed for want of room are counted by reason`() {
        var counters = ProxyCounters()
        counters.connectionsClosed[.peerShare] = 3
        counters.connectionsClosed[.madeRoom] = 5
        let page = ProxyMetrics.text(counters, droppedLogLines: 0)
        let lines = page.split(separator: "\n").filter { $0.hasPrefix("martlet_l7_connections_refused_total") }
        #expect(
            lines == [
                "martlet_l7_connections_refused_total{reason=\"peer_share\"} 3",
                "martlet_l7_connections_refused_total{reason=\"made_room\"} 5",
                "martlet_l7_connections_refused_total{reason=\"full\"} 0",
            ])
    }
}
