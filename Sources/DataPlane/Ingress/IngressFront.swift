import KubeModel
import Logging
import NetworkTypes
import ProxyEngine
import TrafficModel

/// Keeps the L7 engine equal to the RouteTables, the Services behind them and the certificates they name.
actor IngressFront {
    private let state: TrafficState
    private let engine: ProxyEngine
    private let listeners: IngressListeners
    private var compiler: ProxyConfigurationCompiler
    private let acknowledger: RouteTableAcknowledger
    private let named: NamedSecretWatch
    private let logger: Logger
    private var reported: Set<String> = []
    private(set) var summary = IngressSummary()

    init(
        state: TrafficState, engine: ProxyEngine, listeners: IngressListeners, compiler: ProxyConfigurationCompiler,
        acknowledger: RouteTableAcknowledger, named: NamedSecretWatch, logger: Logger
    ) {
        self.state = state
        self.engine = engine
        self.listeners = listeners
        self.compiler = compiler
        self.acknowledger = acknowledger
        self.named = named
        self.logger = logger
    }

    /// Enforces what the informers have synced by now. Call once, before `run()`.
    func enforceFirst() async { await publish(patience: .seconds(5)) }

    /// The machine has these addresses from now on.
    func setAddresses(_ own: Set<IPAddress>) async {
        let sockets = listeners.sockets(on: own)
        guard sockets != compiler.listeners else { return }
        compiler.listeners = sockets
        await publish()
    }

    /// Follows the changes until cancelled.
    func run() async {
        await withTaskGroup(of: Void.self) { group in
            group.addTask { for await _ in self.state.routesChanged.changes { await self.publish() } }
            group.addTask { for await _ in self.state.backendsChanged.changes { await self.patch() } }
        }
        await named.stop()
    }

    private static func text(_ problem: ProxyProblem, of configuration: ProxyConfiguration) -> String {
        switch problem.subject {
        case .listener(let address): "\(address): \(problem.message)"
        case .clientCertificates: "certificates of clients: \(problem.message)"
        case .upstream(let name): "\(name): \(problem.message)"
        case .certificate(let index):
            "certificate for \(configuration.certificates[index].hosts.joined(separator: ", ")): \(problem.message)"
        }
    }

    /// Gives upstreams whose Services changed their new endpoints; no route is touched.
    private func patch() {
        let changes = state.takeBackendChanges()
        guard !changes.isEmpty else { return }
        let named = state.namedSecrets
        engine.patch(changes.map { ProxyConfiguration.Upstream($0.key, $0.value, named) })
    }

    /// - Parameter patience: how long Secrets are waited for that nobody has named before.
    private func publish(patience: Duration = .seconds(1)) async {
        await named.follow(state.wantedNamedSecrets, patience: patience)
        // Nothing is waited for from here on: what is compiled is what the engine gets next.
        let inputs = state.routingInputs()
        let routes = CompiledRoutes(compiling: inputs.tables)
        let backends = state.follow(routes.backends)
        let configuration = compiler.compile(
            routes: routes, backends: backends, secrets: inputs.secrets, named: state.namedSecrets)
        let problems = Set(engine.apply(configuration).map { Self.text($0, of: configuration) })
        for problem in problems.subtracting(reported).sorted() { logger.warning("L7 proxy: \(problem)") }
        reported = problems
        summary = IngressSummary(
            hosts: configuration.hosts.count, routes: configuration.hosts.reduce(0) { $0 + $1.routes.count },
            certificates: configuration.certificates.count)
        acknowledger.published(inputs.tables, conflicts: routes.conflicts)
    }
}

/// What a status line says about the L7 front.
package struct IngressSummary: Sendable, Hashable {
    package var hosts = 0
    package var routes = 0
    package var certificates = 0
}
