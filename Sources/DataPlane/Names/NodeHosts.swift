import DNS
import KubeClient
import KubeModel
import Logging
import NetworkTypes
import Synchronization

/// The names and addresses of all Nodes, followed only while somebody wants them: a cluster may have thousands.
final class NodeHosts: Sendable {
    private struct State {
        var isWanted = false
        var store: ObjectStore<KeptNode>?
    }

    let changed = ChangeSignal()
    private let wantedChanged = ChangeSignal()
    private let client: APIClient
    private let logger: Logger
    private let state = Mutex(State())

    init(client: APIClient, logger: Logger) {
        self.client = client
        self.logger = logger
    }

    func setWanted(_ isWanted: Bool) {
        let isNew = state.withLock { state in
            defer { state.isWanted = isWanted }
            return state.isWanted != isWanted
        }
        if isNew { wantedChanged.raise() }
    }

    var entries: [HostTable.Entry] {
        guard let store = state.withLock({ $0.store }) else { return [] }
        return Self.entries(store.snapshot().values.sorted { ($0.metadata.name ?? "") < ($1.metadata.name ?? "") })
    }

    /// A Node's name leads to each of its addresses, and an address to the name.
    static func entries(_ nodes: [KeptNode]) -> [HostTable.Entry] {
        nodes.flatMap { node in
            var names: [DomainName] = []
            for text in [node.metadata.name ?? ""] + node.names {
                if let name = try? DomainName(text), !names.contains(name) { names.append(name) }
            }
            return node.addresses.map { HostTable.Entry(ip: $0, names: names) }
        }
    }

    /// Whether names or addresses are others: a Node's status is written every few seconds.
    static func isNews(_ change: InformerChange<KeptNode>) -> Bool {
        guard case .updated(let old, let new) = change else { return true }
        return old.names != new.names || old.addresses != new.addresses
    }

    /// Follows Nodes while they are wanted, until cancelled.
    func run() async {
        var following: Task<Void, Never>?
        for await _ in wantedChanged.changes {
            let isWanted = state.withLock { $0.isWanted }
            guard isWanted != (following != nil) else { continue }
            following?.cancel()
            following = nil
            guard isWanted else {
                state.withLock { $0.store = nil }
                continue
            }
            let informers = InformerSet(client: client, logger: logger)
            let nodes = informers.informer(for: KeptNode.self)
            nodes.addHandler { [changed] change in if Self.isNews(change) { changed.raise() } }
            state.withLock { $0.store = nodes.store }
            // Ends by cancellation alone.
            following = Task { try? await informers.run() }
        }
        following?.cancel()
    }
}
