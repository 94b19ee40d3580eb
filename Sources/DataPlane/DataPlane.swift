import DNS
import Glibc
import KubeClient
import KubeModel
package import Logging
import NetworkTypes
import ProxyEngine
import Synchronization
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
    private let nodeWatch: NodeWatch
    private let choice: EnforcerChoice
    private let engine: ProxyEngine
    private let listeners: IngressListeners
    private let compiler: ProxyConfigurationCompiler
    private let accessLog: AccessLogWriter?
    private let state: TrafficState
    private let lastGood: LastGoodCertificates?
    private let report = ReportBox()
    private let health: AnswerServer
    /// Where it listens.
    private let metricsAddress: SocketAddress?
    private let names: (server: NameServer, addresses: [SocketAddress])?
    private let namesTally: NamesTally
    private let queryLog: QueryLogWriter?
    private let hostResolver: HostResolver
    private let announcements: AnnouncementFront

    /// Opens the listeners of the L7 proxy and of health checks.
    ///
    /// - Throws: `DataPlaneError` where an address is taken or not permitted.
    package init(_ configuration: DataPlaneConfiguration, logger: Logger) throws {
        self.configuration = configuration
        self.logger = logger
        let counted = CountedTransport(
            try HTTPTransport(configuration.client), host: configuration.client.server.authority)
        client = APIClient(transport: counted)
        lastGood = try configuration.certificateDirectory.map {
            try LastGoodCertificates(directory: $0, logger: logger)
        }
        state = TrafficState(lastGood: lastGood)
        announcements = AnnouncementFront(
            node: configuration.nodeName, leaseSeconds: configuration.announceLeaseSeconds, traffic: state,
            client: client, leaseClient: try APIClient(configuration.client), logger: logger)
        loops = try EventLoop.group(
            count: configuration.eventLoops ?? Processors.count, name: "service")
        nodeWatch = NodeWatch(name: configuration.nodeName, nodePortRanges: configuration.nodePortRanges, state: state)
        // Of the process's descriptors, so that clients leave some for upstreams, the relay and the API.
        let budget = DescriptorBudget.dataPlane(
            limit: DescriptorLimit.current, servesNames: configuration.names != nil)
        var choice = try EnforcerChoice(
            configuration.proxyMode, configuration.masquerade, scheduler: configuration.scheduler,
            wantsFastPath: configuration.wantsFastPath, logger: logger
        ) { [loops] in
            UserspaceEnforcer(loops: loops, descriptors: budget.descriptors(.relays))
        }
        if configuration.leadsSockets {
            choice.leadSockets(below: configuration.socketGroup, configuration.masquerade, logger: logger)
        } else if choice.mode != .userspace {
            EnforcerChoice.clearSockets(logger)
        }
        self.choice = choice
        logger.info("Services are enforced \(choice.words)", metadata: ["mode": "\(choice.mode.rawValue)"])
        var limits = ProxyLimits()
        // Bodies are streamed and cost no memory: how much is too much is for the backend to say.
        limits.maxBodyBytes = nil
        limits.maxConnections = min(limits.maxConnections, budget.connections(.clients))
        limits.maxUpstreamConnections = min(limits.maxUpstreamConnections, budget.connections(.upstreams))
        listeners = try IngressListeners(
            configuration.httpAddresses.map { .init(address: $0, scheme: .http) }
                + configuration.httpsAddresses.map { .init(address: $0, scheme: .https) })
        compiler = ProxyConfigurationCompiler(
            listeners: listeners.sockets(on: nodeWatch.current.ownAddresses), limits: limits)
        accessLog = try configuration.accessLogPath.map {
            try AccessLogWriter(path: $0, sampling: configuration.accessLogSampling)
        }
        engine = ProxyEngine(
            loops: loops, accessLog: accessLog,
            crowding: CrowdingWatch { logger.warning("L7 proxy: \($0)") },
            losses: LossWatch { logger.warning("L7 proxy: \($0)") })
        // Listening before the API was looked at: whoever comes now is told to come again.
        var provisional = compiler.compile(routes: .init(), backends: [:], secrets: [:])
        provisional.isProvisional = true
        let problems = engine.apply(provisional)
        if let problem = problems.first { throw DataPlaneError(message: problem.message) }
        hostResolver = HostResolver(
            configuration.names?.hostWiring ?? .none, root: configuration.names?.hostRoot ?? "", logger: logger)
        // A process that was killed may have left this machine asking it.
        hostResolver.heal()
        let queryLog = try configuration.names.map { try QueryLogWriter(path: $0.logPath ?? "-") }
        self.queryLog = queryLog
        names = try configuration.names.flatMap { [loops] in
            try Self.openNames($0, loops, budget.descriptors(.names), queryLog, logger)
        }
        let namesTally = NamesTally()
        self.namesTally = namesTally
        if names != nil { report.areNamesReady.withLock { $0 = false } }
        health = AnswerServer(loop: loops[0], logger: logger) {
            [report, state, engine, accessLog, names, queryLog, announcements, version = configuration.version]
            path, respond in
            // Summing the proxy's counters costs by its routes: only for those who ask.
            if let isReady = report.areNamesReady.withLock({ $0 }), path == "/ready" || path == "/health" {
                // As CoreDNS' plugins of these names answer.
                let isFine = path == "/health" || isReady
                return respond(HTTPResponse(status: isFine ? 200 : 503, text: isFine ? "OK" : "names"))
            }
            guard path == "/metrics" else { return respond(report.answer(path, state.queue)) }
            Task {
                var page = ProxyMetrics.text(
                    await engine.counters(), droppedLogLines: accessLog?.droppedLines ?? 0)
                if let names {
                    page += NameMetrics.text(
                        await names.server.counters(), namesTally.value, server: names.addresses, version: version,
                        requests: (counted.counts, counted.host), droppedLogLines: queryLog?.file.droppedLines ?? 0)
                }
                page += await announcements.metrics()
                page += report.answersPage
                respond(report.value.withLock { $0 }.metrics(followedBy: page))
            }
        }
        if let address = configuration.metricsAddress {
            do throws(TransportError) {
                let bound = try health.listen(address)
                metricsAddress = bound
                logger.info("health and metrics on \(bound)")
            } catch {
                throw DataPlaneError(message: "metrics on \(address): \(error.message)")
            }
        } else {
            metricsAddress = nil
        }
    }

    /// Begins to listen for DNS; nil where that is not possible and nobody asked for it.
    static func openNames(
        _ configuration: NamesConfiguration, _ loops: [EventLoop], _ descriptors: Int, _ log: QueryLogWriter?,
        _ logger: Logger
    ) throws -> (server: NameServer, addresses: [SocketAddress])? {
        let connections = min(512, descriptors / 2)
        let server = NameServer(
            loops: loops, connections: connections, exchanges: descriptors - connections, log: log,
            upstreamLog: UpstreamTroubleLog(logger: logger),
            crowding: CrowdingWatch { logger.warning("DNS: \($0)") },
            onRefusedAddress: { logger.warning("no DNS on \($0): \($1.message)") })
        var addresses: [SocketAddress] = []
        for address in configuration.addresses {
            do throws(TransportError) {
                addresses.append(try server.listen(address))
            } catch {
                guard configuration.isOptional else {
                    throw DataPlaneError(message: "DNS on \(address): \(error.message)")
                }
                logger.notice("no DNS on \(address): \(error.message)")
            }
        }
        for address in configuration.furtherAddresses {
            do throws(TransportError) {
                addresses.append(try server.listen(address))
            } catch {
                // Clients of the cluster's address need not know the port.
                let other = SocketAddress(ip: address.ip, port: 0)
                guard !addresses.isEmpty, let bound = try? server.listen(other) else {
                    logger.notice("no DNS on \(address): \(error.message)")
                    continue
                }
                logger.notice("DNS on \(bound) in the place of \(address): \(error.message)")
                addresses.append(bound)
            }
        }
        if !addresses.isEmpty { logger.info("DNS on \(addresses.map(\.description).joined(separator: ", "))") }
        return addresses.isEmpty ? nil : (server, addresses)
    }

    /// Runs until the task is cancelled; then stops accepting, lets connections and requests under way finish and
    /// closes.
    ///
    /// - Parameters:
    ///   - onReady: called once with a status text, when the first state is enforced.
    ///   - onStatus: called with a new status text when it changed, at most once a second.
    ///   - onNotice: called with a sentence that concerns the user, once for as long as it is true.
    package func run(
        onReady: @escaping @Sendable (String) -> Void, onStatus: @escaping @Sendable (String) -> Void,
        onNotice: @escaping @Sendable (String) -> Void = { _ in }
    ) async throws {
        let informers = InformerSet(client: client, logger: logger)
        let services = informers.informer(for: KeptService.self, reduce: { $0.forgetContent() })
        let slices = informers.informer(for: KeptSlice.self, reduce: { $0.forgetContent() })
        let tables = informers.informer(for: RouteTable.self, prune: { $0.reduceToUsed() })
        let secrets = informers.informer(for: KeptSecret.self, where: "type=kubernetes.io/tls")
        // Of no other Node: a cluster may have thousands.
        let ownNode = informers.informer(for: Node.self, where: "metadata.name=\(configuration.nodeName)")
        ownNode.addHandler { [nodeWatch] change in
            if case .deleted = change { return nodeWatch.setZone(nil) }
            nodeWatch.setZone(change.object.zone)
        }
        state.observe(services: services, slices: slices, tables: tables, secrets: secrets)
        announcements.observe(informers, services: services, slices: slices, ownNode: ownNode)
        let units = UnitFront(
            node: configuration.nodeName, kind: configuration.unitBus, client: client, informers: informers,
            logger: logger)

        let node = nodeWatch.current
        let recorder = EventRecorder(client: client, component: "martlet-dataplane", logger: logger)
        let enforcement = EnforcementRunner(
            state: state, enforcer: choice.enforcer, recorder: recorder, logger: logger, node: node)
        let acknowledger = RouteTableAcknowledger(client: client, logger: logger)
        let front = IngressFront(
            state: state, engine: engine, listeners: listeners, compiler: compiler, acknowledger: acknowledger,
            named: NamedSecretWatch(client: client, state: state, logger: logger), logger: logger)
        let namesFront = names.flatMap { names in
            configuration.names.map { settings in
                NamesFront(
                    state: state, server: names.server, addresses: names.addresses, client: client,
                    informers: informers, configuration: settings, ownAddresses: node.ownAddresses, host: hostResolver,
                    tally: namesTally, logger: logger)
            }
        }
        let healthChecks = HealthCheckServer(state: state, loop: loops[0], node: node, logger: logger) {
            [report, state] in
            !report.isStalled(state.queue)
        }
        let registration = NodeRegistration(
            client: client, name: configuration.nodeName, description: configuration.node, nameServers: nameServers,
            nameUpstreams: configuration.names?.upstreamTexts ?? [], logger: logger)
        let reporter = NodeReporter(registration: registration, node: node)
        let heartbeat = NodeHeartbeat(
            client: client, name: configuration.nodeName, seconds: configuration.leaseSeconds, logger: logger)

        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await informers.run() }
            group.addTask { try await recorder.run() }
            if let accessLog { group.addTask { await accessLog.run() } }
            if let queryLog { group.addTask { await queryLog.file.run() } }
            if let obstacles = choice.obstacles {
                group.addTask { [configuration, logger] in
                    var watch = ObstacleWatch(nodeName: configuration.nodeName, recorder: recorder, logger: logger)
                    await watch.run(obstacles, onNotice: onNotice)
                }
            }
            try await informers.waitForSync()
            lastGood?.sweep()
            await enforcement.enforceFirst(on: nodeWatch.current)
            await front.enforceFirst()
            if let namesFront {
                await namesFront.publishFirst()
                report.areNamesReady.withLock { $0 = true }
                group.addTask { [logger] in
                    guard let problem = await namesFront.wireHost() else { return }
                    logger.error("\(problem)")
                    onNotice(problem)
                }
                group.addTask { await namesFront.run() }
            }
            group.addTask { await enforcement.run() }
            group.addTask { await front.run() }
            group.addTask { await acknowledger.run() }
            group.addTask { await healthChecks.run() }
            group.addTask { [announcements, configuration, choice] in
                try await announcements.run(
                    obstacle: Self.announcementObstacle(choice.mode),
                    addresses: NodeAddresses.primary(of: node.ownAddresses, leaving: MachineAddresses.outgoing),
                    recorder: recorder,
                    grace: configuration.shutdownGrace, onNotice: onNotice)
            }
            group.addTask { await reporter.run() }
            group.addTask { try await units.run(recorder) }
            group.addTask { try await heartbeat.run { await registration.look() } }
            group.addTask { [nodeWatch] in
                await nodeWatch.run(since: node) { node in
                    enforcement.setNode(node)
                    await front.setAddresses(node.ownAddresses)
                    await namesFront?.setAddresses(node.ownAddresses)
                    await healthChecks.setNode(node)
                    await reporter.setNode(node)
                }
            }
            group.addTask {
                var last: String?
                while !Task.isCancelled {
                    let ledger = await enforcement.ledger
                    // A moment without the server, as its restart takes, is no news.
                    let staleFor = informers.staleFor.flatMap { $0 >= .seconds(5) ? $0 : nil }
                    let report = self.look(
                        ledger, await front.summary, await enforcement.times, await enforcement.portsWithoutLocal,
                        staleFor: staleFor)
                    await reporter.take(report, ledger)
                    let text = report.statusText(
                        listening: self.listeners.text(bound: self.engine.boundAddresses), ledger)
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
                async let said: Void = reporter.stop()
                await stop()
                await said
                throw error
            }
        }
        await stop()
    }

    /// The end that follows is for good, not for a restart: nobody is to send traffic here from now on.
    package func leave() { announcements.leave() }

    /// Ends with what is under way; both proxies drain at the same time, so that the grace is one. In a task of its
    /// own: this one is cancelled by now, and would not wait.
    private func stop() async {
        await Task { [self] in
            report.value.withLock { $0.isStopping = true }
            // Before the server is gone.
            hostResolver.unwire()
            let grace = configuration.shutdownGrace
            async let relays: Void = choice.enforcer.shutDown(grace: grace)
            await engine.shutdown(grace: grace)
            await relays
            await names?.server.stop()
            await health.stop()
            for loop in loops { loop.stop() }
            accessLog?.flush()
            queryLog?.file.flush()
        }.value
    }

    /// Why a node in this mode must announce nothing: who is sent here has to be served.
    private static func announcementObstacle(_ mode: ProxyMode) -> String? {
        guard mode == .userspace else { return nil }
        return """
            load-balancer addresses are not announced by this node: in user space only addresses that the machine has itself \
            are served, and for those the kernel answers (--proxy-mode nftables serves the others)
            """
    }

    /// Where clients of the cluster's address are answered; none where this node could not serve port 53 of that address,
    /// since a Service that nobody reaches helps nobody.
    private var nameServers: [NodeNameServer] {
        guard let names, choice.mode != .userspace || LowPorts.mayListen(on: 53) else { return [] }
        return names.addresses.flatMap { bound in
            let reached =
                bound.ip.isUnspecified
                ? nodeWatch.current.ownAddresses.filter { $0.family == bound.ip.family && !$0.isLinkLocalUnicast }
                    .sorted()
                : [bound.ip]
            return reached.map { ip in
                let metrics = metricsAddress.flatMap {
                    $0.isReached(by: SocketAddress(ip: ip, port: $0.port), on: [ip]) ? $0.port : nil
                }
                return NodeNameServer(address: SocketAddress(ip: ip, port: bound.port), metricsPort: metrics)
            }
        }
    }

    /// What there is to report at this moment.
    private func look(
        _ ledger: EnforcementLedger, _ ingress: IngressSummary, _ times: SyncTimes,
        _ portsWithoutLocal: NoLocalEndpoints.Counts, staleFor: Duration?
    ) -> NodeReport {
        var new = NodeReport()
        new.servedAddresses = ledger.servedCount
        new.unservedAddresses = ledger.alarming.count
        (new.routes, new.hosts, new.certificates) = (ingress.routes, ingress.hosts, ingress.certificates)
        new.staleFor = staleFor
        let counters = choice.counters
        new.relayedConnections = counters.connections
        new.openConnections = counters.openConnections
        new.refused = counters.refused
        new.openFlows = counters.openFlows
        new.evictedFlows = counters.evictedFlows
        new.proxyMode = choice.mode
        (new.times, new.queue, new.portsWithoutLocal) = (times, state.queue, portsWithoutLocal)
        report.looked.store(MonotonicClock.seconds, ordering: .relaxed)
        report.value.withLock { present in
            new.isStopping = present.isStopping
            present = new
        }
        return new
    }
}
