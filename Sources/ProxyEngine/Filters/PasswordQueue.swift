/// Passwords that wait to be checked, each in the lane of what it is checked against. Pure.
///
/// Lanes are served in turn, so that a flood of wrong passwords at one route keeps nobody waiting at another. A lane and the
/// whole have bounds, and a client has a few places in a lane: a stranger alone fills none.
struct PasswordQueue<Check> {
    struct Limits {
        var perClient = 4
        var perLane = 128
        var total = 512
    }

    enum Refusal: Equatable {
        /// The client has as many waiting as it may.
        case ofClient
        /// There is no room for anybody.
        case ofAll
    }

    private struct Lane {
        /// Those before `first` are gone.
        var waiting: [(client: UInt64, check: Check)] = []
        var first = 0
        var clients: [UInt64: Int] = [:]

        var count: Int { waiting.count - first }

        mutating func take() -> Check? {
            guard count > 0 else { return nil }
            let (client, check) = waiting[first]
            first += 1
            if first > 64, first * 2 > waiting.count {
                waiting.removeFirst(first)
                first = 0
            }
            let left = (clients[client] ?? 1) - 1
            clients[client] = left > 0 ? left : nil
            return check
        }
    }

    private let limits: Limits
    private var lanes: [ObjectIdentifier: Lane] = [:]
    /// Whose turn it is, in order; each lane that has something, once.
    private var turns: [ObjectIdentifier] = []
    private(set) var count = 0

    init(limits: Limits = Limits()) { self.limits = limits }

    /// Adds a check to the end of a lane; nil when it was taken.
    mutating func add(_ check: Check, to lane: ObjectIdentifier, of client: UInt64) -> Refusal? {
        if lanes[lane]?.clients[client] ?? 0 >= limits.perClient { return .ofClient }
        if count >= limits.total || lanes[lane]?.count ?? 0 >= limits.perLane { return .ofAll }
        if lanes[lane] == nil { turns.append(lane) }
        lanes[lane, default: Lane()].waiting.append((client, check))
        lanes[lane, default: Lane()].clients[client, default: 0] += 1
        count += 1
        return nil
    }

    /// The first of the lane whose turn it is.
    mutating func next() -> Check? {
        guard !turns.isEmpty else { return nil }
        let lane = turns.removeFirst()
        guard let check = lanes[lane]?.take() else { return nil }
        count -= 1
        if lanes[lane]?.count ?? 0 > 0 { turns.append(lane) } else { lanes[lane] = nil }
        return check
    }
}
