internal import Glibc
package import Netlink
internal import Synchronization

/// The kernel's flows, over netlink (ctnetlink). Needs CAP_NET_ADMIN; works in the network namespace of the thread that
/// makes it.
package final class KernelFlows: TrackedFlows, @unchecked Sendable {
    // Sendable: `sockets` is only touched under `lock`, one conversation at a time.
    private var sockets: Sockets
    private let lock = Mutex(())

    package init() throws(NetlinkError) {
        let listing = try NetlinkSocket(.netfilter, receiveBuffer: 4 << 20)
        sockets = Sockets(listing: listing, deleting: try NetlinkSocket(.netfilter))
    }

    package func delete(_ filter: FlowFilter, where isStale: (Flow) -> Bool) throws(NetlinkError) -> Int {
        let result = lock.withLock { _ -> Result<Int, NetlinkError> in
            do throws(NetlinkError) {
                return .success(try sockets.delete(filter, isStale))
            } catch {
                return .failure(error)
            }
        }
        return try result.get()
    }

    private struct Sockets {
        let listing: NetlinkSocket
        /// Deletes while the listing goes on: what is to be deleted need not be kept.
        let deleting: NetlinkSocket
        /// Kernels before 5.8 do not filter (CTA_FILTER): they tell of everything, which is filtered here.
        var isFiltering = true

        mutating func delete(_ filter: FlowFilter, _ isStale: (Flow) -> Bool) throws(NetlinkError) -> Int {
            guard isFiltering else { return try deleteOnce(filter, isStale) }
            do throws(NetlinkError) {
                return try deleteOnce(filter, isStale)
            } catch {
                guard error.number == EOPNOTSUPP || error.number == EINVAL else { throw error }
                isFiltering = false
                return try deleteOnce(filter, isStale)
            }
        }

        private func deleteOnce(_ filter: FlowFilter, _ isStale: (Flow) -> Bool) throws(NetlinkError) -> Int {
            var count = 0
            let isFiltered = isFiltering
            try listing.dump(
                type: ConntrackMessage.get, { ConntrackMessage.list(filter, isFiltered: isFiltered, &$0) },
                each: { (message) throws(NetlinkError) in
                    guard let flow = try ConntrackMessage.flow(message), filter.matches(flow), isStale(flow) else {
                        return
                    }
                    do throws(NetlinkError) {
                        try deleting.ask(type: ConntrackMessage.delete) { ConntrackMessage.delete(flow, &$0) }
                        count += 1
                    } catch {
                        // It ended by itself, or another one took its place.
                        guard error.number == ENOENT else { throw error }
                    }
                })
            return count
        }
    }
}
