internal import Glibc
package import Netlink
package import NetworkTypes

/// A dummy device of this process's network namespace, over rtnetlink. Needs CAP_NET_ADMIN; for one thread.
package final class KernelAddressDevice: AddressDevice {
    package let name: String
    private let socket: NetlinkSocket

    package init(_ name: String) throws(NetlinkError) {
        self.name = name
        socket = try NetlinkSocket(.route, receiveBuffer: 4 << 20)
    }

    package func owner() throws(NetlinkError) -> String? { try link(name)?.owner }

    package func make(owner: String) throws(NetlinkError) {
        guard try link(name) == nil else { return }
        // It gets its name together with its owner: whoever is killed in between leaves nothing that looks like another's.
        let unfinished = "martlet-new0"
        try remove(unfinished)
        try socket.ask(type: LinkMessage.newLink, flags: [.create, .exclusive]) { LinkMessage.dummy(unfinished, &$0) }
        guard let index = try link(unfinished)?.index else { throw .refused(KernelRefusal(number: ENODEV)) }
        try socket.ask(type: LinkMessage.setLink) { [name] in
            LinkMessage.claim(index, name: name, owner: owner, &$0)
        }
    }

    package func remove() throws(NetlinkError) { try remove(name) }

    private func remove(_ name: String) throws(NetlinkError) {
        guard let index = try link(name)?.index else { return }
        try socket.ask(type: LinkMessage.deleteLink) { LinkMessage.index(index, &$0) }
    }

    package func addresses() throws(NetlinkError) -> Set<IPAddress> {
        guard let index = try link(name)?.index else { return [] }
        var result: Set<IPAddress> = []
        try socket.dump(type: LinkMessage.getAddress, LinkMessage.allAddresses, restart: { result = [] }) {
            message throws(NetlinkError) in
            if let (device, address) = try LinkMessage.address(message), device == index { result.insert(address) }
        }
        return result
    }

    package func add(_ addresses: [IPAddress]) throws(NetlinkError) -> [IPAddress: KernelRefusal] {
        try ask(LinkMessage.newAddress, [.create, .exclusive], addresses, fine: EEXIST)
    }

    package func remove(_ addresses: [IPAddress]) throws(NetlinkError) -> [IPAddress: KernelRefusal] {
        try ask(LinkMessage.deleteAddress, [], addresses, fine: EADDRNOTAVAIL)
    }

    private func ask(_ type: UInt16, _ flags: NetlinkFlags, _ addresses: [IPAddress], fine: Int32)
        throws(NetlinkError) -> [IPAddress: KernelRefusal]
    {
        guard !addresses.isEmpty else { return [:] }
        guard let index = try link(name)?.index else { throw .refused(KernelRefusal(number: ENODEV, text: name)) }
        let refusals = try socket.askAll(addresses.count, type: type, flags: flags) {
            LinkMessage.address(addresses[$0], on: index, &$1)
        }
        var result: [IPAddress: KernelRefusal] = [:]
        for (number, refusal) in refusals where refusal.number != fine { result[addresses[number]] = refusal }
        return result
    }

    private func link(_ name: String) throws(NetlinkError) -> (index: UInt32, owner: String)? {
        do throws(NetlinkError) {
            guard let answer = try socket.ask(type: LinkMessage.getLink, { LinkMessage.named(name, &$0) })
            else { return nil }
            return try LinkMessage.link(answer)
        } catch {
            guard error.number == ENODEV else { throw error }
            return nil
        }
    }
}
