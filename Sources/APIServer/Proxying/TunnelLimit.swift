import Synchronization

/// How many tunnels there are, in the whole process and of each user, so that one who holds many leaves room for others.
/// A tunnel counts from the request for it until both of its connections are closed.
final class TunnelLimit: Sendable {
    /// A tunnel has two connections, and some hundreds of kilobytes where its peers are slow.
    static let maximum = 512

    private struct State: Sendable {
        var all = 0
        var users: [String: Int] = [:]
    }

    private let maximum: Int
    private let maximumPerUser: Int
    private let state = Mutex(State())

    /// - Parameter maximumPerUser: nil: half of them, rounded up.
    init(maximum: Int = TunnelLimit.maximum, maximumPerUser: Int? = nil) {
        self.maximum = maximum
        self.maximumPerUser = maximumPerUser ?? (maximum + 1) / 2
    }

    /// Takes a place; false when all are taken. Every place that is taken is given back by `leave`.
    func enter(_ user: String) -> Bool {
        state.withLock { state in
            guard state.all < maximum, state.users[user, default: 0] < maximumPerUser else { return false }
            state.all += 1
            state.users[user, default: 0] += 1
            return true
        }
    }

    func leave(_ user: String) {
        state.withLock { state in
            state.all -= 1
            let left = (state.users[user] ?? 0) - 1
            state.users[user] = left > 0 ? left : nil
        }
    }

    var count: Int { state.withLock { $0.all } }
}
