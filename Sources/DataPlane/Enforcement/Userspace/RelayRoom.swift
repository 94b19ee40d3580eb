import KubeModel
import Synchronization
import Transport

/// The room for relayed connections over all loops: descriptors, and who holds them (``RelayShares``). Any thread.
final class RelayRoom: Sendable {
    /// A relayed connection has a client's descriptor and an endpoint's.
    static let descriptorsPerConnection = 2

    private struct State {
        var shares = RelayShares()
        var ledger = RelayCrowdingLedger()
    }

    let descriptors: RelayDescriptors
    private let state = Mutex(State())
    private let tell: @Sendable (RelayCrowding) -> Void
    /// Who is asked to end a connection, by ``RelayShares/Place/relay``; they hold the room, not it them.
    private let relays = Mutex<[@Sendable () -> ServiceRelay?]>([])

    /// - Parameter tell: Called on a loop, at most once in ``RelayCrowdingLedger/interval``.
    init(descriptors: RelayDescriptors, tell: @escaping @Sendable (RelayCrowding) -> Void) {
        self.descriptors = descriptors
        self.tell = tell
    }

    /// Call once, before the first connection.
    func serve(_ relays: [ServiceRelay]) {
        self.relays.withLock { $0 = relays.map { relay in { [weak relay] in relay } } }
    }

    /// Whether a connection may be accepted at all, if only to refuse it or for another one to end.
    var mayAccept: Bool { descriptors.hasRoom(Self.descriptorsPerConnection) }

    /// Takes a place, if need be another connection's. That one ends soon on its own loop; until then the newcomer lives on
    /// the descriptors that are kept for this.
    ///
    /// - Returns: false where there is none for it.
    func take(_ place: RelayShares.Place, for holder: RelayShares.Holder, on loop: EventLoop) -> Bool {
        let isFree = descriptors.take(Self.descriptorsPerConnection, leaving: descriptors.reserve)
        let isTaken = isFree || descriptors.take(Self.descriptorsPerConnection)
        let (isAdmitted, victim, held) = state.withLock { state in
            let held = state.shares.count(of: holder)
            var victim: RelayShares.Victim?
            if !isFree {
                victim = isTaken ? state.shares.makeRoom(for: holder) : nil
                guard victim != nil else { return (false, victim, held) }
            }
            state.shares.take(place, for: holder)
            return (true, victim, held)
        }
        if let victim {
            note(.ended, of: victim.holder, held: victim.count, on: loop)
            end(victim.place)
        } else if !isAdmitted {
            if isTaken { descriptors.give(Self.descriptorsPerConnection) }
            note(.refused, of: holder, held: held, on: loop)
        }
        return isAdmitted
    }

    func give(_ place: RelayShares.Place) {
        state.withLock { $0.shares.give(place) }
        descriptors.give(Self.descriptorsPerConnection)
    }

    private func end(_ place: RelayShares.Place) {
        guard let relay = relays.withLock({ $0[place.relay] })() else { return }
        relay.loop.execute { relay.end(connection: place.number) }
    }

    private func note(
        _ fate: RelayCrowdingLedger.Fate, of holder: RelayShares.Holder, held: Int, on loop: EventLoop
    ) {
        let delay = state.withLock { $0.ledger.note(fate, of: holder, held: held, at: loop.now) }
        guard let delay else { return }
        loop.schedule(after: delay) { [self, unowned loop] in
            tell(state.withLock { $0.ledger.report(at: loop.now) })
        }
    }
}
