import ArgumentParser
import DataPlane
import Glibc
import KubeClient
import Logging
import NetworkTypes
import System

struct DataPlaneCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "dataplane", abstract: "Enforce Services and routes on this node.",
        discussion: """
            Serves cluster IPs, node ports, external and load-balancer IPs, and Ingresses by an L7 proxy. As root, or \
            with CAP_NET_ADMIN, Services are enforced in the kernel by nftables: its rules stay when this process ends, \
            and --cleanup removes them. Anybody else gets relays in user space, which need no privilege for addresses \
            in 127.0.0.0/8 and ports above 1023. An address that can't be served is reported as an Event of its Service.

            SIGTERM ends it as for a restart: BGP peers with graceful restart keep its routes for two minutes. SIGINT \
            (Ctrl-C) ends it for good: they forget them at once. So they do with --cleanup, which asks the API \
            (--kubeconfig) who they are.
            """, subcommands: [DumpCommand.self])

    @OptionGroup(title: "Node")
    var node: NodeOptions

    @OptionGroup(title: "Traffic")
    var traffic: TrafficOptions

    @OptionGroup(title: "Services")
    var services: ServiceProxyOptions

    @Flag(
        help: ArgumentHelp(
            "Remove every trace that the modes nftables, iptables and ipvs and the socket mode left in the kernel, have BGP "
                + "peers forget routes that they keep for a restart, and end."))
    var cleanup = false

    @OptionGroup(title: "DNS")
    var names: NamesOptions

    @OptionGroup
    var client: ClientOptions

    @OptionGroup(title: "Logging")
    var logging: LoggingOptions

    func run() async throws {
        let logger = logging.bootstrap()
        if cleanup { return try await cleanUp() }
        StartupMemory.mapLargeBlocks()
        if node.nodeName == NodeName.current, let adaptation = NodeName.adaptation { logger.warning("\(adaptation)") }
        var configuration = DataPlaneConfiguration(
            client: try client.configuration(userAgent: "dataplane"), nodeName: node.nodeName,
            nodePortRanges: traffic.nodeportAddresses.networks,
            httpAddresses: traffic.httpAddress, httpsAddresses: traffic.httpsAddress)
        configuration.version = ProgramVersion.current
        configuration.node = try node.description()
        configuration.leaseSeconds = node.nodeLeaseDurationSeconds
        configuration.accessLogPath = traffic.accessLog
        configuration.accessLogSampling = traffic.accessLogSampling
        configuration.metricsAddress = traffic.metricsBindAddress
        configuration.certificateDirectory = traffic.certificateDir
        configuration.shutdownGrace = .seconds(traffic.shutdownGracePeriod)
        configuration.proxyMode = services.proxyMode
        configuration.leadsSockets = services.socketMode
        configuration.socketGroup = services.socketCgroup
        configuration.scheduler = services.ipvsScheduler
        configuration.masquerade = services.masquerade
        configuration.wantsFastPath = services.flowtable
        configuration.announceLeaseSeconds = services.announceLeaseDurationSeconds
        configuration.unitBus = node.unitBus
        configuration.names = try names.configuration
        let dataPlane = try DataPlane(configuration, logger: logger)
        let notification = ServiceNotification()
        try await runUntilSignal(onSignal: { signal in
            // Who sends SIGTERM may be about to start another process, as a restart of a service does.
            if signal == SIGINT { dataPlane.leave() }
        }) {
            try await dataPlane.run(
                onReady: { status in
                    notification.ready(status: status)
                    StartupMemory.releaseSoon()
                    HeapTrimmer.start()
                }, onStatus: { notification.status($0) }, onNotice: { notification.notice($0) })
        }
    }

    private func cleanUp() async throws {
        guard Privileges.current.contains(.networkAdministration) else {
            throw CleanExitError("--cleanup: it needs root, or CAP_NET_ADMIN")
        }
        do {
            // A running data plane would put everything back.
            let claim = try KernelTableClaim()
            defer { withExtendedLifetime(claim) {} }
            let sockets = try SocketEnforcer.cleanUp()
            let (servers, hadDevice) = try IPVSEnforcer.cleanUp()
            let hadTable = try NFTablesEnforcer.cleanUp()
            let chains = try IPTablesEnforcer.cleanUpOwn()
            if sockets.hadNames { Terminal.line("removed the programs that lead sockets") }
            if sockets.detached > 0 {
                Terminal.line(
                    "detached \(Terminal.count(sockets.detached, "program")) that led sockets: another mount namespace has "
                        + "their names, and keeps their memory as long as it is there")
            }
            if sockets.hadTable { Terminal.line("removed the table inet martlet-sockets") }
            if hadTable { Terminal.line("removed the table inet martlet") }
            if chains > 0 { Terminal.line("removed \(Terminal.count(chains, "chain")) of iptables") }
            if servers > 0 { Terminal.line("removed \(Terminal.count(servers, "virtual server")) of IPVS") }
            if hadDevice { Terminal.line("removed the device \(IPVSEnforcer.device)") }
            if sockets.isEmpty, !hadTable, chains == 0, servers == 0, !hadDevice { Terminal.line("nothing to remove") }
            if let words = sockets.blindness {
                Terminal.error(
                    "programs that lead sockets may be left, where another mount namespace has their names: to look for them "
                        + "failed: \(words)")
            }
            await withdrawRoutes()
        } catch let error as SystemError where error.number == EADDRINUSE {
            throw CleanExitError("a data plane is running here: stop it first")
        } catch {
            throw CleanExitError("\(error)")
        }
    }

    /// Whoever sent SIGTERM before left peers with routes to a node that serves nothing any more.
    private func withdrawRoutes() async {
        do {
            let api = try APIClient(try client.configuration(userAgent: "dataplane"))
            let outcome = try await BGPWithdrawal.run(node: node.nodeName, client: api)
            for peer in outcome.told { Terminal.line("BGPPeer \(peer) keeps no routes of this node") }
            for (peer, reason) in outcome.silent.sorted(by: { $0.key < $1.key }) {
                Terminal.error("BGPPeer \(peer) was not told, and may keep routes for two minutes: \(reason)")
            }
        } catch {
            // Most machines have no peers, and this one cannot be asked about.
            Terminal.error("BGP peers, if there are any, were not told: \(error)")
        }
    }
}

extension DataPlaneCommand: ConfinedCommand {
    var role: ProcessRole { cleanup ? .cleaner : .dataPlane(leadsSockets: services.socketMode) }
}
