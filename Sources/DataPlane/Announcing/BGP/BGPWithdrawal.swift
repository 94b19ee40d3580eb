package import KubeClient
internal import KubeModel
internal import NetworkTypes
internal import Transport

/// Has a node's peers forget the routes that they keep of a process which is gone: by a short session with each.
///
/// Who kept routes for a graceful restart deletes them when the next session stands and its OPEN says nothing of one (RFC 4724,
/// section 4.2). Nothing else that is sent would do: before a session stands a peer takes no word about the last one.
package enum BGPWithdrawal {
    /// What became of it, by names of peers.
    package struct Outcome: Sendable {
        /// They have forgotten what they kept.
        package var told: [String] = []
        /// Why the others were not reached in time, or at all.
        package var silent: [String: String] = [:]
    }

    /// - Parameters:
    ///   - client: may read BGPPeers, the Secrets that these name, and the Node, as the node's credentials may.
    ///   - patience: for all peers together.
    /// - Throws: where the API is not to be had.
    package static func run(
        node: String, client: APIClient, patience: Duration = .seconds(15)
    ) async throws -> Outcome {
        let planner = try await planner(node, client)
        var outcome = Outcome()
        let plan = planner.plan(AnnouncementPlan())
        for complaint in plan.complaints { outcome.silent[complaint.object.description] = complaint.message }
        guard !plan.peers.isEmpty else { return outcome }
        let (stood, continuation) = AsyncStream.makeStream(of: String.self)
        let speaker = try BGPSpeaker(isRestarting: false) { notice in
            if case .established(let peer, _) = notice { continuation.yield(peer) }
        }
        speaker.apply(plan.peers)
        let timer = Task {
            // Ends early only by cancellation, when nobody waits any more.
            try? await Task.sleep(for: patience)
            continuation.finish()
        }
        var missing = Set(plan.peers.map(\.name))
        for await peer in stood {
            missing.remove(peer)
            if missing.isEmpty { break }
        }
        timer.cancel()
        let troubles = Dictionary(speaker.reports.map { ($0.name, $0.trouble) }) { first, _ in first }
        for peer in missing { outcome.silent[peer] = (troubles[peer] ?? nil) ?? "no session within \(patience)" }
        outcome.told = plan.peers.map(\.name).filter { !missing.contains($0) }
        await withCheckedContinuation { done in
            speaker.stop(.withdrawing("\(node) announces nothing any more")) { done.resume() }
        }
        return outcome
    }

    /// The peers that may have kept something, without what a short session is better off without.
    private static func planner(_ node: String, _ client: APIClient) async throws -> BGPPlanner {
        var planner = BGPPlanner(node: node)
        planner.nodeAddresses = NodeAddresses.primary(
            of: NodeAddresses.current(in: []), leaving: MachineAddresses.outgoing)
        planner.nodeLabels = try await client.get(Node.self, node).metadata.labels ?? [:]
        for var peer in try await client.list(BGPPeer.self).items where peer.spec?.enableGracefulRestart == true {
            peer.spec?.enableGracefulRestart = nil
            peer.spec?.bfdProfile = nil
            planner.peers[NamespacedName(peer.metadata)] = peer
        }
        for key in planner.secrets {
            do {
                let secret = try await client.get(KeptPassword.self, key.name, namespace: key.namespace)
                planner.passwords[key] = secret.password.map(BGPPassword.bytes) ?? .missing
            } catch let status as Status where status.isNotFound {
                planner.passwords[key] = .missing
            }
        }
        return planner
    }
}
