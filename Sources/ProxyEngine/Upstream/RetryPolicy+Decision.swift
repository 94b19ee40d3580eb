extension RetryPolicy {
    /// What an attempt came to.
    enum Failure {
        case loss(UpstreamLoss)
        case status(Int32)

        /// Nobody has looked at the request.
        var isRefusal: Bool {
            if case .loss(.refused) = self { true } else { false }
        }
    }

    /// What is known of the request.
    struct Circumstances {
        /// Made so far.
        var attempts: Int32
        /// That the configuration allows.
        var mostAttempts: Int32
        var endpoints: Int32
        var isIdempotent: Bool
        /// An endpoint has got something of it.
        var wasSent: Bool
        /// All of it is there still.
        var isKept: Bool
        /// Nanoseconds since it came.
        var age: UInt64
    }

    enum Verdict: Equatable {
        case never
        /// Nobody has seen it yet: it costs no endpoint anything.
        case freely
        /// Within the upstream's ``RetryBudget``.
        case withinBudget
    }

    /// Whether a request is sent to another endpoint.
    func verdict(on failure: Failure, _ request: Circumstances) -> Verdict {
        let most = attempts == 0 ? request.mostAttempts : min(attempts, Int32(TriedEndpoints.capacity))
        guard request.isKept, request.attempts < most, timeout == 0 || request.age < timeout else { return .never }
        let condition: Conditions
        var isSeen = request.wasSent
        switch failure {
        // It has not been looked at: also where there is no other endpoint, it is taken on another connection.
        case .loss(.refused): return .freely
        case .loss(.connect):
            condition = .error
            isSeen = false
        case .loss(.connectTimeout):
            condition = .connectTimeout
            isSeen = false
        case .loss(.broken): condition = .error
        case .loss(.responseTimeout): condition = .responseTimeout
        case .loss(.malformed): condition = .invalidHeader
        case .loss(.uncarriable), .loss(.noEndpoint), .loss(.overloaded): return .never
        case .status(let status): condition = .of(status: status)
        }
        guard !condition.isEmpty, conditions.contains(condition), request.attempts < request.endpoints else {
            return .never
        }
        if !isSeen { return .freely }
        return request.isIdempotent || isForAll ? .withinBudget : .never
    }
}
