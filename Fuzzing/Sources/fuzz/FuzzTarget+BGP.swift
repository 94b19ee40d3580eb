import Announcement
import NetworkTypes

/// BGP and BFD as peers send them. The first byte says what the rest is: bytes of a connection as one stream (0), the same
/// to a session that waits for an OPEN (1) or that stands (2), and BFD packets, each with a byte before it that says how much
/// time passes (3); others count modulo 4.
extension FuzzTarget {
    static func bgp(_ input: [UInt8]) {
        guard let kind = input.first else { return }
        let rest = Array(input.dropFirst())
        switch kind % 4 {
        case 0: stream(rest)
        case 1: session(rest, isEstablished: false)
        case 2: session(rest, isEstablished: true)
        default: bfd(rest)
        }
    }

    /// What is read is read the same when it comes in pieces, and what it says can be written.
    private static func stream(_ bytes: [UInt8]) {
        for conventions in [
            BGPReceivedUpdate.Conventions(fourOctetASN: true, isInternal: true),
            .init(fourOctetASN: false, isInternal: false),
        ] {
            let whole = read(bytes, conventions, piece: max(1, bytes.count))
            let pieces = read(bytes, conventions, piece: 1 + bytes.count / 7)
            // An error may be seen earlier, in the middle of a message: what came before it is the same.
            check(
                zip(whole.messages, pieces.messages).allSatisfy { $0 == $1 }
                    && whole.messages.count == pieces.messages.count, "pieces are read as something else")
            check((whole.error == nil) == (pieces.error == nil), "\(String(describing: pieces.error)) only in pieces")
            for case .update(let update) in whole.messages where update.withdrawingAttributes.isEmpty {
                guard let again = BGPMessage.update(update.update).encoded(fourOctetASN: conventions.fourOctetASN)
                else {
                    continue
                }
                let second = read(again, conventions, piece: again.count)
                check(second.error == nil, "an UPDATE of ours is refused: \(String(describing: second.error))")
            }
        }
    }

    private static func read(
        _ bytes: [UInt8], _ conventions: BGPReceivedUpdate.Conventions, piece: Int
    ) -> (messages: [BGPReceivedMessage], error: BGPNotification?) {
        var stream = BGPMessageStream()
        var messages: [BGPReceivedMessage] = []
        var rest = bytes[...]
        while !rest.isEmpty {
            stream.append(rest.prefix(piece))
            rest = rest.dropFirst(piece)
            do throws(BGPNotification) {
                while let message = try stream.next(conventions) { messages.append(message) }
            } catch {
                return (messages, error)
            }
        }
        return (messages, nil)
    }

    /// Whatever a peer says, a session does what the next event allows and sends whole messages.
    private static func session(_ bytes: [UInt8], isEstablished: Bool) {
        var configuration = BGPSessionConfiguration(localASN: 64512, peerASN: .other, identifier: 1)
        configuration.gracefulRestart = .init(restartTime: 120, isForwardingPreserved: true)
        guard let prefix = CIDR("203.0.113.1/32") else { return }
        var session = BGPSession(configuration, routes: [prefix: BGPRoute()], isRestarting: true, seed: 1)
        var now = Duration.seconds(1)
        var isConnected = false
        func perform(_ actions: [BGPSession.Action]) {
            for action in actions {
                switch action {
                case .send(let bytes):
                    check(isConnected, "bytes without a connection")
                    let sent = read(bytes, .init(fourOctetASN: true, isInternal: false), piece: bytes.count)
                    check(sent.error == nil && sent.messages.count == 1, "what we send is not one whole message")
                case .disconnect: isConnected = false
                default: break
                }
            }
        }
        perform(session.handle(.start, at: now))
        isConnected = true
        perform(session.handle(.connected(BGPNextHops(v4: IPAddress("10.0.0.2"), v6: IPAddress("fd00::2"))), at: now))
        if isEstablished {
            let open = BGPOpen(
                asn: 64500, holdTime: 9, identifier: 9,
                capabilities: [.multiprotocol(.ipv4Unicast), .multiprotocol(.ipv6Unicast)])
            for message in [BGPMessage.open(open), .keepalive] {
                perform(session.handle(.received(message.encoded(fourOctetASN: true) ?? []), at: now))
            }
            check(session.state == .established, "not established but \(session.state)")
        }
        var rest = bytes[...]
        while !rest.isEmpty {
            perform(session.handle(.received(Array(rest.prefix(64))), at: now))
            rest = rest.dropFirst(64)
            _ = session.takeUpdates(atMost: 4096, at: now)
            perform(session.handle(.outputDrained, at: now))
            now += .milliseconds(700)
            perform(session.handle(.tick, at: now))
            check(
                isConnected == session.state.hasConnection || session.state == .connect,
                "lost track in \(session.state)")
            check(session.announcedCount <= 1, "\(session.announcedCount) routes of one")
            guard isConnected else { break }
        }
        check(session.state == .idle || session.nextDeadline != nil, "a session that never wakes, in \(session.state)")
        perform(session.handle(.stop(.peerDeconfigured), at: now))
        check(session.state == .idle && session.nextDeadline == nil, "not stopped")
    }

    /// What a session sends can be read, and it wakes as long as it has to say something.
    private static func bfd(_ bytes: [UInt8]) {
        var session = BFDSession(.init(), discriminator: 7)
        var now = Duration.zero
        var actions = session.start(at: now)
        var rest = bytes[...]
        while let wait = rest.popFirst() {
            now += .milliseconds(Int(wait) * 8)
            actions += session.tick(at: now)
            if let packet = BFDPacket(rest.prefix(BFDPacket.size)) { actions += session.receive(packet, at: now) }
            rest = rest.dropFirst(BFDPacket.size)
            for case .send(let packet) in actions {
                check(BFDPacket(packet.bytes) == packet, "\(packet) is read as something else")
            }
            actions = []
            check(session.nextDeadline != nil, "a session that never wakes")
        }
    }
}
