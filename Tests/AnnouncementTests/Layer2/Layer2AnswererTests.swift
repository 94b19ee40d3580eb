import NetworkTypes
import Testing

@testable import Announcement

@Suite("Answers for addresses on the network") struct Layer2AnswererTests {
    static let own = HardwareAddress(bits: 0x5254_0000_0001)
    static let other = HardwareAddress(bits: 0x5254_0000_0009)
    static let ours = IPAddress(v4: 0xC000_0201)
    static let ours6 = NeighbourMessageTests.address("2001:db8::1")
    static let eth0 = Link(index: 2, name: "eth0", hardware: own)
    static let eth1 = Link(index: 3, name: "eth1", hardware: HardwareAddress(bits: 0x5254_0000_0002))
    static let now = Duration.seconds(100)

    /// Announces an address of each family on eth0, until second 200.
    static func answerer(_ choice: InterfaceChoice = .named(["eth0"])) -> Layer2Answerer {
        var answerer = Layer2Answerer()
        answerer.setLinks([eth0, eth1], at: now)
        answerer.setTable([ours: choice, ours6: choice], at: now)
        answerer.deadline = .seconds(200)
        return answerer
    }

    static func question(
        for target: IPAddress = ours, from sender: IPAddress = IPAddress(v4: 0xC000_0209),
        _ hardware: HardwareAddress = other, _ operation: ARPPacket.Operation = .request
    ) -> ArraySlice<UInt8> {
        ARPPacket(operation, from: hardware, sender, to: HardwareAddress(bits: 0), target).bytes[...]
    }

