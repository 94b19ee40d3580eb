import KubeClient
import KubeModel
import Logging
import ProxyEngine
import TrafficModel

/// Keeps the L7 engine equal to the RouteTables, the Services behind them and the certificates they name.
actor IngressFront {
    private let state: TrafficState
    private let engine: ProxyEngine
    private let compiler: ProxyConfigurationCompiler
    private let client: APIClient
    private let logger: Logger
    private var reported: Set<String> = []
    private(set) var summary = IngressSummary()

    init(
        state: TrafficState, engine: ProxyEngine, compiler: ProxyConfigurationCompiler, client: APIClient,
        logger: Logger
    ) {
        self.state = state
        self.engine = engine
        self.compiler = compiler
        self.client = client
        self.logger = logger
    }

    /// Works until cancelled.
    func run() async {
        await publish()
        for await _ in state.routesChanged.changes { await publish() }
    }

    private func publish() async {
        let inputs = state.routingInputs()
        let routes = CompiledRoutes(compiling: inputs.tables)
        let configuration = compiler.compile(routes: routes, services: inputs.services, secrets: inputs.secrets)
        for problem in engine.apply(configuration) where reported.insert("\(problem)").inserted {
            logger.warning("L7 proxy: \(problem)")
        }
        summary = IngressSummary(
            hosts: configuration.hosts.count, routes: configuration.hosts.reduce(0) { $0 + $1.routes.count },
            certificates: configuration.certificates.count)
        for table in inputs.tables { await acknowledge(table, conflicts: routes.conflicts) }
    }

    /// Writes the Programmed condition, once for each generation.
    private func acknowledge(_ table: RouteTable, conflicts: [CompiledRoutes.Conflict]) async {
        let key = NamespacedName(table.metadata)
        let lost = conflicts.filter { $0.table == key }
        let generation = table.metadata.generation
        let shadowed = lost.map { "\($0.host)\($0.path) belongs to \($0.winner)" }.sorted()
        let condition = Condition(
            type: "Programmed", status: "True", observedGeneration: generation,
            lastTransitionTime: WallClock.timestamp, reason: shadowed.isEmpty ? "Programmed" : "PartlyShadowed",
            message: shadowed.joined(separator: ", "))
        var conditions = table.status?.conditions ?? []
        if let present = conditions.first(where: { $0.type == condition.type }) {
            var unchanged = present
            unchanged.lastTransitionTime = condition.lastTransitionTime
            if unchanged == condition { return }
            conditions.removeAll { $0.type == condition.type }
        }
        conditions.append(condition)
        var updated = table
        updated.status = RouteTableStatus(conditions: conditions)
        do {
            _ = try await client.updateStatus(updated)
        } catch {
            // A newer state is on its way and will be acknowledged itself.
            logger.debug("routetable \(key): condition not written: \(error)")
        }
    }
}

/// What a status line says about the L7 front.
package struct IngressSummary: Sendable, Hashable {
    package var hosts = 0
    package var routes = 0
    package var certificates = 0
}
