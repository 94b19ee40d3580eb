import Announcement
import TestSupport
import Testing

/// Two ends and a wire that may be cut, under one clock.
private struct BFDWire {
    var ends: [BFDSession]
    var now = Duration.seconds(100)
    var isCut = false
    /// What happened, by end.
    var ups = [0, 0]
    var downs: [[BFDPacket.Diagnostic]] = [[], []]
    var sent = [0, 0]

    init(_ first: BFDSession.Configuration = .init(), _ second: BFDSession.Configuration = .init()) {
        ends = [BFDSession(first, discriminator: 7), BFDSession(second, discriminator: 9)]
        for index in 0..<2 { perform(ends[index].start(at: now), of: index) }
    }

    mutating func perform(_ actions: [BFDSession.Action], of index: Int) {
        for action in actions {
            switch action {
            case .up: ups[index] += 1
            case .down(let reason): downs[index].append(reason)
            case .send(let packet):
                sent[index] += 1
                guard !isCut, let arrived = BFDPacket(packet.bytes) else { continue }
                perform(ends[1 - index].receive(arrived, at: now), of: 1 - index)
            }
        }
    }

    mutating func run(for duration: Duration) {
        let end = now + duration
        while let next = ends.compactMap(\.nextDeadline).min(), next <= end {
            now = max(now, next)
            for index in 0..<2 { perform(ends[index].tick(at: now), of: index) }
        }
        now = end
    }
}

@Suite("BFD sessions")
struct BFDSessionTests {
    @Test func `two ends come up, and stay up, at the configured pace`() {
        var wire = BFDWire()
        wire.run(for: .seconds(5))
        #expect(wire.ends.allSatisfy { $0.state == .up })
        #expect(wire.ups == [1, 1])
        let before = wire.sent
        wire.run(for: .seconds(30))
        #expect(wire.downs == [[], []])
        for index in 0..<2 {
            let count = wire.sent[index] - before[index]
            #expect((100...134).contains(count), "\(count) packets in 30 s at 300 ms")
        }
    }

    @Test func `a session that is paused is up for the peer until another process goes on with it`() {
        var wire = BFDWire()
        wire.run(for: .seconds(5))
        let last = wire.ends[0].pause(for: .seconds(120))
        // As if the process were gone: nothing that comes reaches it.
        let packets = last.compactMap { if case .send(let packet) = $0 { packet } else { nil } }
        for packet in packets { _ = wire.ends[1].receive(packet, at: wire.now) }
        wire.isCut = true
        wire.run(for: .seconds(100))
        #expect(wire.downs[1].isEmpty && wire.ends[1].state == .up)
        wire.isCut = false
        wire.ends[0] = BFDSession(.init(), discriminator: 77, isResuming: true)
        let actions = wire.ends[0].start(at: wire.now)
        #expect(actions.isEmpty)
        wire.run(for: .seconds(10))
        #expect(wire.ends.allSatisfy { $0.state == .up })
        #expect(wire.downs == [[], []])
        #expect(wire.ends[0].discriminator == 7)
        // At the usual pace again: what ends without a word is noticed.
        wire.isCut = true
        wire.run(for: .seconds(1))
        #expect(wire.downs[1] == [.detectionTimeExpired])
    }

    @Test func `a paused session that nobody goes on with ends when it was said to`() {
        var wire = BFDWire()
        wire.run(for: .seconds(5))
        for case .send(let packet) in wire.ends[0].pause(for: .seconds(120)) {
            _ = wire.ends[1].receive(packet, at: wire.now)
        }
        wire.isCut = true
        wire.run(for: .seconds(119))
        #expect(wire.downs[1].isEmpty)
        wire.run(for: .seconds(2))
        #expect(wire.downs[1] == [.detectionTimeExpired])
        // What is not up has nothing to wait for.
        var idle = BFDSession(.init(), discriminator: 5)
        #expect(idle.pause(for: .seconds(120)).count == 1)
        #expect(idle.state == .adminDown)
    }

    @Test func `who would go on with a session comes up without one as well`() {
        var wire = BFDWire()
        wire.ends = [BFDSession(.init(), discriminator: 77, isResuming: true), BFDSession(.init(), discriminator: 9)]
        for index in 0..<2 { wire.perform(wire.ends[index].start(at: wire.now), of: index) }
        wire.run(for: .seconds(6))
        #expect(wire.ends.allSatisfy { $0.state == .up })
        #expect(wire.ends[0].discriminator == 77)
        // Nor is somebody else's packet taken once it stands.
        var foreign = BFDPacket(
            state: .up, detectMultiplier: 3, discriminator: 9, yourDiscriminator: 1234, desiredMinTx: 1,
            requiredMinRx: 1)
        #expect(!wire.ends[0].isFor(foreign))
        foreign.yourDiscriminator = 77
        #expect(wire.ends[0].isFor(foreign))
    }

