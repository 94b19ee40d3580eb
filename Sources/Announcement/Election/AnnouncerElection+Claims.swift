import NetworkTypes

extension AnnouncerElection {
    /// The claims on one part of the addresses.
    struct Part: Sendable {
        /// Nil where the store has no such record.
        var version: UInt64?
        var claims: [IPAddress: Announcer] = [:]
        /// The write that is under way.
        var write: (over: UInt64?, claims: AnnouncerClaims)?
        /// What writes of unknown outcome give up, and the version that they replace: until another is seen.
        var doubt: (over: UInt64?, gone: Set<IPAddress>)?
        var isBeingRead = false
        var needsRead = false
        var retry: Duration = .zero

        /// Whether a write that may still take effect gives the address up.
        func mayLose(_ address: IPAddress, _ own: Announcer) -> Bool {
            if let write, write.claims.claims[address] != own { return true }
            return doubt?.gone.contains(address) == true
        }
    }

    /// What is to become of an address.
    private enum Intent {
        case take
        case giveUp
        /// As it is, but by a write, so that one in doubt comes to nothing.
        case confirm
        case nothing
        case wait(until: Duration)
    }

    // MARK: What becomes known

    /// Tells of a part as the store has it, nil for none. What is older than what is known is passed over.
    package mutating func observe(part index: Int, _ new: AnnouncerClaims?, version: UInt64) {
        guard (0..<settings.parts).contains(index) else { return }
        var part = parts[index] ?? Part()
        part.isBeingRead = false
        guard version >= part.version ?? 0 else {
            parts[index] = part
            return
        }
        part.needsRead = false
        let present = new == nil ? nil : version
        if let doubt = part.doubt, doubt.over != present { part.doubt = nil }
        let before = part.claims
        part.version = present
        part.claims = new?.claims ?? [:]
        parts[index] = part
        note(before, part.claims)
    }

    private mutating func note(_ before: [IPAddress: Announcer], _ after: [IPAddress: Announcer]) {
        let changed =
            before.keys.filter { after[$0] != before[$0] } + after.keys.filter { before[$0] == nil }
        pending.formUnion(changed)
        // All of them: a doubt may be gone.
        settleAll(Set(before.keys).union(after.keys))
    }

    /// A read had no answer.
    package mutating func failRead(of record: AnnouncerRecord, at now: Duration) {
        switch record {
        case .lease(node):
            lease.isBeingRead = false
            lease.retry = now + Self.retryPause
        case .lease(let node):
            peers[node]?.isBusy = false
            peers[node]?.retry = now + Self.retryPause
        case .claims(let index):
            parts[index]?.isBeingRead = false
            parts[index]?.retry = now + Self.retryPause
        }
    }

    /// Tells what became of `writeClaims`.
    package mutating func finishClaims(of index: Int, _ outcome: Outcome, at now: Duration) {
        guard var part = parts[index], let write = part.write else { return }
        part.write = nil
        let before = part.claims
        switch outcome {
        case .stored(let version):
            if part.version.map({ $0 < version }) ?? true {
                part.version = version
                part.claims = write.claims.claims
                part.doubt = nil
            }
        case .conflict: part.needsRead = part.version == write.over
        case .unknown:
            part.needsRead = true
            part.retry = now + Self.retryPause
            // What was seen since then to be of another version is out of doubt.
            if part.version == write.over {
                let gone = before.filter { $0.value == own && write.claims.claims[$0.key] != own }.map(\.key)
                part.doubt = (write.over, (part.doubt?.gone ?? []).union(gone))
            }
        }
        parts[index] = part
        // What waited for the end of this write is looked at again.
        pending.formUnion(Set(before.keys).union(write.claims.claims.keys))
        settleAll(Set(before.keys).union(write.claims.claims.keys))
    }

    // MARK: What is done

    mutating func decideOnClaims(at now: Duration) -> [Action] {
        nextTurn = nil
        var actions: [Action] = []
        for (index, part) in parts where part.needsRead && !part.isBeingRead && part.write == nil {
            guard now >= part.retry else {
                nextTurn = min(nextTurn ?? part.retry, part.retry)
                continue
            }
            parts[index]?.isBeingRead = true
            actions.append(.read(.claims(index)))
        }
        var changes: [Int: [(IPAddress, Announcer?)]] = [:]
        var waiting: Set<IPAddress> = []
        var unseen: Set<String> = []
        for address in pending {
            let index = part(of: address)
            let part = parts[index] ?? Part()
            guard part.write == nil, !part.needsRead, !part.isBeingRead else {
                // Looked at again when that has ended.
                waiting.insert(address)
                continue
            }
            switch intent(for: address, at: now, unseen: &unseen) {
            case .take, .confirm: changes[index, default: []].append((address, own))
            case .giveUp: changes[index, default: []].append((address, nil))
            case .nothing: break
            case .wait(let moment):
                waiting.insert(address)
                nextTurn = min(nextTurn ?? moment, moment)
            }
        }
        pending = waiting
        for (index, changes) in changes { actions.append(write(index, changes)) }
        for node in unseen where peers[node] == nil {
            // Nothing was heard of it yet: whether its claims count is in its Lease, which is read next.
            peers[node] = Peer(lease: nil, seen: now, since: now)
        }
        return actions
    }

    private mutating func intent(for address: IPAddress, at now: Duration, unseen: inout Set<String>) -> Intent {
        let claim = claim(on: address)
        if claim == own {
            freeSince[address] = nil
            if !mayHold(address) || handOver.remove(address) != nil { return .giveUp }
            return parts[part(of: address)]?.doubt?.gone.contains(address) == true ? .confirm : .nothing
        }
        if let claim, !isVoid(claim) {
            freeSince[address] = nil
            if claim.node != node, peers[claim.node] == nil { unseen.insert(claim.node) }
            // Until whoever holds it is known to have ended; that is looked at then.
            return .nothing
        }
        guard let candidates = wanted[address], mayHold(address) else {
            freeSince[address] = nil
            return .nothing
        }
        let since = freeSince[address] ?? now
        freeSince[address] = since
        let preferred = candidates.filter { $0 != node && prefers($0, to: node, for: address) }
        let live = preferred.count { peers[$0]?.isLive(at: now) == true }
        var turn = since + Self.step * live
        if live < preferred.count, now < start + Self.settling { turn = max(turn, start + Self.settling) }
        if now >= turn {
            freeSince[address] = nil
            return .take
        }
        return .wait(until: turn)
    }

    /// Changes a part, and leaves out of it what is void and not wanted.
    private mutating func write(_ index: Int, _ changes: [(IPAddress, Announcer?)]) -> Action {
        var part = parts[index] ?? Part()
        var claims = part.claims
        for (address, claim) in claims where wanted[address] == nil && isVoid(claim) { claims[address] = nil }
        for (address, claim) in changes { claims[address] = claim }
        let record = AnnouncerClaims(claims, stamp: nextStamp())
        part.write = (part.version, record)
        parts[index] = part
        // Silent before the write leaves.
        settleAll(part.claims.keys)
        return .writeClaims(part: index, record, over: part.version)
    }
}
