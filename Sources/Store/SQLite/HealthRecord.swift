import Synchronization

/// Where the writer, the checkpointer and the readers note what is wrong.
final class HealthRecord: Sendable {
    private struct State {
        var troubles: [StoreHealth.Trouble: String] = [:]
        var damaged: [String: Revision] = [:]
    }

    private let state = Mutex(State())
    /// So that the writer asks nothing of the lock while all is well.
    private let hasDamage = Atomic<Bool>(false)
    private let onChange: @Sendable (StoreHealth) -> Void

    /// - Parameter onChange: called after each change of what is wrong, not of its words, by the thread that noticed.
    init(onChange: @escaping @Sendable (StoreHealth) -> Void) {
        self.onChange = onChange
    }

    var health: StoreHealth { state.withLock { Self.health($0) } }

    /// - Parameter problem: nil when the trouble is over.
    func set(_ trouble: StoreHealth.Trouble, _ problem: String?) {
        change { state in
            let before = state.troubles[trouble]
            state.troubles[trouble] = problem
            return (before == nil) != (problem == nil)
        }
    }

    func noteDamage(_ key: String, _ revision: Revision) {
        change { state in
            hasDamage.store(true, ordering: .relaxed)
            return state.damaged.updateValue(revision, forKey: key) != revision
        }
    }

    /// On the writer's thread, after the keys' new values, or deletes, are on disk.
    func written(_ events: [StoreEvent]) {
        guard hasDamage.load(ordering: .relaxed) else { return }
        change { state in
            var isChanged = false
            for event in events where state.damaged.removeValue(forKey: event.key) != nil { isChanged = true }
            if state.damaged.isEmpty { hasDamage.store(false, ordering: .relaxed) }
            return isChanged
        }
    }

    private func change(_ body: (inout State) -> Bool) {
        let changed: StoreHealth? = state.withLock { body(&$0) ? Self.health($0) : nil }
        if let changed { onChange(changed) }
    }

    private static func health(_ state: State) -> StoreHealth {
        var health = StoreHealth()
        health.troubles = state.troubles
        health.damagedCount = state.damaged.count
        health.damaged = state.damaged.sorted { $0.key < $1.key }.prefix(StoreHealth.maximumNamed)
            .map { StoreHealth.DamagedValue(key: $0.key, revision: $0.value) }
        return health
    }
}
