internal import NetworkTypes

// Which endpoint gets a request of a client who has been there.
extension UpstreamDirectory {
    /// What a request's cookie says, and whether its client must be told another.
    struct Session: BitwiseCopyable {
        /// 0 for none.
        var value: UInt64 = 0
        var isNew = false
    }

    /// As ``choose(for:key:tried:now:)``, for an upstream with a cookie. `session` becomes what the client's cookie is to be.
    ///
    /// What a cookie says is a wish: it names one of the upstream's endpoints or nobody, and one that has failed or is
    /// left out does not get the request because of it.
    mutating func choose(
        for state: State, session: inout Session, key: UInt64, tried: TriedEndpoints, now: UInt64
    ) -> EndpointHandle {
        begin(state)
        switch state.pointee.affinity {
        case .none: return choose(for: state, key: key, tried: tried, now: now)
        case .balanced: return chooseBalanced(for: state, &session, tried, now)
        case .persistent: return choosePersistent(for: state, &session, key, tried, now)
        }
    }

    /// How often another number is drawn for an endpoint that is well.
    private static var draws: Int { 16 }

    private mutating func chooseBalanced(
        for state: State, _ session: inout Session, _ tried: TriedEndpoints, _ now: UInt64
    ) -> EndpointHandle {
        if session.value == 0 { session = Session(value: freshSession(of: state), isNew: true) }
        let own = owner(of: session.value, state, now)
        // With a limit everybody may be full.
        if own.isNone || isOpen(own, tried, .wellAndUntried, now) { return own }
        if state.pointee.changesOnFailure || session.isNew {
            for _ in 0..<Self.draws {
                let value = freshSession(of: state)
                let other = owner(of: value, state, now)
                guard isOpen(other, tried, .wellAndUntried, now) else { continue }
                session = Session(value: value, isNew: true)
                return other
            }
        }
        for openness in Openness.allCases {
            let other = highest(of: state, session.value, tried, openness, now, below: .max)
            if !other.isNone { return other }
        }
        return .none
    }

    /// Whose a session is, however much that one has to do.
    private mutating func owner(of session: UInt64, _ state: State, _ now: UInt64) -> EndpointHandle {
        let limit = endpointLimit
        endpointLimit = .max
        defer { endpointLimit = limit }
        return highest(of: state, session, TriedEndpoints(), .any, now, below: .max)
    }

    private mutating func choosePersistent(
        for state: State, _ session: inout Session, _ key: UInt64, _ tried: TriedEndpoints, _ now: UInt64
    ) -> EndpointHandle {
        guard let list = state.pointee.endpoints, let tags = state.pointee.tags else { return .none }
        let count = Int(state.pointee.endpointCount)
        var isKnown = false
        if session.value != 0 {
            for position in 0..<count where tags[position] == session.value {
                isKnown = true
                if isOpen(list[position], tried, .wellAndUntried, now) { return list[position] }
            }
        }
        let chosen = choose(for: state, key: key, tried: tried, now: now)
        if isKnown, !session.isNew, !state.pointee.changesOnFailure { return chosen }
        for position in 0..<count where list[position] == chosen {
            session = Session(value: tags[position], isNew: true)
            break
        }
        return chosen
    }

    /// Never 0.
    private mutating func freshSession(of state: State) -> UInt64 {
        SessionCookie.marked(
            nextRandom() << 40 ^ nextRandom() << 20 ^ nextRandom(), isCanary: state.pointee.isCanary)
    }
}
