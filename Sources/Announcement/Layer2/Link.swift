package import Netlink

/// An interface of this machine, as far as announcing depends on it.
package struct Link: Hashable, Sendable {
    package var index: Int32
    package var name: String
    /// Nil for what is no Ethernet.
    package var hardware: HardwareAddress?
    /// It is switched on, and has a carrier.
    package var isUp: Bool
    /// It is part of a bridge or a bond, which then is what speaks for it.
    package var hasMaster: Bool

    package init(index: Int32, name: String, hardware: HardwareAddress?, isUp: Bool = true, hasMaster: Bool = false) {
        self.index = index
        self.name = name
        self.hardware = hardware
        self.isUp = isUp
        self.hasMaster = hasMaster
    }

    /// Whether addresses can be announced on it at all.
    package var canAnnounce: Bool { hardware != nil && isUp }

    /// Interfaces of containers, virtual machines and tunnels: only those who name them mean them.
    private static let innerPrefixes = [
        "docker", "br-", "cbr", "cni", "cali", "dummy", "flannel", "kube-ipvs", "lxc", "nodelocaldns", "tap", "tunl",
        "veth", "virbr", "vnet",
    ]

    /// Whether it is meant where nobody names interfaces: one that leads out of this machine.
    package var isOuter: Bool { !hasMaster && !Self.innerPrefixes.contains { name.hasPrefix($0) } }
}

extension Link {
    /// Types of messages of rtnetlink(7).
    package static let newMessage: UInt16 = 16
    package static let deletedMessage: UInt16 = 17
    package static let listMessage: UInt16 = 18
    /// The netlink group of changes of links.
    package static let group: UInt32 = 1

    /// Reads an RTM_NEWLINK or RTM_DELLINK; nil where it names no interface.
    package init?(_ message: NetlinkMessage) throws(NetlinkError) {
        let payload = message.payload
        guard payload.count >= 16 else { throw .malformed("a link of \(payload.count) bytes") }
        func word(_ offset: Int) -> UInt32 {
            payload.withUnsafeBytes { $0.loadUnaligned(fromByteOffset: offset, as: UInt32.self) }
        }
        // struct ifinfomsg: family, type (of which 1 is Ethernet), index, flags.
        let type = word(0) >> 16
        let flags = word(8)
        let (isUp, isRunning, isLoopback, hasNoARP) = (flags & 1, flags & 0x40, flags & 8, flags & 0x80)
        var name = ""
        var hardware: HardwareAddress?
        var master: UInt32 = 0
        try NetlinkAttributes(payload.dropFirst(16)).forEach { attribute in
            switch attribute.type {
            case 1: hardware = HardwareAddress(attribute.payload)
            case 3: name = attribute.text
            case 10: master = attribute.host(UInt32.self) ?? 0
            default: break
            }
        }
        guard !name.isEmpty else { return nil }
        if type != 1 || isLoopback != 0 || hasNoARP != 0 || hardware?.isUnicast != true { hardware = nil }
        self.init(
            index: Int32(bitPattern: word(4)), name: name, hardware: hardware, isUp: isUp != 0 && isRunning != 0,
            hasMaster: master != 0)
    }
}
