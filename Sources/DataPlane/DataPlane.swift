import Glibc
import KubeClient
import KubeModel
package import Logging
import NetworkTypes
import ProxyEngine
import System
import TrafficModel
import Transport

/// The data plane of one node: follows Services, EndpointSlices, RouteTables and TLS Secrets, and enforces them by the
/// service proxy and the L7 proxy.
package final class DataPlane: Sendable {
    private let configuration: DataPlaneConfiguration
    private let logger: Logger
    private let client: APIClient
    private let loops: [EventLoop]
    private let proxy: UserspaceServiceProxy
    private let engine: ProxyEngine
    private let compiler: ProxyConfigurationCompiler
    private let accessLog: AccessLogWriter?
    private let metrics: HTTPServer?

    /// Opens the L7 listeners.
    ///
    /// - Throws: `DataPlaneError` where an address is taken or not permitted.
    package init(_ configuration: DataPlaneConfiguration, logger: Logger) throws {
        self.configuration = configuration
        self.logger = logger
        client = try APIClient(configuration.client)
        loops = try EventLoop.group(
            count: configuration.eventLoops ?? Processors.count, name: "service")
        proxy = UserspaceServiceProxy(loops: loops)
        var limits = ProxyLimits()
        // Bodies are streamed and cost no memory: how much is too much is for the backend to say.
        limits.maxBodyBytes = nil
        // Of the process's descriptors, so that clients leave some for upstreams, the relay and the API.
        let budget = DescriptorBudget.dataPlane(limit: DescriptorLimit.current)
        limits.maxConnections = min(limits.maxConnections, budget.connections(.clients))
        compiler = ProxyConfigurationCompiler(
            listeners: configuration.httpAddresses.map { .init(address: $0, scheme: .http) }
                + configuration.httpsAddresses.map { .init(address: $0, scheme: .https) }, limits: limits)
        accessLog = try configuration.accessLogPath.map {
            try AccessLogWriter(path: $0, sampling: configuration.accessLogSampling)
        }
        engine = ProxyEngine(loops: loops, accessLog: accessLog)
        metrics = try configuration.metricsAddress.map { [engine, accessLog, loops] address in
            let server = HTTPServer(
                loops: [loops[0]], configuration: Self.metricsServer,
                handler: MetricsHandler {
                    ProxyMetrics.text(await engine.counters(), droppedLogLines: accessLog?.droppedLines ?? 0)
                })
            do throws(TransportError) {
                _ = try server.listen(.tcp(address))
            } catch {
                throw DataPlaneError(message: "metrics on \(address): \(error.message)")
            }
            return server
        }
        let problems = engine.apply(compiler.compile(routes: .init(), services: .init(), secrets: [:]))
        if let problem = problems.first { throw DataPlaneError(message: problem.message) }
    }

    /// Runs until the task is cancelled; then stops accepting, lets requests under way finish and closes.
    ///
    /// - Parameters:
    ///   - onReady: called once with a status text, when the first state is enforced.
    ///   - onStatus: called with a new status text when it changed, at most once a second.
    package func run(
        onReady: @escaping @Sendable (String) -> Void, onStatus: @escaping @Sendable (String) -> Void
    ) async throws {
        let state = TrafficState()
        let informers = InformerSet(client: client, logger: logger)
        let services = informers.informer(for: Service.self)
        let slices = informers.informer(for: EndpointSlice.self)
        let tables = informers.informer(for: RouteTable.self)
        let secrets = Informer<Secret>(client: client, fieldSelector: "type=kubernetes.io/tls", logger: logger)
        state.observe(services: services, slices: slices, tables: tables, secrets: secrets)

        let recorder = EventRecorder(client: client, component: "martlet-dataplane", logger: logger)
        let serviceRunner = ServiceProxyRunner(
            state: state, proxy: proxy, recorder: recorder, logger: logger, nodeName: configuration.nodeName,
            nodePortRanges: configuration.nodePortRanges)
        let acknowledger = RouteTableAcknowledger(client: client, logger: logger)
        let front = IngressFront(
            state: state, engine: engine, compiler: compiler, acknowledger: acknowledger, logger: logger)

        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await informers.run() }
            group.addTask { try await secrets.run() }
            group.addTask { try await recorder.run() }
            if let accessLog { group.addTask { await accessLog.run() } }
            try await informers.waitForSync()
            try await secrets.waitForSync()
            await serviceRunner.enforceFirst()
            await front.enforceFirst()
            group.addTask { await serviceRunner.run() }
            group.addTask { await front.run() }
            group.addTask { await acknowledger.run() }
            group.addTask {
                var last: String?
                while !Task.isCancelled {
                    var text = self.status(await serviceRunner.summary, await front.summary)
                    // A moment without the server, as its restart takes, is no news.
                    if let stale = informers.staleFor, stale >= .seconds(5) {
                        text += "; no sign of life from the API server, going on with what is known"
                    }
                    if last == nil { onReady(text) } else if text != last { onStatus(text) }
                    last = text
                    // Ends only by cancellation, which the loop checks.
                    try? await Task.sleep(for: .seconds(1))
                }
            }
            do {
                try await group.waitForAll()
            } catch {
                group.cancelAll()
                await stop()
                throw error
            }
        }
        await stop()
    }

    private static var metricsServer: HTTPServerConfiguration {
        var configuration = HTTPServerConfiguration()
        configuration.connections = .init(network: 64)
        return configuration
    }

    /// Ends with what is under way. In a task of its own: this one is cancelled by now, and would not wait.
    private func stop() async {
        await Task { [self] in
            await engine.shutdown(grace: configuration.shutdownGrace)
            await metrics?.shutdown(drain: .zero)
            await proxy.shutDown()
            for loop in loops { loop.stop() }
            accessLog?.flush()
        }.value
    }

    /// The sockets of the L7 proxy, plain HTTP first.
    private var listeningText: String {
        let bound = engine.boundAddresses
        return compiler.listeners.compactMap { listener in
            bound[listener].map { listener.scheme == .https ? "\($0) (TLS)" : "\($0)" }
        }.joined(separator: ", ")
    }

    private func status(
        _ services: (addresses: Int, failed: [ServiceListenerKey: String]), _ ingress: IngressSummary
    ) -> String {
        var text =
            "L7 proxy on \(listeningText) · \(services.addresses - services.failed.count) service addresses, \(ingress.routes) routes"
            + " for \(ingress.hosts) hosts, \(ingress.certificates) certificates"
        if !services.failed.isEmpty {
            let failures = services.failed.sorted { $0.key.address < $1.key.address }
            let shown = failures.prefix(3).map { "\($0.key) (\($0.value))" }.joined(separator: ", ")
            text += "; NOT served: \(shown)\(failures.count > 3 ? " and \(failures.count - 3) more" : "")"
        }
        return text
    }
}
