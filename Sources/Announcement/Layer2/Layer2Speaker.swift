internal import CLinux
internal import Glibc
internal import Netlink
package import NetworkTypes
internal import Synchronization
package import System

/// Answers for addresses on the network, on a thread of its own: ARP and neighbour discovery by packet sockets, interfaces by
/// netlink. What it answers is `Layer2Answerer`'s to decide. Sleeps while nobody asks.
///
/// The kernel need not have the addresses: who takes their packets elsewhere (nftables before routing) is no concern of it.
package final class Layer2Speaker: Sendable {
    /// What its owner is told, on the speaker's thread.
    package enum Report: Sendable {
        case conflict(Layer2Answerer.Conflict)
        /// The interfaces on which announcing is possible.
        case links([Link])
        /// It has ended, and why.
        case failed(String)
    }

    private struct Orders {
        var table: [IPAddress: InterfaceChoice]?
        var waiting: [CheckedContinuation<Void, Never>] = []
        var isStopping = false
    }

    /// What is known of its work.
    package struct Snapshot: Sendable {
        package var counts: [IPAddress: Layer2Answerer.Counts] = [:]
        package var crowded: UInt64 = 0
        /// Groups of IPv6 that could not be joined.
        package var missingGroups = 0

        package init() {}

        init(counts: [IPAddress: Layer2Answerer.Counts], crowded: UInt64, missingGroups: Int) {
            self.counts = counts
            self.crowded = crowded
            self.missingGroups = missingGroups
        }
    }

    private let orders = Mutex(Orders())
    /// Nanoseconds of `now`; read for each frame.
    private let deadline = Atomic<Int64>(0)
    private let snapshotRequest = Mutex<[CheckedContinuation<Snapshot, Never>]>([])
    private let wake: Int32
    private let report: @Sendable (Report) -> Void

    /// The machine's clock that goes on while it sleeps: what was promised until a moment must not be said after a nap.
    package static var now: Duration {
        var time = timespec()
        clock_gettime(CLOCK_BOOTTIME, &time)
        return .seconds(Int64(time.tv_sec)) + .nanoseconds(Int64(time.tv_nsec))
    }

    /// Begins; speaks for nothing at first.
    ///
    /// - Throws: where the kernel does not permit it (CAP_NET_RAW).
    package init(report: @escaping @Sendable (Report) -> Void) throws(SystemError) {
        self.report = report
        wake = martlet_eventfd()
        guard wake >= 0 else { throw SystemError("open an event descriptor", number: errno) }
        let sockets = Sockets(arp: try PacketSocket(.arp), ipv6: try PacketSocket(.ipv6))
        let room = Room(sockets)
        let thread = try BackgroundThread(name: "announcer") { [self] in
            guard let sockets = room.take() else { return }
            run(sockets)
        }
        thread.detach()
    }

    deinit { close(wake) }

    /// Speaks for exactly these, and says so unasked for those that are new. Once this has returned, nothing is said for any
    /// other.
    package func setTable(_ table: [IPAddress: InterfaceChoice]) async {
        await withCheckedContinuation { continuation in
            let isTaken = orders.withLock { orders in
                guard !orders.isStopping else { return false }
                orders.table = table
                orders.waiting.append(continuation)
                return true
            }
            isTaken ? notify() : continuation.resume()
        }
    }

    /// Nothing is said from this moment of `now` on. Takes effect at once.
    package func setDeadline(_ moment: Duration) {
        let (seconds, attoseconds) = moment.components
        deadline.store(seconds * 1_000_000_000 + attoseconds / 1_000_000_000, ordering: .sequentiallyConsistent)
    }

    /// Falls silent at once and ends soon.
    package func stop() {
        deadline.store(0, ordering: .sequentiallyConsistent)
        orders.withLock { $0.isStopping = true }
        notify()
    }

    package func snapshot() async -> Snapshot {
        await withCheckedContinuation { continuation in
            let isTaken = snapshotRequest.withLock { requests in
                if orders.withLock(\.isStopping) { return false }
                requests.append(continuation)
                return true
            }
            isTaken ? notify() : continuation.resume(returning: Snapshot())
        }
    }

    private func notify() {
        var one: UInt64 = 1
        // The counter is full only when the thread has not read it yet: it will.
        _ = write(wake, &one, 8)
    }

    // MARK: The thread

    private struct Sockets {
        let arp: PacketSocket
        let ipv6: PacketSocket
    }

    /// Carries the sockets over to the thread, once.
    private final class Room: @unchecked Sendable {
        // Written before the thread starts, taken by it alone.
        private var sockets: Sockets?

        init(_ sockets: Sockets) { self.sockets = sockets }

        func take() -> Sockets? {
            defer { sockets = nil }
            return sockets
        }
    }

    /// Addresses announced unasked between two looks at the sockets.
    private static let gratuitousBatch = 64
    /// Frames taken from a socket between two looks at the others.
    private static let receiveBatch = 64
    /// How long it does not listen when too many ask: the kernel drops meanwhile, at less cost.
    private static let crowdedPause: Int32 = 5

    private func run(_ sockets: Sockets) {
        var answerer = Layer2Answerer()
        let groups = SolicitedGroups()
        var missingGroups = 0
        let links: LinkWatch
        do {
            links = try LinkWatch()
            answerer.setLinks(try links.list(), at: Self.now)
        } catch {
            return end("the machine's interfaces: \(error)")
        }
        report(.links(links.current))
        while true {
            let order = orders.withLock { orders in
                defer {
                    orders.table = nil
                    orders.waiting = []
                }
                return orders
            }
            if order.isStopping {
                for continuation in order.waiting { continuation.resume() }
                return end(nil)
            }
            answerer.deadline = .nanoseconds(deadline.load(ordering: .sequentiallyConsistent))
            if let table = order.table, answerer.setTable(table, at: Self.now) {
                missingGroups = prepare(answerer, sockets, groups)
            }
            for continuation in order.waiting { continuation.resume() }
            let waiting = snapshotRequest.withLock { requests in
                defer { requests = [] }
                return requests
            }
            for continuation in waiting {
                continuation.resume(
                    returning: Snapshot(
                        counts: answerer.counts, crowded: answerer.crowded, missingGroups: missingGroups))
            }
            announce(&answerer, sockets)
            let isCrowded = listen(&answerer, sockets)
            var ready = [
                pollfd(fd: wake, events: Int16(POLLIN), revents: 0),
                pollfd(fd: links.descriptor, events: Int16(POLLIN), revents: 0),
                pollfd(fd: sockets.arp.descriptor, events: Int16(POLLIN), revents: 0),
                pollfd(fd: sockets.ipv6.descriptor, events: Int16(POLLIN), revents: 0),
            ]
            var wait: Int32 = -1
            if let next = answerer.nextDue {
                wait = Int32(clamping: Int64(max(0, ((next - Self.now) / .milliseconds(1)).rounded(.up))))
            }
            // While it does not listen, the sockets are left out.
            if isCrowded { wait = wait < 0 ? Self.crowdedPause : min(wait, Self.crowdedPause) }
            guard poll(&ready, isCrowded ? 2 : 4, wait) >= 0 || errno == EINTR else {
                return end("waiting for frames: \(SystemError("poll", number: errno))")
            }
            if ready[0].revents != 0 {
                var count: UInt64 = 0
                _ = read(wake, &count, 8)
            }
            if ready[1].revents != 0 {
                do {
                    guard let changed = try links.changes() else { continue }
                    answerer.setLinks(changed, at: Self.now)
                    missingGroups = prepare(answerer, sockets, groups)
                    report(.links(changed))
                } catch {
                    return end("the machine's interfaces: \(error)")
                }
            }
        }
    }

    private func end(_ reason: String?) {
        let orders = orders.withLock { orders in
            defer { orders.waiting = [] }
            orders.isStopping = true
            return orders.waiting
        }
        for continuation in orders { continuation.resume() }
        let waiting = snapshotRequest.withLock { requests in
            defer { requests = [] }
            return requests
        }
        for continuation in waiting { continuation.resume(returning: Snapshot()) }
        if let reason { report(.failed(reason)) }
    }

    /// Filters and groups for what is announced now.
    private func prepare(_ answerer: Layer2Answerer, _ sockets: Sockets, _ groups: SolicitedGroups) -> Int {
        let v4 = answerer.table.keys.compactMap(\.v4)
        var wanted: Set<SolicitedGroups.Membership> = []
        for address in answerer.table.keys where address.family == .v6 {
            let group = NeighbourMessage.solicitedNode(of: address)
            for link in answerer.links(of: address) { wanted.insert(.init(group, on: link.index)) }
        }
        // A filter that is refused for want of memory leaves the one before, which lets through what was announced then;
        // what is not ours is passed over either way.
        if let first = v4.min(), let last = v4.max() {
            try? sockets.arp.setFilter(.arp(first, last))
        } else {
            try? sockets.arp.setFilter(.nothing)
        }
        try? sockets.ipv6.setFilter(wanted.isEmpty ? .nothing : .neighbours)
        return groups.set(wanted)
    }

    private func announce(_ answerer: inout Layer2Answerer, _ sockets: Sockets) {
        for frame in answerer.takeDue(at: Self.now, limit: Self.gratuitousBatch) { send(frame, sockets) }
    }

    /// Returns whether too many ask.
    private func listen(_ answerer: inout Layer2Answerer, _ sockets: Sockets) -> Bool {
        for socket in [sockets.arp, sockets.ipv6] {
            for _ in 0..<Self.receiveBatch {
                guard let frame = socket.receive() else { break }
                // As it is at this very moment: the owner may have given up the address since the last frame.
                answerer.deadline = .nanoseconds(deadline.load(ordering: .sequentiallyConsistent))
                let outcome =
                    socket === sockets.arp
                    ? answerer.take(arp: frame.bytes, by: frame.link, at: Self.now)
                    : answerer.take(ipv6: frame.bytes, from: frame.source, by: frame.link, at: Self.now)
                switch outcome {
                case .nothing: break
                case .answer(let frame): send(frame, sockets)
                case .conflict(let conflict):
                    for frame in conflict.defence { send(frame, sockets) }
                    report(.conflict(conflict))
                case .crowded: return true
                }
            }
        }
        return false
    }

    private func send(_ frame: Layer2Answerer.Frame, _ sockets: Sockets) {
        // A frame that an interface does not take is lost as one on the wire would be: it is asked for again.
        switch frame.payload {
        case .arp(let packet): _ = sockets.arp.send(packet.bytes, to: frame.destination, by: frame.link)
        case .neighbour(let message): _ = sockets.ipv6.send(message.bytes, to: frame.destination, by: frame.link)
        }
    }
}
