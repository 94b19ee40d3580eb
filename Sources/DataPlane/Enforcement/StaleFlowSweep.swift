package import Conntrack
package import KubeModel
package import Netlink
import NetworkTypes
package import TrafficModel

/// Ends the flows that the kernel tracks and that a batch made wrong although nobody closed them: for enforcers whose
/// rules the kernel asks only at the beginning of a flow. Pure but for `run`.
///
/// A flow to a Service's address is right while its endpoint serves (also while it drains) and the address's guard admits
/// its client. UDP and SCTP are looked at; TCP to an endpoint that is gone ends by itself.
package struct StaleFlowSweep: Sendable {
    /// What an address may lead to.
    private struct Right: Sendable {
        var endpoints: Set<SocketAddress>
        var sourceRanges: SourceRanges

        func holds(for flow: Flow) -> Bool {
            endpoints.contains(flow.reply.source) && sourceRanges.admits(flow.original.source.ip)
        }
    }

    /// From so many addresses on the table is read once as a whole rather than once for each.
    private static let listingLimit = 16

    private var rights: [FrontendKey: Right] = [:]

    /// - Parameters:
    ///   - plan: what the batch came to.
    ///   - services: the Services as the batch left them.
    package init(_ batch: EnforcementBatch, _ plan: FrontendPlanner.Plan, services: (NamespacedName) -> ServiceEntry?) {
        var before: [NamespacedName: ServiceEntry] = [:]
        for change in batch.changes { before[change.key] = change.before }
        for change in plan.changes where change.key.transport != .tcp {
            switch change {
            case .remove(let key, let frontend):
                rights[key] = Right(endpoints: [], sourceRanges: frontend.sourceRanges)
            case .set(let key, let frontend, let replaced):
                let service = frontend.backend.port.service
                let right = Right(
                    endpoints: Self.serving(services(service), frontend), sourceRanges: frontend.sourceRanges)
                if batch.extent == .changes, let replaced, replaced.backend.port == frontend.backend.port,
                    replaced.sourceRanges == frontend.sourceRanges
                {
                    // Only more endpoints than before, or nothing new at all: no flow is wrong by it.
                    let old = Self.serving(before[service] ?? services(service), replaced)
                    if !old.isEmpty || right.endpoints.isEmpty, right.endpoints.isSuperset(of: old) { continue }
                }
                rights[key] = right
            }
        }
    }

    package var isEmpty: Bool { rights.isEmpty }

    /// Endpoints that could answer, whatever the policy: flows of Pods reach those elsewhere although clients outside
    /// do not.
    private static func serving(_ entry: ServiceEntry?, _ frontend: Frontend) -> Set<SocketAddress> {
        var result = Set(frontend.endpoints)
        let id = frontend.backend.port
        for port in entry?.ports ?? [] where port.port == id.port && port.transport == id.transport {
            for endpoint in port.endpoints
            where endpoint.isServing && endpoint.address.ip.family == frontend.backend.family {
                result.insert(endpoint.address)
            }
        }
        return result
    }

    /// Deletes what is stale. Blocks.
    ///
    /// - Returns: how many flows were deleted.
    @discardableResult
    package func run(on flows: any TrackedFlows) throws(NetlinkError) -> Int {
        var count = 0
        var kinds: [FlowFilter: [FrontendKey]] = [:]
        for key in rights.keys {
            let filter = FlowFilter(family: key.address.ip.family, transport: key.transport.number)
            kinds[filter, default: []].append(key)
        }
        for (filter, keys) in kinds {
            if keys.count >= Self.listingLimit {
                count += try flows.delete(filter) { flow in
                    guard let transport = TransportProtocol(number: flow.original.transport) else { return false }
                    let key = FrontendKey(transport: transport, address: flow.original.destination)
                    return rights[key].map { !$0.holds(for: flow) } ?? false
                }
                continue
            }
            for key in keys {
                let filter = FlowFilter(transport: filter.transport, destination: key.address)
                count += try flows.delete(filter) { flow in rights[key].map { !$0.holds(for: flow) } ?? false }
            }
        }
        return count
    }
}
