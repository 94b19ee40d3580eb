import KubeClient
import KubeModel
import Logging
import Synchronization
import TrafficModel

/// Writes the `Programmed` condition of RouteTables that are enforced, beside the path of traffic: a slow API server
/// delays the condition, never a route.
final class RouteTableAcknowledger: Sendable {
    private let client: APIClient
    private let logger: Logger
    private let signal = ChangeSignal()
    private let pending = Mutex<(tables: [RouteTable], conflicts: [CompiledRoutes.Conflict])>(([], []))

    init(client: APIClient, logger: Logger) {
        self.client = client
        self.logger = logger
    }

    /// Says what is enforced now; what was said before and is not yet written is forgotten.
    func published(_ tables: [RouteTable], conflicts: [CompiledRoutes.Conflict]) {
        pending.withLock { $0 = (tables, conflicts) }
        signal.raise()
    }

    /// Works until cancelled.
    func run() async {
        for await _ in signal.changes {
            let (tables, conflicts) = pending.withLock { $0 }
            for table in tables { await write(table, conflicts) }
        }
    }

    /// The ingress controller writes its own condition at about the same time: a lost race is tried again on what is
    /// there then.
    private func write(_ table: RouteTable, _ conflicts: [CompiledRoutes.Conflict]) async {
        var table = table
        let key = NamespacedName(table.metadata)
        for _ in 0..<3 {
            guard let updated = Self.acknowledge(table, conflicts: conflicts, now: WallClock.timestamp) else { return }
            do {
                do {
                    _ = try await client.updateStatus(updated)
                    return
                } catch let status as Status where status.code == 409 {
                    table = try await client.get(RouteTable.self, key.name, namespace: key.namespace)
                }
            } catch {
                // It is gone, or a newer state of it is on its way and will be acknowledged itself.
                logger.debug("routetable \(key): condition not written: \(error)")
                return
            }
        }
    }

    /// The table with its condition brought up to date, or nil when it says so already.
    static func acknowledge(
        _ table: RouteTable, conflicts: [CompiledRoutes.Conflict], now: Timestamp
    ) -> RouteTable? {
        let key = NamespacedName(table.metadata)
        let own = conflicts.filter { $0.table == key }
        let shadowed = own.map { conflict in
            let reason =
                conflict.winner.map { "belongs to \($0)" }
                ?? conflict.reason ?? "has no main route that this canary could take requests from"
            return "\(conflict.host)\(conflict.path) \(reason)"
        }
        // With every route of it served by older tables, nothing of this one is in force.
        let paths = (table.spec?.rules ?? []).reduce(0) { $0 + ($1.paths?.count ?? 0) }
        let shadowedPaths = own.count { !$0.path.isEmpty }
        let isWhollyShadowed = paths > 0 && shadowedPaths >= paths && table.spec?.defaultBackend == nil
        var condition = Condition(
            type: "Programmed", status: isWhollyShadowed ? "False" : "True",
            observedGeneration: table.metadata.generation, lastTransitionTime: now,
            reason: shadowed.isEmpty ? "Programmed" : isWhollyShadowed ? "Shadowed" : "PartlyShadowed",
            message: shadowed.sorted().joined(separator: ", "))
        var updated = table
        var conditions = table.status?.conditions ?? []
        if let index = conditions.firstIndex(where: { $0.type == condition.type }) {
            if conditions[index].status == condition.status {
                condition.lastTransitionTime = conditions[index].lastTransitionTime
            }
            if conditions[index] == condition { return nil }
            conditions[index] = condition
        } else {
            conditions.append(condition)
        }
        updated.status = RouteTableStatus(conditions: conditions)
        return updated
    }
}
