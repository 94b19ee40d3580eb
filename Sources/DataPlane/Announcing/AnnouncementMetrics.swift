import Announcement
import KubeModel
import NetworkTypes

/// What `/metrics` says of announcing and of pools, with the names that MetalLB's speaker and controller have. No more series than addresses of this node.
enum AnnouncementMetrics {
    static func text(_ entries: [AnnouncementPlan.Entry], _ snapshot: Layer2Speaker.Snapshot, node: String) -> String {
        var page = MetricsPage()
        page.family("metallb_speaker_announced", "gauge", "Services that this node announces, by address.")
        for entry in entries {
            for service in entry.services {
                page.sample(
                    "metallb_speaker_announced",
                    [
                        ("service", service.key.description), ("protocol", entry.method.rawValue), ("node", node),
                        ("ip", entry.address.description),
                    ], 1)
            }
        }
        let counts = snapshot.counts.sorted { $0.key < $1.key }
        func family(_ name: String, _ help: String, _ count: (Layer2Answerer.Counts) -> UInt64) {
            page.family(name, "counter", help)
            for (address, counts) in counts { page.sample(name, [("ip", address.description)], count(counts)) }
        }
        family("metallb_layer2_requests_received", "Questions for an address of this node, by ARP and NDP.") {
            $0.requests
        }
        family("metallb_layer2_responses_sent", "Answers to them.") { $0.responses }
        family("metallb_layer2_gratuitous_sent", "Announcements that nobody asked for.") { $0.gratuitous }
        page.family("martlet_layer2_crowded_total", "counter", "Questions without an answer, because too many came.")
        page.sample("martlet_layer2_crowded_total", [], snapshot.crowded)
        return page.text
    }

    /// The same on every node. Pools of one name in several namespaces count together: MetalLB's series have no namespace.
    static func text(_ uses: [AnnouncementPlan.PoolReference: PoolUse]) -> String {
        var page = MetricsPage()
        let pools = Dictionary(grouping: uses, by: \.key.name).sorted { $0.key < $1.key }
        func family(_ name: String, _ help: String, _ count: (PoolUse) -> Int64) {
            page.family(name, "gauge", help)
            for (pool, uses) in pools { page.sample(name, [("pool", pool)], PoolUse.sum(uses.map { count($0.value) })) }
        }
        family("metallb_allocator_addresses_in_use_total", "Addresses that Services have, by pool.", \.inUse)
        family("metallb_allocator_addresses_total", "Addresses that can be given, by pool.", \.total)
        return page.text
    }
}
