import BPF
import Conntrack
import Glibc
import Logging
import Netlink
import NetworkTypes
import System
import TrafficModel

/// The work of `SocketEnforcer`, on the thread that talks with the kernel.
///
/// It stands in front of a kernel mode that enforces everything: so where something fails here, sockets are led by nobody
/// (the programs are let go) rather than by what may be out of date, and it is tried again.
struct SocketEnforcement: KernelEnforcement {
    static let threadName = "sockets"

    /// Seconds between two looks.
    struct Pauses {
        /// At links and names.
        var links: Int64 = 10
        /// At all that the maps hold.
        var maps: Int64 = 300
        /// Until what failed is tried again.
        var retry: Int64 = 30
    }

    private let system: any BPFSystem
    private let place: SocketPlace
    private let tracking: SocketTracking?
    private let sockets: (any LedSockets)?
    private var sweeper: StaleFlowSweeper?
    private let logger: Logger
    private let pauses: Pauses
    private var planner = FrontendPlanner()
    private(set) var plan: SocketPlan
    private var maps: [String: BPFObject] = [:]
    private var links: [BPFHook: BPFObject] = [:]
    /// Why nothing is led.
    private(set) var trouble: BPFError?
    /// What memory says is in effect.
    private var isTrusted = false
    /// Connections that are led are not tracked.
    private var untracks = false
    /// A batch was there.
    private var isBegun = false
    private var last: (links: Int64, maps: Int64, failure: Int64) = (0, 0, 0)

    /// - Parameters:
    ///   - tracking: nil where connections are left as they are.
    ///   - sockets: those that lose their endpoint and are to be ended; nil where nobody can: then UDP that connects is left
    ///     to the rules.
    /// - Throws: where the kernel does not take the programs. Nothing is attached yet.
    init(
        _ system: any BPFSystem, at place: SocketPlace, policy: MasqueradePolicy, tracking: SocketTracking? = nil,
        sockets: (any LedSockets)? = nil, room: SocketMaps.Room = SocketMaps.Room(), logger: Logger,
        pauses: Pauses = Pauses()
    ) throws(BPFError) {
        self.system = system
        self.place = place
        self.tracking = tracking
        self.sockets = sockets
        sweeper = sockets.map { StaleFlowSweeper($0, logger: logger) }
        self.logger = logger
        self.pauses = pauses
        plan = SocketPlan(policy, room: room)
        _ = try load(try makeMaps(SocketMaps.Room(frontends: 1, endpoints: 1, memories: 128)))
        try system.makeFolder(place.folder)
    }

    // MARK: Batches

    mutating func enforce(_ batch: EnforcementBatch) {
        isBegun = true
        let batch = batch.forKernel
        let plan = planner.plan(batch.changes, on: batch.node)
        follow(plan.changes, batch.extent)
        // By what is in effect now: whoever connects anew is led there.
        sockets?.follow(maps[SocketMaps.connected])
        sweeper?.sweep(batch, plan, isInEffect: isTrusted)
        if isTrusted, batch.extent == .everything { endOrphans() }
    }

    /// Ends sockets whose Service went while nobody was there.
    private func endOrphans() {
        guard let sockets else { return }
        do throws(NetlinkError) {
            _ = try sockets.delete(FlowFilter(family: .v4, transport: FlowTuple.udp), where: isOrphan)
            _ = try sockets.delete(FlowFilter(family: .v6, transport: FlowTuple.udp), where: isOrphan)
        } catch {
            logger.warning("sockets may go on with endpoints that are gone: \(error)")
        }
    }

    private func isOrphan(_ flow: Flow) -> Bool {
        planner[FrontendKey(transport: .udp, address: flow.original.destination)] == nil
    }

    private mutating func follow(_ changes: [FrontendPlanner.Change], _ extent: EnforcementBatch.Extent) {
        do throws(BPFError) {
            if isTrusted, extent == .changes {
                try carryOut(plan.apply(changes))
            } else {
                try reconcile(changes)
            }
        } catch {
            // Something is not as memory has it: listing tells what.
            retry(error)
        }
    }

