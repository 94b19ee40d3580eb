internal import Glibc
package import Netlink
internal import NetworkTypes

/// The virtual servers of this process's network namespace, over generic netlink. Needs CAP_NET_ADMIN; for one thread.
package final class KernelVirtualServers: VirtualServers {
    private let socket: NetlinkSocket
    private let type: UInt16

    /// Whether this kernel has IPVS ready in this network namespace. To ask over netlink loads the module where it is not.
    package static var isLoaded: Bool { access("/proc/net/ip_vs", F_OK) == 0 }

    /// Loads the kernel's module where it is not loaded.
    ///
    /// - Throws: `NetlinkError`; ENOENT where this kernel has no IPVS.
    package init() throws(NetlinkError) {
        socket = try NetlinkSocket(.generic, receiveBuffer: 4 << 20)
        guard let type = try socket.genericFamily(IPVSMessage.family) else {
            throw .refused(KernelRefusal(number: ENOENT, text: "no family IPVS"))
        }
        self.type = type
    }

    package func list() throws(NetlinkError) -> [VirtualServer] {
        var result: [VirtualServer] = []
        try socket.dump(type: type, IPVSMessage.list, restart: { result = [] }) { message throws(NetlinkError) in
            if let server = try IPVSMessage.server(message) { result.append(server) }
        }
        return result
    }

    package func realServers(of key: VirtualServer.Key) throws(NetlinkError) -> [RealServer.Standing] {
        var result: [RealServer.Standing] = []
        do throws(NetlinkError) {
            try socket.dump(type: type, { IPVSMessage.listReals(of: key, &$0) }, restart: { result = [] }) {
                message throws(NetlinkError) in
                result.append(try IPVSMessage.real(message, family: key.address.ip.family))
            }
        } catch {
            guard error.number == ESRCH else { throw error }
            return []
        }
        return result
    }

    package func perform(_ changes: [IPVSChange]) throws(NetlinkError) -> [IPVSRefusal] {
        let refusals = try socket.askAll(changes.count, type: type) { IPVSMessage.write(changes[$0], &$1) }
        return refusals.sorted { $0.key < $1.key }.map { IPVSRefusal(changes[$0.key], $0.value) }
    }
}
