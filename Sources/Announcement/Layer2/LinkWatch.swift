internal import Netlink

/// The interfaces of this machine, followed by netlink. For one thread.
final class LinkWatch {
    private let socket: NetlinkSocket
    private var known: [Int32: Link] = [:]

    init() throws(NetlinkError) { socket = try NetlinkSocket(.route, groups: [Link.group]) }

    /// Readable when something changed.
    var descriptor: Int32 { socket.descriptor }

    /// As last seen, by index.
    var current: [Link] { known.values.sorted { $0.index < $1.index } }

    /// Asks for all of them.
    func list() throws(NetlinkError) -> [Link] {
        var found: [Int32: Link] = [:]
        // struct ifinfomsg: of any family.
        try socket.dump(
            type: Link.listMessage, { $0.append(contentsOf: [UInt8](repeating: 0, count: 16)) },
            restart: { found = [:] }
        ) { message throws(NetlinkError) in
            if message.type == Link.newMessage, let link = try Link(message) { found[link.index] = link }
        }
        known = found
        return current
    }

    /// What has changed since, without waiting; nil where that is nothing of importance.
    func changes() throws(NetlinkError) -> [Link]? {
        let before = known
        do {
            while var datagram = try socket.receive(wait: false) {
                while let message = try NetlinkMessage.next(&datagram) { try note(message) }
            }
        } catch .overrun {
            _ = try list()
        }
        return known == before ? nil : current
    }

    private func note(_ message: NetlinkMessage) throws(NetlinkError) {
        guard message.type == Link.newMessage || message.type == Link.deletedMessage, let link = try Link(message)
        else {
            return
        }
        known[link.index] = message.type == Link.newMessage ? link : nil
    }
}
