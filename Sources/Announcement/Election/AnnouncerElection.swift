package import NetworkTypes

/// Which addresses this node announces, agreed with the other nodes by records that a store keeps: decided purely. Time is a
/// parameter, a reading of this machine's own monotonic clock; clocks of machines need not agree, only run at nearly the same
/// rate.
///
/// Each node renews one Lease of its own; a bounded number of parts hold who claims which address. **At no instant do two
/// nodes announce an address**, since
///
/// 1. only a node itself writes claims in its name, and it announces an address only after the store has taken its claim;
/// 2. it announces only until `trust` after it *sent* the last renewal that the store has taken;
/// 3. a claim is taken from another only once its node's Lease was given up by that life, or taken from it by a write over a
///    version that was seen unchanged for its `duration`, which is longer than `trust`: the renewal was sent before it was
///    seen, so the node has fallen silent by then, and no later renewal of that life succeeds, because the version is another;
/// 4. a node that gives an address up falls silent before the write leaves, and stays so while that write may still take
///    effect, even if it wants the address again.
///
/// Beyond that all is preference: a free address goes to the live candidate of the highest score, and among equals to the one
/// that `Rendezvous` prefers; others wait a little longer each. One that is held stays, unless the preferred one has been there for
/// a while, and has a higher score or fewer addresses.
package struct AnnouncerElection: Sendable {
    package struct Settings: Hashable, Sendable {
        /// Others wait this long after the last renewal that they saw.
        package var duration: Duration
        /// Between renewals.
        package var period: Duration
        /// A node believes in itself for this long after a renewal left. Shorter than `duration` by what clocks may differ in
        /// that time, and by what passes between a look at the clock and the frame that follows it.
        package var trust: Duration
        /// In how many parts the claims are kept.
        package var parts: Int

        /// - Parameter duration: whole seconds, at least 1.
        package init(duration: Duration = .seconds(2), parts: Int = 32) {
            self.duration = duration
            period = duration / 4
            trust = duration * 3 / 4
            self.parts = parts
        }
    }

    /// What the caller is to do, after it has applied what `announced` says now.
    package enum Action: Hashable, Sendable {
        /// Write a record over the version known; nil for a record that must not be there yet.
        case writeLease(node: String, AnnouncerLease, over: UInt64?)
        case writeClaims(part: Int, AnnouncerClaims, over: UInt64?)
        /// Read a record: somebody else was faster, or nobody knows what became of a write.
        case read(AnnouncerRecord)
    }

    /// What became of a write.
    package enum Outcome: Hashable, Sendable {
        /// It is in the store as this version.
        case stored(UInt64)
        /// The record is of another version, or gone, or there already: this write never takes effect.
        case conflict
        /// Nobody knows: it may be in the store, or come there later.
        case unknown
    }

    /// How much longer each less preferred candidate waits before it takes what is free.
    static let step: Duration = .milliseconds(250)
    /// How long after its beginning a node leaves addresses to preferred candidates that are not there yet.
    static let settling: Duration = .seconds(2)
    /// After a write of unknown outcome, and a read without an answer.
    static let retryPause: Duration = .milliseconds(200)

    package let node: String
    package let settings: Settings
    let start: Duration
    /// This node's present or next life.
    package internal(set) var life: Int64
    var lease = OwnLease()
    /// Leases of the others; nil for one that is known not to be there.
    var peers: [String: Peer] = [:]
    var parts: [Int: Part] = [:]
    /// Whether the records as they were at the beginning have all been told.
    var isSynced = false
    /// The addresses to be announced, with their candidates.
    var wanted: [IPAddress: Set<String>] = [:]
    /// How much rather some of them are taken.
    var scores: [IPAddress: [String: Int]] = [:]
    var isCandidate = false
    var isStopping = false
    /// Since when an address is seen without a living holder.
    var freeSince: [IPAddress: Duration] = [:]
    /// The addresses to look at again.
    var pending: Set<IPAddress> = []
    /// When the next of them has waited long enough.
    var nextTurn: Duration?
    var nextBalance: Duration
    /// Held addresses that are to be given to a preferred node.
    var handOver: Set<IPAddress> = []
    private var stamps: Int64 = 0
    /// Those that are announced while this node believes in itself.
    private(set) var held: Set<IPAddress> = []

    /// - Parameters:
    ///   - life: above those of earlier processes of this name, as the time of day is.
    ///   - now: the beginning of the process.
    package init(node: String, life: Int64, settings: Settings = Settings(), at now: Duration) {
        self.node = node
        self.life = life
        self.settings = settings
        start = now
        nextBalance = now + Self.balancePause
    }

    // MARK: Answers

    /// The addresses that are announced now, and until when without another word.
    package func announced(at now: Duration) -> (addresses: Set<IPAddress>, until: Duration) {
        guard lease.isHeld, now < lease.trustedUntil else { return ([], .zero) }
        return (held, lease.trustedUntil)
    }

    /// Who announces an address, as far as this node knows.
    package func holder(of address: IPAddress) -> String? {
        guard let claim = claim(on: address), !isVoid(claim) else { return nil }
        return claim.node
    }

    /// Nothing is left to be given up.
    package var isDone: Bool { isStopping && !lease.isHeld && lease.write == nil }

    // MARK: Orders

    /// The addresses to be announced, each with the nodes that may.
    ///
    /// - Parameter scores: how much rather some nodes are taken; those that are not named have 0.
    package mutating func setWanted(_ new: [IPAddress: Set<String>], scores: [IPAddress: [String: Int]] = [:]) {
        // What is held because it was preferred is handed over in its turn.
        self.scores = scores
        guard new != wanted else { return }
        let changed = new.filter { wanted[$0.key] != $0.value }.map(\.key)
        let gone = wanted.keys.filter { new[$0] == nil }
        wanted = new
        isCandidate = new.values.contains { $0.contains(node) }
        for address in changed + gone {
            pending.insert(address)
            settle(address)
        }
    }

    /// All records as they were at the beginning have been told.
    package mutating func setSynced() {
        guard !isSynced else { return }
        isSynced = true
        pending.formUnion(wanted.keys)
    }

    /// This node falls silent, and is to give up its Lease, with which all its claims are void.
    package mutating func stop() {
        isStopping = true
        held = []
    }

    /// What is to be done now, and when to ask again if nothing happens.
    package mutating func decide(at now: Duration) -> (actions: [Action], next: Duration) {
        var actions = decideOnLease(at: now)
        var next = lease.nextLook(settings, isNeeded: isCandidate && !isStopping, now)
        if isSynced, lease.isHeld, now < lease.trustedUntil, !isStopping {
            actions += decideOnPeers(at: now)
            balance(at: now)
            actions += decideOnClaims(at: now)
            for peer in peers.values { next = min(next, peer.nextLook(now)) }
            next = min(next, nextBalance, nextTurn ?? next)
        }
        return (actions, max(next, now + .milliseconds(1)))
    }

    // MARK: Ground

    mutating func nextStamp() -> Int64 {
        stamps += 1
        return stamps
    }

    func part(of address: IPAddress) -> Int { Rendezvous.part(of: address, count: settings.parts) }

    func claim(on address: IPAddress) -> Announcer? { parts[part(of: address)]?.claims[address] }

    /// Whether the first of two candidates is rather taken than the second.
    func prefers(_ first: String, to second: String, for address: IPAddress) -> Bool {
        let (left, right) = (score(of: first, for: address), score(of: second, for: address))
        return left == right ? Rendezvous.prefers(first, to: second, for: address) : left > right
    }

    func score(of node: String, for address: IPAddress) -> Int { scores[address]?[node] ?? 0 }

    func mayHold(_ address: IPAddress) -> Bool { !isStopping && wanted[address]?.contains(node) == true }

    var own: Announcer { Announcer(node: node, life: life) }

    /// Whether the life that made a claim is known to have ended.
    ///
    /// A life that is later than what is known of its node has begun unseen: such a claim counts.
    func isVoid(_ claim: Announcer) -> Bool {
        let known = claim.node == node ? lease.stored?.lease : peers[claim.node]?.lease
        guard let known else { return peers[claim.node]?.isGone == true }
        return known.life > claim.life || known.life == claim.life && !known.isHeld
    }

    /// Works out anew whether an address is announced.
    mutating func settle(_ address: IPAddress) {
        guard let part = parts[part(of: address)], lease.isHeld, part.claims[address] == own, mayHold(address),
            !part.mayLose(address, own)
        else {
            held.remove(address)
            return
        }
        held.insert(address)
    }

    mutating func settleAll(_ addresses: some Sequence<IPAddress>) {
        for address in addresses { settle(address) }
    }

    mutating func forgetHeld() { held = [] }
}
