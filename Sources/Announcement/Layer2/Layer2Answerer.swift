package import NetworkTypes

/// Who has which address, answered purely: a frame goes in, and what is to be sent or said comes out.
///
/// Speaks for addresses of its table alone, and only before its deadline has passed; asks for nothing. Time is a parameter,
/// since any fixed moment of the machine's clock.
package struct Layer2Answerer: Sendable {
    /// What goes out by one interface.
    package struct Frame: Hashable, Sendable {
        package enum Payload: Hashable, Sendable {
            case arp(ARPPacket)
            case neighbour(NeighbourMessage)
        }

        /// The index of the interface.
        package var link: Int32
        package var destination: HardwareAddress
        package var payload: Payload
    }

    package enum Outcome: Hashable, Sendable {
        case nothing
        case answer(Frame)
        /// Another machine says that an address of ours is its own.
        case conflict(Conflict)
        /// Too many ask: this one goes without an answer, and asks again.
        case crowded
    }

    /// An address of ours that another machine claims.
    package struct Conflict: Hashable, Sendable {
        package var address: IPAddress
        /// The other machine.
        package var hardware: HardwareAddress
        /// The interface on which it was heard.
        package var link: String
        /// What is said against it (RFC 5227, 2.4), not more often than every ten seconds for an address.
        package var defence: [Frame]
    }

    /// What is counted of an address since it is announced.
    package struct Counts: Hashable, Sendable {
        package var requests: UInt64 = 0
        package var responses: UInt64 = 0
        package var gratuitous: UInt64 = 0

        package init() {}
    }

    /// Answers a second, whoever asks.
    static let answersPerSecond = 4000.0
    private static let defencePause: Duration = .seconds(10)

    /// What is announced, and where.
    package private(set) var table: [IPAddress: InterfaceChoice] = [:]
    package private(set) var counts: [IPAddress: Counts] = [:]
    /// Questions that went without an answer because too many came.
    package private(set) var crowded: UInt64 = 0
    /// From here on nothing is said: somebody else may.
    package var deadline: Duration = .zero
    private var links: [Int32: Link] = [:]
    private var ownHardware: Set<HardwareAddress> = []
    private var schedule = GratuitousSchedule()
    private var bucket = TokenBucket(rate: answersPerSecond, burst: answersPerSecond)
    private var defended: [IPAddress: Duration] = [:]

    package init() {}

    // MARK: What is announced

    /// - Returns: whether anything is different.
    @discardableResult
    package mutating func setTable(_ new: [IPAddress: InterfaceChoice], at now: Duration) -> Bool {
        guard new != table else { return false }
        let changed = new.filter { table[$0.key] != $0.value }.keys
        for address in table.keys where new[address] == nil {
            counts[address] = nil
            defended[address] = nil
        }
        table = new
        for address in changed where counts[address] == nil { counts[address] = Counts() }
        schedule.add(changed.sorted(), at: now)
        return true
    }

    /// Takes the interfaces as they are now. On one that has come everything is announced.
    package mutating func setLinks(_ new: [Link], at now: Duration) {
        let before = links
        links = Dictionary(new.map { ($0.index, $0) }, uniquingKeysWith: { _, last in last })
        ownHardware = Set(new.compactMap(\.hardware))
        let hasNew = links.values.contains { $0.canAnnounce && before[$0.index] != $0 }
        if hasNew, !table.isEmpty {
            schedule.removeAll()
            schedule.add(table.keys.sorted(), at: now)
        }
    }

    /// The interfaces on which an address is announced.
    package func links(of address: IPAddress) -> [Link] {
        guard let choice = table[address] else { return [] }
        return usableLinks(choice)
    }

    private func usableLinks(_ choice: InterfaceChoice) -> [Link] {
        links.values.filter { $0.canAnnounce && choice.contains($0) }.sorted { $0.index < $1.index }
    }

    // MARK: What comes

    /// - Parameter link: the index of the interface that it came by.
    package mutating func take(arp bytes: ArraySlice<UInt8>, by link: Int32, at now: Duration) -> Outcome {
        guard now < deadline, let link = links[link], let own = link.hardware, let packet = ARPPacket(bytes) else {
            return .nothing
        }
        guard !ownHardware.contains(packet.senderHardware) else { return .nothing }
        if let choice = table[packet.sender], choice.contains(link) {
            return conflict(packet.sender, packet.senderHardware, link, at: now)
        }
        guard packet.operation == .request, let choice = table[packet.target], choice.contains(link), link.canAnnounce,
            packet.senderHardware.isUnicast
        else { return .nothing }
        counts[packet.target, default: Counts()].requests += 1
        guard bucket.take(at: now) else {
            crowded += 1
            return .crowded
        }
        counts[packet.target, default: Counts()].responses += 1
        let reply = ARPPacket(.reply, from: own, packet.target, to: packet.senderHardware, packet.sender)
        return .answer(Frame(link: link.index, destination: packet.senderHardware, payload: .arp(reply)))
    }

    /// - Parameters:
    ///   - source: who sent the frame.
    ///   - link: the index of the interface that it came by.
    package mutating func take(
        ipv6 bytes: ArraySlice<UInt8>, from source: HardwareAddress?, by link: Int32, at now: Duration
    ) -> Outcome {
        guard now < deadline, let link = links[link], let own = link.hardware, let message = NeighbourMessage(bytes),
            let source, !ownHardware.contains(source)
        else { return .nothing }
        if case .solicitation = message.kind, let choice = table[message.source], choice.contains(link) {
            // Who asks in the name of the address has it, or so its neighbours believe from now on (RFC 4861, 7.2.3).
            return conflict(message.source, message.hardware ?? source, link, at: now)
        }
        guard let choice = table[message.target], choice.contains(link) else { return .nothing }
        guard case .solicitation = message.kind else {
            guard let hardware = message.hardware, !ownHardware.contains(hardware) else { return .nothing }
            return conflict(message.target, hardware, link, at: now)
        }
        guard link.canAnnounce, source.isUnicast else { return .nothing }
        counts[message.target, default: Counts()].requests += 1
        guard bucket.take(at: now) else {
            crowded += 1
            return .crowded
        }
        counts[message.target, default: Counts()].responses += 1
        guard !message.source.isUnspecified else {
            // Somebody is about to take the address for its own (RFC 4862, 5.4.3): all are told that it is taken.
            return .answer(Self.unsolicited(message.target, own, link.index))
        }
        let hardware = message.hardware.flatMap { $0.isUnicast ? $0 : nil } ?? source
        let answer = NeighbourMessage(
            .advertisement([.solicited, .override]), from: message.target, to: message.source, target: message.target,
            hardware: own)
        return .answer(Frame(link: link.index, destination: hardware, payload: .neighbour(answer)))
    }

    private mutating func conflict(
        _ address: IPAddress, _ hardware: HardwareAddress, _ link: Link, at now: Duration
    ) -> Outcome {
        var conflict = Conflict(address: address, hardware: hardware, link: link.name, defence: [])
        if let last = defended[address], now < last + Self.defencePause { return .conflict(conflict) }
        defended[address] = now
        if link.canAnnounce, let own = link.hardware { conflict.defence = Self.gratuitous(address, own, link.index) }
        return .conflict(conflict)
    }

    // MARK: What is said unasked

    /// When `takeDue` has something next; nil where nothing waits.
    package var nextDue: Duration? { schedule.next }

    /// The frames that say to everybody who has an address now.
    ///
    /// - Parameter limit: addresses at a time.
    package mutating func takeDue(at now: Duration, limit: Int) -> [Frame] {
        guard now < deadline else {
            // Who asks later is answered; who is announced again is announced anew.
            schedule.removeAll()
            return []
        }
        return schedule.take(at: now, limit: limit).flatMap { address -> [Frame] in
            guard let choice = table[address] else { return [] }
            let links = usableLinks(choice)
            func frames(_ form: (IPAddress, HardwareAddress, Int32) -> [Frame]) -> [Frame] {
                links.flatMap { link in link.hardware.map { form(address, $0, link.index) } ?? [] }
            }
            let isFirst = counts[address]?.gratuitous == 0
            let probes = isFirst ? frames(Self.probe) : []
            let gratuitous = frames(Self.gratuitous)
            counts[address, default: Counts()].gratuitous += UInt64(gratuitous.count)
            return probes + gratuitous
        }
    }

    /// Asks whether another machine has the address as well, as one that is about to take it does (RFC 5227, 2.1.1; RFC 4862,
    /// 5.4.2): whoever has it answers, and would not upon an announcement. Nobody's memory of the address changes by it.
    private static func probe(_ address: IPAddress, _ own: HardwareAddress, _ link: Int32) -> [Frame] {
        switch address.family {
        case .v4:
            let packet = ARPPacket(.request, from: own, .anyV4, to: HardwareAddress(bits: 0), address)
            return [Frame(link: link, destination: .broadcast, payload: .arp(packet))]
        case .v6:
            let group = NeighbourMessage.solicitedNode(of: address)
            let message = NeighbourMessage(.solicitation, from: .anyV6, to: group, target: address)
            let destination = HardwareAddress.multicast(ofGroupEndingIn: UInt32(truncatingIfNeeded: group.low))
            return [Frame(link: link, destination: destination, payload: .neighbour(message))]
        }
    }

    /// Both forms of gratuitous ARP (RFC 5227, 3), since some hosts heed only one of them; for IPv6 an advertisement that
    /// overrides (RFC 4861, 7.2.6).
    private static func gratuitous(_ address: IPAddress, _ own: HardwareAddress, _ link: Int32) -> [Frame] {
        switch address.family {
        case .v4:
            [
                ARPPacket(.request, from: own, address, to: HardwareAddress(bits: 0), address),
                ARPPacket(.reply, from: own, address, to: .broadcast, address),
            ].map { Frame(link: link, destination: .broadcast, payload: .arp($0)) }
        case .v6: [unsolicited(address, own, link)]
        }
    }

    private static func unsolicited(_ address: IPAddress, _ own: HardwareAddress, _ link: Int32) -> Frame {
        Frame(
            link: link, destination: .multicast(ofGroupEndingIn: 1),
            payload: .neighbour(
                NeighbourMessage(
                    .advertisement(.override), from: address, to: NeighbourMessage.allNodes, target: address,
                    hardware: own)))
    }
}