    private mutating func retry(_ error: BPFError) {
        isTrusted = false
        do throws(BPFError) {
            logger.debug("sockets: \(error)")
            try reconcile([])
        } catch {
            withdraw(error)
        }
    }

    /// Lets the programs go: every connection is the kernel mode's then.
    private mutating func withdraw(_ error: BPFError) {
        if trouble == nil { logger.warning("sockets are no longer led to endpoints at connect: \(error)") }
        trouble = error
        isTrusted = false
        last.failure = MonotonicClock.seconds
        links = [:]
        maps = [:]
        tracking?.set(false, logger)
        do throws(BPFError) {
            try SocketPlace.remove(place.folder, system)
        } catch {
            logger.error("programs may be left that lead sockets to endpoints: \(error)")
        }
    }

    /// Lists what there is, and brings it to where it should be.
    private mutating func reconcile(_ changes: [FrontendPlanner.Change]) throws(BPFError) {
        try system.makeFolder(place.folder)
        var isFresh = false
        if maps.isEmpty {
            if let found = try openMaps() {
                maps = found
            } else {
                maps = try makeMaps(plan.room)
                isFresh = true
            }
        }
        let listing = try Self.listing(of: maps, system)
        if plan.count == 0 { plan.adopt(listing) }
        _ = plan.apply(changes)
        plan.forgetAdopted()
        try carryOut(plan.repairs(of: listing))
        untracks = tracking?.set(tracking?.isUnneeded == true, logger) ?? false
        let programs = try load(maps)
        // What programs run by now may be other maps than those that are pinned: they change together with the programs.
        for (hook, program) in programs { try put(program, at: hook) }
        if isFresh { for name in maps.keys { try system.unpin(place.path(of: name)) } }
        for (name, map) in maps {
            do throws(BPFError) {
                try system.pin(map, at: place.path(of: name))
            } catch {
                guard error.number == EEXIST else { throw error }
            }
        }
        if trouble != nil { logger.notice("sockets are led to endpoints at connect again") }
        trouble = nil
        isTrusted = true
        let now = MonotonicClock.seconds
        (last.links, last.maps) = (now, now)
    }

    private func carryOut(_ steps: SocketPlan.Steps) throws(BPFError) {
        for change in steps.all { try change.carryOut(in: system, maps) }
    }

    // MARK: The kernel's objects

    private func makeMaps(_ room: SocketMaps.Room) throws(BPFError) -> [String: BPFObject] {
        var result: [String: BPFObject] = [:]
        for map in SocketMaps.all(room) { result[map.name] = try system.make(map) }
        return result
    }

    /// Those of an earlier process; nil where any is missing, or of another kind.
    private func openMaps() throws(BPFError) -> [String: BPFObject]? {
        var result: [String: BPFObject] = [:]
        for map in SocketMaps.all(plan.room) {
            guard let found = try system.open(place.path(of: map.name)), try system.shape(of: found) == map else {
                return nil
            }
            result[map.name] = found
        }
        return result
    }

    private func load(_ maps: [String: BPFObject]) throws(BPFError) -> [BPFHook: BPFObject] {
        var result: [BPFHook: BPFObject] = [:]
        let programs = SocketPrograms(
            host: place.host, mark: untracks ? SocketTracking.mark : nil, leadsConnectedDatagrams: sockets != nil)
        for program in programs.all {
            result[program.hook] = try system.load(program, maps: maps)
        }
        return result
    }

    /// Lets a program run at a hook, in the place of an earlier one.
    private mutating func put(_ program: BPFObject, at hook: BPFHook) throws(BPFError) {
        let path = place.path(of: hook)
        var present = links[hook]
        if present == nil { present = try system.open(path) }
        if let link = present, try system.group(of: link) == place.group.identifier {
            try system.replace(programOf: link, by: program)
            links[hook] = link
        } else {
            // The new one first: two in a row do no harm, since the second sees an endpoint's address.
            links[hook] = try system.attach(program, to: place.group, at: hook)
            try system.unpin(path)
        }
        guard let link = links[hook] else { return }
        do throws(BPFError) {
            try system.pin(link, at: path)
        } catch {
            guard error.number == EEXIST else { throw error }
        }
    }

