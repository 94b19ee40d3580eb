import Announcement
import KubeClient
import KubeModel
import Logging
import NetworkTypes
import System

/// Announces load-balancer addresses on the local network: carries out what the plan and the election say, by Leases and a
/// `Layer2Speaker`.
actor Layer2Announcer {
    /// An address that this node announces.
    struct Announced: Hashable, Sendable {
        var entry: AnnouncementPlan.Entry
        /// By name.
        var interfaces: [String]
    }

    /// How long an answer about a Lease is waited for: what comes later is of no use.
    static let patience: Duration = .milliseconds(900)
    /// Changes of the plan that come closer to each other are looked at together.
    private static let planPause: Duration = .milliseconds(50)
    /// Between Events about one address that another machine claims.
    private static let conflictPause: Duration = .seconds(60)

    private let node: String
    private let client: APIClient
    private let state: AnnouncementState
    private let recorder: EventRecorder
    private let logger: Logger
    private let changed = ChangeSignal()
    private let now: @Sendable () -> Duration
    private var election: AnnouncerElection
    private var speaker: Layer2Speaker?
    private var links: [Link] = []
    private var entries: [IPAddress: AnnouncementPlan.Entry] = [:]
    private var spoken: [IPAddress: InterfaceChoice] = [:]
    /// What `spoken` was made of; nil when it may be outdated. Most steps are renewals, which change nothing of it.
    private var source: Set<IPAddress>?
    /// When the plan was looked at last, and whether it may be another since.
    private var planned: Duration?
    private var isOutdated = false
    private var alarm: Task<Void, Never>?
    private var conflicts: [IPAddress: Duration] = [:]
    /// Why this node announces nothing; nil while it can.
    private(set) var obstacle: String?
    private var isObstacleSaid = false
    private let onNotice: @Sendable (String) -> Void
    private let onChange: @Sendable ([Announced]) -> Void

    /// - Parameters:
    ///   - obstacle: why announcing is out of the question on this node, whatever the kernel permits.
    ///   - client: its requests should not wait for longer than `patience`.
    ///   - onNotice: called with a sentence for the user, once.
    ///   - onChange: called with what is announced whenever it is something else.
    init(
        node: String, leaseSeconds: Int, obstacle: String?, client: APIClient, state: AnnouncementState,
        recorder: EventRecorder, logger: Logger, onNotice: @escaping @Sendable (String) -> Void,
        onChange: @escaping @Sendable ([Announced]) -> Void
    ) {
        self.node = node
        self.client = client
        self.state = state
        self.recorder = recorder
        self.logger = logger
        self.obstacle = obstacle
        self.onNotice = onNotice
        self.onChange = onChange
        now = { Layer2Speaker.now }
        election = AnnouncerElection(
            node: node, life: SystemClock.microsecondsSinceEpoch,
            settings: .init(duration: .seconds(leaseSeconds)), at: Layer2Speaker.now)
    }

    // MARK: From the API

    nonisolated func observe(_ leases: Informer<KeptAnnouncerLease>) {
        // In order: handlers are called one at a time, and the stream keeps their order.
        let (stream, continuation) = AsyncStream.makeStream(of: InformerChange<KeptAnnouncerLease>.self)
        leases.addHandler { continuation.yield($0) }
        Task { [weak self] in
            for await change in stream { await self?.take(change) }
        }
    }

    private func take(_ change: InformerChange<KeptAnnouncerLease>) {
        let object = change.object
        var isDeleted = false
        if case .deleted = change { isDeleted = true }
        switch object.record {
        case .lease(let node):
            election.observe(
                leaseOf: node, isDeleted ? nil : object.lease, version: object.version, at: now())
        case .claims(let part): election.observe(part: part, isDeleted ? nil : object.claims, version: object.version)
        case nil: return
        }
        changed.raise()
    }

    // MARK: Running

    /// Runs until cancelled; then gives up what it announces, so that others need not wait.
    ///
    /// - Parameter synced: returns once every Lease that there is has been observed.
    func run(synced: @Sendable () async throws -> Void) async {
        let plans = state.follow()
        await withTaskGroup(of: Void.self) { group in
            group.addTask { [changed] in for await _ in plans.changes { changed.raise() } }
            do {
                try await synced()
            } catch {
                group.cancelAll()
                return
            }
            election.setSynced()
            plans.raise()
            for await _ in changed.changes {
                await step(mayPlan: plans)
                if Task.isCancelled { break }
            }
            group.cancelAll()
        }
        await Task { await stop() }.value
    }

    private func step(mayPlan plans: ChangeSignal) async {
        let moment = now()
        isOutdated = plans.takeRaised() || isOutdated
        var turn = moment
        if isOutdated {
            turn = planned.map { $0 + Self.planPause } ?? moment
            if moment >= turn {
                (planned, isOutdated) = (moment, false)
                replan()
            }
        }
        await decide(turn: isOutdated ? turn : nil)
    }

    private func replan() {
        let plan = state.plan()
        source = nil
        entries = Dictionary(plan.entries(.layer2).map { ($0.address, $0) }, uniquingKeysWith: { first, _ in first })
        if !entries.isEmpty, speaker == nil, obstacle == nil { open() }
        if let obstacle {
            // Once, and only to those who have something to announce.
            guard !entries.isEmpty, !isObstacleSaid else { return }
            isObstacleSaid = true
            logger.warning("\(obstacle)")
            return onNotice(obstacle)
        }
        election.setWanted(
            entries.mapValues { entry in
                // Another node may have the interfaces that this one lacks.
                let isPossible = entry.interfaces(on: node).map { choice in
                    links.contains { $0.canAnnounce && choice.contains($0) }
                }
                return isPossible == false ? entry.nodes.subtracting([node]) : entry.nodes
            }, scores: entries.mapValues(\.scores).filter { !$0.value.isEmpty })
    }

    private func open() {
        do {
            speaker = try Layer2Speaker { [weak self] report in
                Task { await self?.take(report) }
            }
        } catch {
            let words =
                "load-balancer addresses are not announced by this node: \(error) (CAP_NET_RAW is needed, as root has it)"
            fail(words)
        }
    }

    private func fail(_ words: String) {
        obstacle = words
        isObstacleSaid = true
        logger.warning("\(words)")
        onNotice(words)
        speaker?.stop()
        speaker = nil
        election.setWanted([:])
        changed.raise()
    }

    private func take(_ report: Layer2Speaker.Report) {
        switch report {
        case .failed(let reason): fail("load-balancer addresses are no longer announced by this node: \(reason)")
        case .links(let links):
            self.links = links
            replan()
            changed.raise()
        case .conflict(let conflict):
            let moment = now()
            if let last = conflicts[conflict.address], moment < last + Self.conflictPause { return }
            // Addresses of ours only: no more than are announced.
            conflicts[conflict.address] = moment
            let words = "\(conflict.address) is claimed by \(conflict.hardware) on \(conflict.link) too"
            logger.warning("\(words)")
            for service in entries[conflict.address]?.services ?? [] {
                recorder.record(.warning, about: Self.reference(service), reason: "addressConflict", message: words)
            }
        }
    }

    /// Says what is announced to the speaker, then does what the election wants done.
    ///
    /// - Parameter turn: when there is something to do beside.
    private func decide(turn: Duration?) async {
        let (actions, next) = election.decide(at: now())
        await apply()
        for action in actions { Task { await perform(action) } }
        look(again: min(next, turn ?? next))
    }

    private func look(again moment: Duration) {
        alarm?.cancel()
        let pause = max(.zero, moment - now())
        alarm = Task { [changed] in
            // Ends early only when another alarm was set.
            guard (try? await Task.sleep(for: pause, tolerance: .milliseconds(5))) != nil else { return }
            changed.raise()
        }
    }

    private func apply() async {
        let (addresses, until) = election.announced(at: now())
        guard let speaker else { return }
        speaker.setDeadline(until)
        guard addresses != source else { return }
        source = addresses
        var table: [IPAddress: InterfaceChoice] = [:]
        for address in addresses {
            if let choice = entries[address]?.interfaces(on: node) { table[address] = choice }
        }
        guard table != spoken else { return }
        let news = table.keys.filter { spoken[$0] == nil }.sorted()
        note("announcing", news)
        note("no longer announcing", spoken.keys.filter { table[$0] == nil }.sorted())
        spoken = table
        conflicts = conflicts.filter { table[$0.key] != nil }
        await speaker.setTable(table)
        for address in news {
            for service in entries[address]?.services ?? [] {
                // As MetalLB says it.
                recorder.record(
                    .normal, about: Self.reference(service), reason: "nodeAssigned",
                    message: "announcing from node \"\(node)\" with protocol \"layer2\"")
            }
        }
        onChange(
            table.keys.sorted().compactMap { address in
                guard let entry = entries[address], let choice = table[address] else { return nil }
                let names = links.filter { $0.canAnnounce && choice.contains($0) }.map(\.name)
                return Announced(entry: entry, interfaces: names.sorted())
            })
    }

    /// For whoever looks closely; of many addresses the first few.
    private func note(_ words: String, _ addresses: [IPAddress]) {
        guard !addresses.isEmpty else { return }
        let some = addresses.prefix(8).map(\.description).joined(separator: " ")
        logger.debug("layer 2: \(words) \(addresses.count) addresses: \(some)\(addresses.count > 8 ? " …" : "")")
    }

    static func reference(_ service: AnnouncementPlan.ServiceReference) -> ObjectReference {
        ObjectReference(
            kind: "Service", namespace: service.key.namespace, name: service.key.name, uid: service.uid,
            apiVersion: "v1")
    }

    /// Falls silent, and lets the others know.
    private func stop() async {
        speaker?.setDeadline(.zero)
        election.stop()
        // The Lease expires by itself where this does not succeed.
        for _ in 0..<3 where !election.isDone {
            for action in election.decide(at: now()).actions { await perform(action) }
        }
        alarm?.cancel()
        speaker?.stop()
    }

    // MARK: Leases

    private func perform(_ action: AnnouncerElection.Action) async {
        switch action {
        case .writeLease(let other, let lease, let version):
            if other != node { logger.debug("layer 2: \(other) has fallen silent; its Lease is taken from it") }
            let object = AnnouncerLeases.object(
                ofNode: other, lease, over: version, owner: state.uid(ofNode: other), now: WallClock.microTime)
            election.finishLease(of: other, await write(object), at: now())
        case .writeClaims(let part, let claims, let version):
            logger.trace("layer 2: writing claims \(part): \(claims.claims.count) addresses")
            let object = AnnouncerLeases.object(
                ofPart: part, claims, over: version, by: node, now: WallClock.microTime)
            election.finishClaims(of: part, await write(object), at: now())
        case .read(let record): await read(record)
        }
        changed.raise()
    }

    private func write(_ object: Lease) async -> AnnouncerElection.Outcome {
        do {
            let written =
                object.metadata.resourceVersion == nil
                ? try await within { [client] in try await client.create(object) }
                : try await within { [client] in try await client.update(object) }
            return KeptAnnouncerLease(written).version > 0 ? .stored(KeptAnnouncerLease(written).version) : .unknown
        } catch let status as Status where status.isConflict || status.isNotFound || status.isAlreadyExists {
            return .conflict
        } catch let status as Status where (400..<500).contains(status.code) {
            // Refused for good, such as for want of permission: nothing of it takes effect.
            complain("\(object.metadata.name ?? ""): \(status)")
            return .unknown
        } catch {
            logger.debug("announcing: \(object.metadata.name ?? "") was not written: \(error)")
            return .unknown
        }
    }

    private var complaints: Set<String> = []

    private func complain(_ words: String) {
        // A few kinds at most; each is said once.
        guard complaints.count < 16, complaints.insert(words).inserted else { return }
        logger.warning("announcing: \(words)")
    }

    private func read(_ record: AnnouncerRecord) async {
        let name = AnnouncerLeases.name(of: record)
        do {
            let found = KeptAnnouncerLease(
                try await within { [client] in
                    try await client.get(Lease.self, name, namespace: AnnouncerLeases.namespace)
                })
            switch record {
            case .lease(let node): election.observe(leaseOf: node, found.lease, version: found.version, at: now())
            case .claims(let part): election.observe(part: part, found.claims, version: found.version)
            }
        } catch let status as Status where status.isNotFound {
            switch record {
            case .lease(let node): election.observe(leaseOf: node, nil, version: .max, at: now())
            case .claims(let part): election.observe(part: part, nil, version: .max)
            }
        } catch {
            logger.debug("announcing: \(name) was not read: \(error)")
            election.failRead(of: record, at: now())
        }
    }

    /// However silent the server is, the election goes on.
    private func within<Result: Sendable>(_ body: @escaping @Sendable () async throws -> Result) async throws -> Result
    {
        try await Attempt.within(Self.patience, by: MonotonicClock(), body)
    }

    // MARK: Answers

    func snapshot() async -> Layer2Speaker.Snapshot { await speaker?.snapshot() ?? Layer2Speaker.Snapshot() }

    /// What is announced, with the Services; nothing past the deadline.
    func announced() -> [AnnouncementPlan.Entry] {
        let addresses = election.announced(at: now()).addresses
        return addresses.sorted().compactMap { entries[$0] }
    }
}
