import BPF
import Conntrack
import Glibc
import Logging
import Netlink
import NetworkTypes
import System
import TrafficModel

/// The kernel's, by sock_diag(7): connected sockets are listed, looked up by their numbers in what our programs noted, and ended
/// by SOCK_DESTROY (Linux 4.9, with CONFIG_INET_DIAG_DESTROY). Needs CAP_NET_ADMIN and CAP_BPF; works in the network namespace of
/// the thread that makes it.
///
/// Linux tells what programs stored in a socket itself (`INET_DIAG_REQ_SK_BPF_STORAGES`) for TCP alone.
final class KernelLedSockets: LedSockets, @unchecked Sendable {
    // Sendable: everything is of the thread that enforces, which alone calls.
    private let listing: NetlinkSocket
    /// Ends while the listing goes on.
    private let ending: NetlinkSocket
    private let system = KernelBPF()
    private var connected: BPFObject?
    /// Numbers of sockets that were not there at the last look.
    private var missing: Set<[UInt8]> = []

    private init() throws(NetlinkError) {
        // NETLINK_SOCK_DIAG
        let family = NetlinkFamily(rawValue: 4)
        listing = try NetlinkSocket(family)
        ending = try NetlinkSocket(family)
    }

    /// Nil where this kernel ends no sockets: found out by one of our own.
    static func find(_ logger: Logger) -> KernelLedSockets? {
        do throws(NetlinkError) {
            let found = try KernelLedSockets()
            if try found.canEnd() { return found }
            logger.notice("sockets: this kernel does not end sockets")
        } catch {
            logger.notice("sockets: this kernel does not end sockets: \(error)")
        }
        return nil
    }

    func follow(_ connected: BPFObject?) { self.connected = connected }

    func tidy() throws(NetlinkError) {
        guard let connected else { return }
        do throws(BPFError) {
            // Before the sockets: one that connects meanwhile is not among them.
            let noted = Set(try system.entries(connected).map(\.key))
            guard !noted.isEmpty else { return missing = [] }
            var gone = noted
            let listed = Result { () throws(NetlinkError) -> Void in
                for family in IPFamily.allCases { try list(family) { gone.remove($0.cookie) } }
            }
            // Nothing is known then.
            guard case .success = listed else { return missing = [] }
            // A socket that was about to connect is there at the second look.
            for cookie in gone.intersection(missing) { _ = try system.remove(connected, cookie) }
            missing = gone.subtracting(missing)
        } catch {
            throw .malformed("\(error)")
        }
    }

    func delete(_ filter: FlowFilter, where isStale: (Flow) -> Bool) throws(NetlinkError) -> Int {
        guard let connected, filter.transport == FlowTuple.udp else { return 0 }
        var count = 0
        // A socket of IPv6 may speak IPv4.
        for family in filter.family == .v4 ? [IPFamily.v4, .v6] : [.v6] {
            try list(family) { (socket) throws(NetlinkError) in
                // What cannot be looked up is left alone.
                guard let value = try? system.value(connected, socket.cookie), let flow = socket.flow(value),
                    filter.matches(flow), isStale(flow)
                else { return }
                if try end(socket) { count += 1 }
            }
        }
        return count
    }

    /// Those that are connected.
    private func list(_ family: IPFamily, _ each: (SocketRecord) throws(NetlinkError) -> Void) throws(NetlinkError) {
        try listing.dump(
            type: SocketRecord.listing, { SocketRecord.list(family, &$0) },
            each: { (message) throws(NetlinkError) in
                if let socket = try SocketRecord(message.payload) { try each(socket) }
            })
    }

    /// - Returns: whether it was there.
    private func end(_ socket: SocketRecord) throws(NetlinkError) -> Bool {
        do throws(NetlinkError) {
            try ending.ask(type: SocketRecord.ending) { socket.end(&$0) }
            return true
        } catch {
            // It was closed, or connected elsewhere.
            guard error.number == ENOENT else { throw error }
            return false
        }
    }

    /// Ends a socket of our own, which is connected to itself.
    private func canEnd() throws(NetlinkError) -> Bool {
        let own = socket(AF_INET, Int32(SOCK_DGRAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        guard own >= 0 else { throw .system(SystemError("open a socket", number: errno)) }
        defer { close(own) }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let isConnected = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(own, $0, length) == 0 && getsockname(own, $0, &length) == 0 && connect(own, $0, length) == 0
            }
        }
        guard isConnected else { throw .system(SystemError("connect a socket to itself", number: errno)) }
        let port = Port(UInt16(bigEndian: address.sin_port))
        let here = SocketAddress(ip: .loopbackV4, port: port)
        var isEnded = false
        try list(.v4) { (socket) throws(NetlinkError) in
            guard socket.local == here, socket.remote == here else { return }
            isEnded = try end(socket)
        }
        return isEnded
    }
}