    static func listing(of maps: [String: BPFObject], _ system: any BPFSystem) throws(BPFError) -> SocketPlan.Listing {
        func entries(_ name: String) throws(BPFError) -> [(key: [UInt8], value: [UInt8])] {
            guard let map = maps[name] else { return [] }
            return try system.entries(map)
        }
        var listing = SocketPlan.Listing()
        for (key, value) in try entries(SocketMaps.frontends) {
            guard let key = SocketMaps.frontend(key), let front = SocketMaps.front(value) else { continue }
            listing.frontends[key] = front
        }
        for (key, value) in try entries(SocketMaps.endpoints) {
            guard let slot = SocketMaps.slot(key), let endpoint = SocketMaps.endpoint(value) else { continue }
            listing.endpoints[slot.row, default: [:]][slot.number] = endpoint
        }
        for (key, _) in try entries(SocketMaps.members) {
            if let member = SocketMaps.member(key) { listing.members.insert(member) }
        }
        return listing
    }

    // MARK: Looking after it

    /// Looks whether all is still as it should be, and mends it.
    mutating func audit() {
        guard isBegun else { return }
        let now = MonotonicClock.seconds
        if !isTrusted {
            guard now - last.failure >= pauses.retry else { return }
            return retry(trouble ?? .malformed("to be looked at again"))
        }
        guard now - last.links >= pauses.links else { return }
        last.links = now
        do throws(BPFError) {
            let isWhole = now - last.maps >= pauses.maps
            if isWhole { last.maps = now }
            if try isSound(withMaps: isWhole) { return tidy() }
            logger.notice("somebody changed what leads sockets to endpoints: putting it right")
            isTrusted = false
            try reconcile([])
        } catch {
            retry(error)
        }
    }

    private func tidy() {
        do throws(NetlinkError) {
            try sockets?.tidy()
        } catch {
            logger.debug("sockets that ended are still noted: \(error)")
        }
    }

    private func isSound(withMaps: Bool) throws(BPFError) -> Bool {
        for hook in BPFHook.allCases {
            guard let link = links[hook], try system.group(of: link) == place.group.identifier,
                try system.open(place.path(of: hook)) != nil
            else { return false }
        }
        if let tracking, !tracking.isSound(untracks) { return false }
        guard withMaps else { return true }
        return try plan.repairs(of: Self.listing(of: maps, system)).isEmpty
    }

    /// What people should know.
    func obstacles() -> [TrafficObstacle] {
        var found: [TrafficObstacle] = []
        if let trouble { found.append(.socketMode("\(trouble)")) }
        if sockets == nil {
            found.append(
                TrafficObstacle(
                    reason: "SocketModePartial",
                    message:
                        "this kernel ends no sockets of others (CONFIG_INET_DIAG_DESTROY, CONFIG_INET_UDP_DIAG): UDP sockets "
                        + "that connect, which would keep an endpoint that is gone, take the way by the kernel's rules")
            )
        }
        if let first = plan.crowded.keys.min() {
            found.append(
                TrafficObstacle(
                    reason: "SocketModeFull",
                    message:
                        "there is no room for \(plan.crowded.count) addresses of Services, \(first) among them, in what "
                        + "sockets are led by at connect: connections to them take the way by the kernel's rules"))
        }
        return found
    }
}

extension TrafficObstacle {
    /// Sockets cannot be led at connect.
    static func socketMode(_ words: String, isInKernel: Bool = true) -> TrafficObstacle {
        TrafficObstacle(
            reason: "SocketModeUnavailable",
            message: "--socket-mode: \(words)"
                + (isInKernel ? ". Services are enforced by the kernel's rules alone" : ""))
    }
}
