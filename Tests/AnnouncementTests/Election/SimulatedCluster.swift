import NetworkTypes

@testable import Announcement

/// Nodes that agree by a store, over a network that delays, loses and reorders, with clocks that run at different rates;
/// everything follows from one seed.
struct SimulatedCluster {
    struct Generator: RandomNumberGenerator {
        var state: UInt64

        mutating func next() -> UInt64 {
            state &+= 0x9E37_79B9_7F4A_7C15
            var value = state
            value = (value ^ (value >> 30)) &* 0xBF58_476D_1CE4_E5B9
            value = (value ^ (value >> 27)) &* 0x94D0_49BB_1331_11EB
            return value ^ (value >> 31)
        }
    }

    enum Content {
        case lease(AnnouncerLease)
        case claims(AnnouncerClaims)
    }

    enum Event {
        /// A node decides.
        case wake(String, process: Int, turn: Int)
        /// A request comes to the store.
        case arrive(String, process: Int, AnnouncerElection.Action)
        case answer(String, process: Int, AnnouncerElection.Action, AnnouncerElection.Outcome?, (UInt64, Content)?)
        /// The node's watch gets what happened up to now.
        case watch(String, process: Int)
        case misfortune
    }

    struct Node {
        var election: AnnouncerElection
        var process: Int
        /// A reading of its clock is offset + rate × time.
        var rate: Double
        var offset: Double
        /// How far its watch is.
        var cursor = 0
        var isCut = false
        var isDead = false
        var answered: Set<Int> = []
        /// Which of its wake-ups counts: the last that was set.
        var turn = 0
    }

    var random: Generator
    var now = 0.0
    var nodes: [String: Node] = [:]
    var records: [AnnouncerRecord: (version: UInt64, content: Content)] = [:]
    var log: [(AnnouncerRecord, UInt64, Content)] = []
    var version: UInt64 = 0
    var wanted: [IPAddress: Set<String>] = [:]
    var queue: [(at: Double, number: Int, event: Event)] = []
    var number = 0
    var processes = 0
    var isTroubled = true
    /// Instants at which an address had two announcers.
    var breaches: [String] = []
    /// How often an address got an announcer.
    var takeOvers = 0
    private var announcers: [IPAddress: String] = [:]

    init(seed: UInt64, nodes count: Int, addresses: Int) {
        random = Generator(state: seed)
        let names = (0..<count).map { "node-\($0)" }
        for index in 0..<addresses {
            let candidates = names.filter { _ in Int.random(in: 0..<4, using: &random) > 0 }
            wanted[IPAddress(v4: 0xC000_0200 + UInt32(index))] = Set(candidates.isEmpty ? names : candidates)
        }
        for name in names { boot(name, after: Double.random(in: 0..<3, using: &random)) }
        schedule(2, .misfortune)
    }

    mutating func schedule(_ delay: Double, _ event: Event) {
        number += 1
        let entry = (at: now + delay, number: number, event: event)
        // Latest first: the next one is the last.
        var (low, high) = (0, queue.count)
        while low < high {
            let middle = (low + high) / 2
            if queue[middle].at > entry.at { low = middle + 1 } else { high = middle }
        }
        queue.insert(entry, at: low)
    }

    mutating func scheduleWake(_ name: String, _ process: Int, after delay: Double) {
        guard nodes[name]?.process == process else { return }
        nodes[name]?.turn += 1
        schedule(delay, .wake(name, process: process, turn: nodes[name]?.turn ?? 0))
    }

    mutating func boot(_ name: String, after delay: Double = 0) {
        processes += 1
        let rate = Double.random(in: 0.96...1.04, using: &random)
        let offset = Double.random(in: 0...100_000, using: &random)
        var election = AnnouncerElection(
            node: name, life: Int64((now + delay) * 1_000_000) + Int64(processes),
            settings: .init(parts: 3), at: .seconds(offset + rate * (now + delay)))
        election.setWanted(wanted)
        let isCut = nodes[name]?.isCut ?? false
        nodes[name] = Node(election: election, process: processes, rate: rate, offset: offset, isCut: isCut)
        schedule(delay, .watch(name, process: processes))
        scheduleWake(name, processes, after: delay)
    }

    func reading(_ node: Node) -> Duration { .seconds(node.offset + node.rate * now) }

    /// Runs until a moment.
    mutating func run(until end: Double) {
        while let next = queue.last, next.at <= end {
            queue.removeLast()
            now = max(now, next.at)
            take(next.event)
            check()
        }
        now = end
        check()
    }

    mutating func check() {
        var holders: [IPAddress: String] = [:]
        for (name, node) in nodes.sorted(by: { $0.key < $1.key }) where !node.isDead {
            for address in node.election.announced(at: reading(node)).addresses {
                if let other = holders[address] { breaches.append("\(now): \(address) by \(other) and \(name)") }
                holders[address] = name
            }
        }
        takeOvers += holders.count { announcers[$0.key] != $0.value }
        announcers.merge(holders) { $1 }
    }

    mutating func take(_ event: Event) {
        switch event {
        case .wake(let name, let process, let turn):
            if nodes[name]?.turn == turn { wake(name, process) }
        case .arrive(let name, let process, let action): arrive(name, process, action)
        case .answer(let name, let process, let action, let outcome, let found):
            answer(name, process, action, outcome, found)
        case .watch(let name, let process): watch(name, process)
        case .misfortune: misfortune()
        }
    }