    @Test func `a question is answered with the address of the interface that it came by`() {
        var answerer = Self.answerer()
        let reply = ARPPacket(.reply, from: Self.own, Self.ours, to: Self.other, IPAddress(v4: 0xC000_0209))
        #expect(
            answerer.take(arp: Self.question(), by: 2, at: Self.now)
                == .answer(.init(link: 2, destination: Self.other, payload: .arp(reply))))
        #expect(answerer.counts[Self.ours]?.requests == 1)
        #expect(answerer.counts[Self.ours]?.responses == 1)
    }

    @Test func `nothing is said for other addresses, on other interfaces, to what is no question, or to ourselves`() {
        var answerer = Self.answerer()
        #expect(answerer.take(arp: Self.question(for: IPAddress(v4: 0xC000_0202)), by: 2, at: Self.now) == .nothing)
        #expect(answerer.take(arp: Self.question(), by: 3, at: Self.now) == .nothing)
        #expect(answerer.take(arp: Self.question(), by: 9, at: Self.now) == .nothing)
        #expect(
            answerer.take(arp: Self.question(from: IPAddress(v4: 7), Self.other, .reply), by: 2, at: Self.now)
                == .nothing)
        #expect(
            answerer.take(arp: Self.question(from: Self.ours, Self.own), by: 2, at: Self.now) == .nothing)
        #expect(answerer.take(arp: [1, 2, 3], by: 2, at: Self.now) == .nothing)
    }

    @Test func `past the deadline nothing is said, and before it is moved on`() {
        var answerer = Self.answerer()
        #expect(answerer.take(arp: Self.question(), by: 2, at: .seconds(200)) == .nothing)
        #expect(answerer.takeDue(at: .seconds(200), limit: 10).isEmpty)
        #expect(answerer.nextDue == nil)
        answerer.deadline = .seconds(300)
        #expect(answerer.take(arp: Self.question(), by: 2, at: .seconds(200)) != .nothing)
    }

    @Test func `who looks whether the address is free is told that it is not`() throws {
        var answerer = Self.answerer()
        let probe = Self.question(from: .anyV4)
        guard case .answer(let frame) = answerer.take(arp: probe, by: 2, at: Self.now),
            case .arp(let packet) = frame.payload
        else { throw Missing() }
        #expect(packet.sender == Self.ours && packet.target == .anyV4)

        let dad = NeighbourMessage(
            .solicitation, from: .anyV6, to: NeighbourMessage.solicitedNode(of: Self.ours6), target: Self.ours6)
        guard case .answer(let frame) = answerer.take(ipv6: dad.bytes[...], from: Self.other, by: 2, at: Self.now),
            case .neighbour(let message) = frame.payload
        else { throw Missing() }
        #expect(message.destination == NeighbourMessage.allNodes)
        #expect(message.kind == .advertisement(.override))
        #expect(frame.destination.description == "33:33:00:00:00:01")
    }

    struct Missing: Error {}

    @Test func `a solicitation is answered to who asked, in the group or alone`() throws {
        var answerer = Self.answerer()
        for destination in [NeighbourMessage.solicitedNode(of: Self.ours6), Self.ours6] {
            let message = NeighbourMessage(
                .solicitation, from: NeighbourMessageTests.address("2001:db8::9"), to: destination, target: Self.ours6)
            guard
                case .answer(let frame) = answerer.take(ipv6: message.bytes[...], from: Self.other, by: 2, at: Self.now),
                case .neighbour(let answer) = frame.payload
            else { throw Missing() }
            #expect(frame.destination == Self.other)
            #expect(answer.kind == .advertisement([.solicited, .override]))
            #expect(answer.source == Self.ours6 && answer.hardware == Self.own)
        }
    }

    @Test func `another machine that claims the address is a conflict, answered once in ten seconds`() throws {
        var answerer = Self.answerer()
        func claim(_ second: Int64) throws -> Layer2Answerer.Conflict {
            let frame = Self.question(for: Self.ours, from: Self.ours)
            guard case .conflict(let conflict) = answerer.take(arp: frame, by: 2, at: .seconds(second)) else {
                throw Missing()
            }
            return conflict
        }
        #expect(try claim(100).defence.count == 2)
        #expect(try claim(101).defence.isEmpty)
        let later = try claim(110)
        #expect(later.defence.count == 2)
        #expect(later.hardware == Self.other && later.link == "eth0" && later.address == Self.ours)

        let advertisement = NeighbourMessage(
            .advertisement(.override), from: Self.ours6, to: NeighbourMessage.allNodes, target: Self.ours6,
            hardware: Self.other)
        guard case .conflict = answerer.take(ipv6: advertisement.bytes[...], from: Self.other, by: 2, at: Self.now)
        else {
            throw Missing()
        }
        // Who looks for somebody else in its name claims it as well.
        let solicitation = NeighbourMessage(
            .solicitation, from: Self.ours6, to: NeighbourMessage.allNodes,
            target: IPAddress(v6High: 0xfd00 << 48, low: 7), hardware: Self.other)
        guard
            case .conflict(let conflict) = answerer.take(
                ipv6: solicitation.bytes[...], from: Self.other, by: 2, at: Self.now)
        else { throw Missing() }
        #expect(conflict.address == Self.ours6 && conflict.hardware == Self.other)
    }

    @Test func `what is new is announced at once and a few times more, in every form`() {
        var answerer = Self.answerer()
        var moment = Self.now
        var frames: [[Layer2Answerer.Frame]] = []
        while let next = answerer.nextDue {
            moment = max(moment, next)
            frames.append(answerer.takeDue(at: moment, limit: 100))
        }
        #expect(moment == Self.now + .seconds(4))
        #expect(frames.count == GratuitousSchedule.offsets.count)
        for round in frames {
            // With the first, others are asked whether they have it as well.
            #expect(round.count == (round == frames.first ? 5 : 3))
            #expect(round.allSatisfy { $0.link == 2 })
        }
        #expect(answerer.counts[Self.ours]?.gratuitous == 10)
        // What stays is not announced again; what comes is, and what went is forgotten.
        answerer.setTable([Self.ours: .named(["eth0"]), IPAddress(v4: 5): .named(["eth0"])], at: moment)
        #expect(answerer.takeDue(at: moment, limit: 100).count == 3)
        #expect(answerer.counts[Self.ours6] == nil)
    }

    @Test func `with the first announcement others are asked whether they have the address, and who has is told of`()
        throws
    {
        var answerer = Self.answerer()
        let frames = answerer.takeDue(at: Self.now, limit: 100)
        let probe = ARPPacket(.request, from: Self.own, .anyV4, to: HardwareAddress(bits: 0), Self.ours)
        let solicitation = NeighbourMessage(
            .solicitation, from: .anyV6, to: NeighbourMessage.solicitedNode(of: Self.ours6), target: Self.ours6)
        #expect(frames.contains(.init(link: 2, destination: .broadcast, payload: .arp(probe))))
        let asked = try #require(frames.first { $0.payload == .neighbour(solicitation) })
        #expect(asked.destination.description == "33:33:ff:00:00:01")
        // As receivers check it (RFC 4861, 7.1.1).
        #expect(NeighbourMessage(solicitation.bytes[...]) == solicitation)

        let answer = ARPPacket(.reply, from: Self.other, Self.ours, to: Self.own, .anyV4)
        guard case .conflict(let conflict) = answerer.take(arp: answer.bytes[...], by: 2, at: Self.now) else {
            throw Missing()
        }
        #expect(conflict.hardware == Self.other && conflict.link == "eth0" && !conflict.defence.isEmpty)
        let advertisement = NeighbourMessage(
            .advertisement(.override), from: Self.ours6, to: NeighbourMessage.allNodes, target: Self.ours6,
            hardware: Self.other)
        guard
            case .conflict(let conflict) = answerer.take(
                ipv6: advertisement.bytes[...], from: Self.other, by: 2, at: Self.now)
        else { throw Missing() }
        #expect(conflict.address == Self.ours6)
    }

    @Test func `many addresses are announced a few at a time`() {
        var answerer = Self.answerer()
        let many = (0..<1000).map { IPAddress(v4: 0x0A00_0000 + $0) }
        answerer.setTable(Dictionary(uniqueKeysWithValues: many.map { ($0, .outer) }), at: Self.now)
        #expect(answerer.takeDue(at: Self.now, limit: 64).count <= 64 * 6)
        #expect(answerer.nextDue == Self.now)
    }

    @Test func `an interface that comes is told everything, one that went nothing`() {
        var answerer = Self.answerer(.outer)
        _ = answerer.takeDue(at: Self.now + .seconds(9), limit: 100)
        #expect(answerer.nextDue == nil)
        let eth2 = Link(index: 4, name: "eth2", hardware: HardwareAddress(bits: 0x5254_0000_0003))
        answerer.setLinks([Self.eth1, eth2], at: .seconds(110))
        #expect(Set(answerer.takeDue(at: .seconds(110), limit: 100).map(\.link)) == [3, 4])
        #expect(answerer.take(arp: Self.question(), by: 2, at: .seconds(110)) == .nothing)
    }

    @Test func `nobody makes it say more than it should`() {
        var answerer = Self.answerer()
        var outcomes: [Layer2Answerer.Outcome] = []
        for _ in 0..<10_000 { outcomes.append(answerer.take(arp: Self.question(), by: 2, at: Self.now)) }
        #expect(outcomes.count { $0 == .crowded } == 6000)
        #expect(answerer.crowded == 6000)
        #expect(answerer.take(arp: Self.question(), by: 2, at: Self.now + .milliseconds(10)) != .crowded)
    }

    @Test(arguments: [
        ("eth0", false, true), ("enp3s0", false, true), ("br0", false, true), ("bond0.7", false, true),
        ("eth0", true, false), ("docker0", false, false), ("veth12ab", false, false), ("cali1", false, false),
    ])
    func `where nobody names interfaces, those that lead out of the machine are meant`(
        name: String, hasMaster: Bool, isMeant: Bool
    ) {
        let link = Link(index: 1, name: name, hardware: Self.own, hasMaster: hasMaster)
        #expect(InterfaceChoice.outer.contains(link) == isMeant)
        #expect(InterfaceChoice.named([name]).contains(link))
        #expect(InterfaceChoice.outer.union(.named([name])).contains(link))
    }
}
