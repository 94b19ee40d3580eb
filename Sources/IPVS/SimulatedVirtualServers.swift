internal import Glibc
internal import Netlink
package import NetworkTypes

/// Virtual servers without a kernel: carries changes out in memory, and refuses what the kernel refuses, with its numbers.
/// For one thread.
package final class SimulatedVirtualServers: VirtualServers {
    private struct Standing {
        var server: VirtualServer
        var reals: [SocketAddress: RealServer.Standing] = [:]
    }

    private var servers: [VirtualServer.Key: Standing] = [:]
    /// What was asked for so far, refused or not.
    package private(set) var performed: [IPVSChange] = []
    /// The schedulers that this kernel has.
    package var schedulers = Set(IPVSScheduler.offered)

    package init() {}

    package func list() -> [VirtualServer] { servers.values.map(\.server).sorted { $0.key < $1.key } }

    package func realServers(of key: VirtualServer.Key) -> [RealServer.Standing] {
        (servers[key]?.reals.values).map { Array($0) }?.sorted { $0.server.address < $1.server.address } ?? []
    }

    package func perform(_ changes: [IPVSChange]) -> [IPVSRefusal] {
        performed += changes
        return changes.compactMap { change in
            refusal(change).map { IPVSRefusal(change, KernelRefusal(number: $0)) }
        }
    }

    /// Forgets what was performed.
    package func forgetPerformed() { performed = [] }

    /// Lets a real server have connections.
    package func setConnections(_ active: UInt32, of address: SocketAddress, at key: VirtualServer.Key) {
        servers[key]?.reals[address]?.active = active
    }

    /// The number of the refusal; nil where it was done.
    private func refusal(_ change: IPVSChange) -> Int32? {
        let key = change.key
        switch change {
        case .addServer(let server):
            guard servers[key] == nil else { return EEXIST }
            guard schedulers.contains(server.scheduler) else { return ENOENT }
            servers[key] = Standing(server: server)
        case .changeServer(let server):
            guard servers[key] != nil else { return ESRCH }
            guard schedulers.contains(server.scheduler) else { return ENOENT }
            servers[key]?.server = server
        case .removeServer:
            guard servers.removeValue(forKey: key) != nil else { return ESRCH }
        case .addReal(let real, _):
            guard let standing = servers[key] else { return ESRCH }
            guard standing.reals[real.address] == nil else { return EEXIST }
            servers[key]?.reals[real.address] = RealServer.Standing(real)
        case .changeReal(let real, _):
            guard let standing = servers[key] else { return ESRCH }
            guard standing.reals[real.address] != nil else { return ENOENT }
            servers[key]?.reals[real.address]?.server = real
        case .removeReal(let address, _):
            guard servers[key] != nil else { return ESRCH }
            guard servers[key]?.reals.removeValue(forKey: address) != nil else { return ENOENT }
        }
        return nil
    }
}