    mutating func wake(_ name: String, _ process: Int) {
        guard var node = nodes[name], node.process == process, !node.isDead else { return }
        let reading = reading(node)
        let (actions, next) = node.election.decide(at: reading)
        nodes[name] = node
        // What is announced now is in force before anything leaves.
        check()
        for action in actions {
            let isLost = node.isCut || isTroubled && Int.random(in: 0..<20, using: &random) == 0
            // What is lost on the way may have been taken by the store all the same, later than anybody waits.
            let mayLand = !isLost || Int.random(in: 0..<2, using: &random) == 0
            let late = isLost ? Double.random(in: 0..<6, using: &random) : 0
            if mayLand { schedule(late + delay(), .arrive(name, process: process, action)) }
            // Nobody waits for longer.
            schedule(1, .answer(name, process: process, action, .unknown, nil))
        }
        let pause = max(0.001, (next - reading) / .seconds(1) / node.rate)
        let late = isTroubled ? Double.random(in: 0..<0.05, using: &random) : 0
        scheduleWake(name, process, after: min(pause, 5) + late)
    }

    mutating func delay() -> Double {
        isTroubled && Int.random(in: 0..<10, using: &random) == 0
            ? Double.random(in: 0..<1.5, using: &random) : Double.random(in: 0.001..<0.02, using: &random)
    }

    mutating func arrive(_ name: String, _ process: Int, _ action: AnnouncerElection.Action) {
        var outcome: AnnouncerElection.Outcome?
        var found: (UInt64, Content)?
        switch action {
        case .writeLease(let node, let lease, let over): outcome = write(.lease(node), .lease(lease), over)
        case .writeClaims(let part, let claims, let over): outcome = write(.claims(part), .claims(claims), over)
        case .read(let record): found = records[record].map { ($0.version, $0.content) }
        }
        guard nodes[name]?.isCut == false else { return }
        schedule(delay(), .answer(name, process: process, action, outcome, found))
    }

    mutating func write(_ record: AnnouncerRecord, _ content: Content, _ over: UInt64?) -> AnnouncerElection.Outcome {
        guard records[record]?.version == over else { return .conflict }
        version += 1
        records[record] = (version, content)
        log.append((record, version, content))
        for (name, node) in nodes { schedule(delay(), .watch(name, process: node.process)) }
        return .stored(version)
    }

    mutating func answer(
        _ name: String, _ process: Int, _ action: AnnouncerElection.Action, _ outcome: AnnouncerElection.Outcome?,
        _ found: (UInt64, Content)?
    ) {
        guard var node = nodes[name], node.process == process, !node.isDead, !node.isCut || outcome == .unknown else {
            return
        }
        let reading = reading(node)
        switch action {
        // A write is known by its stamp; the first answer counts, or the end of patience.
        case .writeLease(let other, let lease, _):
            guard node.answered.insert(Int(lease.stamp)).inserted else { return }
            node.election.finishLease(of: other, outcome ?? .unknown, at: reading)
        case .writeClaims(let part, let claims, _):
            guard node.answered.insert(Int(claims.stamp)).inserted else { return }
            node.election.finishClaims(of: part, outcome ?? .unknown, at: reading)
        case .read(let record):
            if outcome == .unknown {
                node.election.failRead(of: record, at: reading)
            } else {
                tell(&node.election, record, found, at: reading)
            }
        }
        nodes[name] = node
        scheduleWake(name, process, after: 0)
    }

    func tell(
        _ election: inout AnnouncerElection, _ record: AnnouncerRecord, _ found: (UInt64, Content)?, at now: Duration
    ) {
        switch (record, found?.1) {
        case (.lease(let node), .lease(let lease)?):
            election.observe(leaseOf: node, lease, version: found?.0 ?? 0, at: now)
        case (.claims(let part), .claims(let claims)?):
            election.observe(part: part, claims, version: found?.0 ?? 0)
        case (.lease(let node), _): election.observe(leaseOf: node, nil, version: .max, at: now)
        case (.claims(let part), _): election.observe(part: part, nil, version: .max)
        }
    }

    mutating func watch(_ name: String, _ process: Int) {
        guard var node = nodes[name], node.process == process, !node.isDead, !node.isCut else { return }
        let reading = reading(node)
        for (record, version, content) in log[node.cursor...] {
            tell(&node.election, record, (version, content), at: reading)
        }
        node.cursor = log.count
        node.election.setSynced()
        nodes[name] = node
        scheduleWake(name, process, after: 0)
    }

    mutating func misfortune() {
        guard isTroubled else { return }
        schedule(Double.random(in: 0.2..<4, using: &random), .misfortune)
        let name = "node-\(Int.random(in: 0..<nodes.count, using: &random))"
        switch Int.random(in: 0..<6, using: &random) {
        case 0, 1: nodes[name]?.isCut.toggle()
        case 2: nodes[name]?.isDead = true
        case 3: boot(name)
        default:
            guard let address = wanted.keys.sorted().randomElement(using: &random) else { return }
            let names = nodes.keys.sorted()
            wanted[address] = Set(names.filter { _ in Bool.random(using: &random) })
            // Not everybody hears of it at the same time.
            for name in names where Int.random(in: 0..<4, using: &random) > 0 {
                nodes[name]?.election.setWanted(wanted)
            }
        }
    }

    mutating func heal() {
        isTroubled = false
        for name in nodes.keys.sorted() {
            nodes[name]?.isCut = false
            if nodes[name]?.isDead == true { boot(name) }
            nodes[name]?.election.setWanted(wanted)
            if let process = nodes[name]?.process {
                schedule(0.01, .watch(name, process: process))
                scheduleWake(name, process, after: 0.02)
            }
        }
    }

    /// Who announces what at this moment.
    var announced: [IPAddress: String] {
        var result: [IPAddress: String] = [:]
        for (name, node) in nodes where !node.isDead {
            for address in node.election.announced(at: reading(node)).addresses { result[address] = name }
        }
        return result
    }
}
