import KubeModel
import Logging
import ProxyEngine
import TrafficModel

/// Keeps the L7 engine equal to the RouteTables, the Services behind them and the certificates they name.
actor IngressFront {
    private let state: TrafficState
    private let engine: ProxyEngine
    private let compiler: ProxyConfigurationCompiler
    private let acknowledger: RouteTableAcknowledger
    private let logger: Logger
    private var reported: Set<String> = []
    private(set) var summary = IngressSummary()

    init(
        state: TrafficState, engine: ProxyEngine, compiler: ProxyConfigurationCompiler,
        acknowledger: RouteTableAcknowledger, logger: Logger
    ) {
        self.state = state
        self.engine = engine
        self.compiler = compiler
        self.acknowledger = acknowledger
        self.logger = logger
    }

    /// Enforces what the informers have synced by now. Call once, before `run()`.
    func enforceFirst() { publish() }

    /// Follows the changes until cancelled.
    func run() async {
        for await _ in state.routesChanged.changes { publish() }
    }

    private static func text(_ problem: ProxyProblem, of configuration: ProxyConfiguration) -> String {
        switch problem.subject {
        case .listener(let address): "\(address): \(problem.message)"
        case .certificate(let index):
            "certificate for \(configuration.certificates[index].hosts.joined(separator: ", ")): \(problem.message)"
        }
    }

    private func publish() {
        let inputs = state.routingInputs()
        let routes = CompiledRoutes(compiling: inputs.tables)
        let configuration = compiler.compile(routes: routes, services: inputs.services, secrets: inputs.secrets)
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
