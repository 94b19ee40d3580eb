import Announcement
import NetworkTypes

/// ARP and neighbour discovery as anybody on the wire sends them. The first byte says what the rest is: one ARP packet (0), one
/// IPv6 packet (1), or frames for an answerer (2), each behind its kind and interface, the time that passes, and its length;
/// others count modulo 3.
extension FuzzTarget {
    private static let own = HardwareAddress(bits: 0x5254_0000_0001)
    private static let ours = IPAddress(v4: 0xC000_0201)
    private static let ours6 = IPAddress(v6High: 0x2001_0DB8_0000_0000, low: 1)

    static func layer2(_ input: [UInt8]) {
        guard let kind = input.first else { return }
        let rest = input.dropFirst()
        switch kind % 3 {
        case 0: arp(rest)
        case 1: neighbour(rest)
        default: frames(rest)
        }
    }

    /// What is read is written the same, and is let through by the filter of whom it concerns.
    private static func arp(_ bytes: ArraySlice<UInt8>) {
        guard let packet = ARPPacket(bytes) else { return }
        check(ARPPacket(packet.bytes[...]) == packet, "\(packet) is read as something else")
        for address in packet.operation == .request ? [packet.sender, packet.target] : [packet.sender] {
            guard let number = address.v4 else { continue }
            check(PacketFilter.arp(number, number).run(Array(bytes)) > 0, "the filter drops \(packet)")
        }
    }

    private static func neighbour(_ bytes: ArraySlice<UInt8>) {
        guard let message = NeighbourMessage(bytes) else { return }
        check(NeighbourMessage(message.bytes[...]) == message, "\(message) is read as something else")
        check(PacketFilter.neighbours.run(Array(bytes)) > 0, "the filter drops \(message)")
    }

    /// Whatever comes, only what is ours is spoken for, on the interface where it is, and not without end.
    private static func frames(_ bytes: ArraySlice<UInt8>) {
        var answerer = Layer2Answerer()
        var now = Duration.seconds(1)
        answerer.deadline = .seconds(100)
        answerer.setLinks(
            [
                Link(index: 0, name: "eth0", hardware: HardwareAddress(bits: 0x5254_0000_0002)),
                Link(index: 1, name: "eth1", hardware: own),
            ], at: now)
        answerer.setTable([ours: .named(["eth1"]), ours6: .named(["eth1"])], at: now)
        var rest = bytes
        var defended = 0
        while rest.count >= 4 {
            let head = Array(rest.prefix(4))
            let frame = rest.dropFirst(4).prefix(Int(head[2]) << 8 | Int(head[3]))
            rest = rest.dropFirst(4 + frame.count)
            now += .milliseconds(Int(head[1]))
            let link = Int32(head[0] >> 1 & 3)
            let source = HardwareAddress(frame.prefix(6))
            let outcome =
                head[0] & 1 == 0
                ? answerer.take(arp: frame, by: link, at: now)
                : answerer.take(ipv6: frame, from: source, by: link, at: now)
            switch outcome {
            case .nothing, .crowded: break
            case .answer(let answer): speaks(answer, link)
            case .conflict(let conflict):
                check(link == 1 && conflict.hardware != own, "a conflict with ourselves")
                for frame in conflict.defence { speaks(frame, link) }
                if !conflict.defence.isEmpty { defended += 1 }
            }
        }
        // Once in ten seconds for each of two addresses.
        check(defended <= 2 * (1 + Int(now.components.seconds) / 10), "\(defended) defences")
    }

    private static func speaks(_ frame: Layer2Answerer.Frame, _ link: Int32) {
        check(frame.link == 1 && link == 1, "an answer on another interface")
        switch frame.payload {
        case .arp(let packet): check(packet.sender == ours && packet.senderHardware == own, "\(packet) is not ours")
        case .neighbour(let message):
            check(message.source == ours6 && message.target == ours6 && message.hardware == own, "\(message)")
        }
    }
}