    @Test func `a cut wire is noticed within three intervals, and the session comes back`() {
        var wire = BFDWire()
        wire.run(for: .seconds(10))
        wire.isCut = true
        wire.run(for: .milliseconds(900))
        #expect(wire.downs == [[.detectionTimeExpired], [.detectionTimeExpired]])
        wire.run(for: .seconds(60))
        wire.isCut = false
        wire.run(for: .seconds(5))
        #expect(wire.ends.allSatisfy { $0.state == .up })
        #expect(wire.ups == [2, 2])
    }

    @Test func `the slower of what one sends and the other takes is the pace`() {
        var slow = BFDSession.Configuration()
        slow.receiveInterval = .seconds(2)
        var wire = BFDWire(slow)
        wire.run(for: .seconds(10))
        let before = wire.sent
        wire.run(for: .seconds(60))
        #expect((30...41).contains(wire.sent[1] - before[1]))
        #expect(wire.downs == [[], []])
    }

    @Test func `an end that stops on purpose says so, and the other is told`() {
        var wire = BFDWire()
        wire.run(for: .seconds(5))
        wire.perform(wire.ends[0].stop(), of: 0)
        #expect(wire.downs[1] == [.neighborSignaledDown])
        wire.run(for: .seconds(10))
        #expect(wire.ends[0].state == .adminDown)
        #expect(wire.ends[1].state == .down)
    }

    @Test func `a passive end speaks when it is spoken to`() {
        var passive = BFDSession.Configuration()
        passive.isPassive = true
        var alone = BFDWire(passive, passive)
        alone.run(for: .seconds(10))
        #expect(alone.sent == [0, 0])
        var wire = BFDWire(passive)
        wire.run(for: .seconds(5))
        #expect(wire.ends.allSatisfy { $0.state == .up })
    }

    /// The table of RFC 5880, section 6.8.6.
    @Test(arguments: [
        (BFDPacket.State.down, BFDPacket.State.initializing), (.initializing, .up), (.up, .down), (.adminDown, .down),
    ])
    func `what the peer says of itself decides what a session that is down becomes`(
        _ peer: BFDPacket.State, _ expected: BFDPacket.State
    ) {
        var session = BFDSession(.init(), discriminator: 7)
        _ = session.start(at: .zero)
        let packet = BFDPacket(
            state: peer, detectMultiplier: 3, discriminator: 9, yourDiscriminator: 7, desiredMinTx: 1_000_000,
            requiredMinRx: 300_000)
        _ = session.receive(packet, at: .seconds(1))
        #expect(session.state == expected)
    }

    @Test func `a packet for another session is not taken`() {
        var session = BFDSession(.init(), discriminator: 7)
        _ = session.start(at: .zero)
        let packet = BFDPacket(
            state: .down, detectMultiplier: 3, discriminator: 9, yourDiscriminator: 8, desiredMinTx: 1, requiredMinRx: 1
        )
        #expect(session.receive(packet, at: .seconds(1)).isEmpty)
        #expect(session.state == .down)
    }

    @Test func `packets are read as written, and what RFC 5880 drops is dropped`() {
        var packet = BFDPacket(
            state: .up, detectMultiplier: 3, discriminator: 9, yourDiscriminator: 7, desiredMinTx: 300_000,
            requiredMinRx: 200_000)
        packet.isPoll = true
        packet.diagnostic = .neighborSignaledDown
        #expect(BFDPacket(packet.bytes) == packet)
        func changed(_ index: Int, _ value: UInt8) -> BFDPacket? {
            var bytes = packet.bytes
            bytes[index] = value
            return BFDPacket(bytes)
        }
        #expect(BFDPacket(packet.bytes.dropLast()) == nil)
        #expect(changed(0, 2 << 5) == nil)
        #expect(changed(1, packet.bytes[1] | 4) == nil)
        #expect(changed(1, packet.bytes[1] | 1) == nil)
        #expect(changed(2, 0) == nil)
        #expect(changed(3, 23) == nil)
        #expect(changed(3, 25) == nil)
        #expect(changed(7, 0) == nil)
        #expect(changed(11, 0) == nil)
    }

    @Test func `whatever comes, nothing stops the program, and what is sent can be read`() {
        var random = SeededRandom(seed: 5)
        var session = BFDSession(.init(), discriminator: 7)
        var now = Duration.zero
        _ = session.start(at: now)
        let good = BFDPacket(
            state: .down, detectMultiplier: 3, discriminator: 9, yourDiscriminator: 7, desiredMinTx: 300_000,
            requiredMinRx: 200_000
        ).bytes
        var taken = 0
        for _ in 0..<20_000 {
            var bytes = good
            bytes[1] = UInt8.random(in: 0...3, using: &random) << 6
            for _ in 0..<Int.random(in: 0...2, using: &random) {
                bytes[.random(in: 0..<bytes.count, using: &random)] = .random(in: 0...255, using: &random)
            }
            now += .milliseconds(Int.random(in: 0...400, using: &random))
            var actions = session.tick(at: now)
            if let packet = BFDPacket(bytes) {
                taken += 1
                actions += session.receive(packet, at: now)
            }
            for case .send(let packet) in actions { #expect(BFDPacket(packet.bytes) == packet) }
        }
        #expect(taken > 1_000)
    }
}
