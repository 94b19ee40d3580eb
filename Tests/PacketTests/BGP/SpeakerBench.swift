import Announcement
import DataPlane
import NetworkTypes
import Synchronization
import Transport

/// A ``BGPSpeaker`` in a namespace, with what it has told; stopped without a word when the value is gone.
final class SpeakerBench: Sendable {
    private final class Box: Sendable {
        let notices = Mutex<[BGPSpeaker.Notice]>([])
    }

    let speaker: BGPSpeaker
    private let box = Box()

    init(in namespace: Namespace, isRestarting: Bool = false) throws {
        let box = self.box
        speaker = try namespace.run {
            try BGPSpeaker(isRestarting: isRestarting, seed: 1) { notice in box.notices.withLock { $0.append(notice) } }
        }
    }

    deinit { speaker.stop(.keepingRoutes("the test ends")) }

    var troubles: [String] {
        box.notices.withLock { notices in
            notices.compactMap { if case .trouble(_, let words) = $0 { words } else { nil } }
        }
    }

    var report: BGPPeerReport? { speaker.reports.first }
    /// Of the peer of ``plan(_:node:protection:bfd:gracefulRestart:)``, beside one that floods.
    var quiet: BGPPeerReport? { speaker.reports.first { $0.name == "router" } }
    var flooded: BGPPeerReport? { speaker.reports.first { $0.name == "flood" } }

    /// A plan for the peer on the router of a ``BGPLink``.
    static func plan(
        _ routes: [String], node number: Int = 1, protection: RouterProtection = .init(isSingleHop: true),
        bfd: BFDSession.Configuration? = nil, gracefulRestart: Bool = false
    ) -> BGPPeerPlan {
        let endpoint = BGPLink.endpoint(node: number, protection: protection)
        var configuration = BGPLink.configuration(node: UInt32(number))
        if gracefulRestart { configuration.gracefulRestart = .init(restartTime: 120, isForwardingPreserved: true) }
        return BGPPeerPlan(
            name: "router", session: configuration, endpoint: endpoint,
            bfd: bfd.map { .init(peer: .init(address: endpoint.address.ip), configuration: $0) },
            routes: Dictionary(uniqueKeysWithValues: routes.compactMap { CIDR($0) }.map { ($0, BGPRoute()) }))
    }
}
