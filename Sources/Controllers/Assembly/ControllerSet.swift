import Glibc
package import KubeClient
package import KubeModel
package import Logging

/// The controllers of one process: they share informers, an event recorder and a client, and each leads under a
/// Lease of its own.
package struct ControllerSet: Sendable {
    private let client: APIClient
    private let informers: InformerSet
    private let recorders: [EventRecorder]
    private let controllers: [any Controller]
    private let configuration: ControllerConfiguration
    private let logger: Logger

    /// - Parameter names: the controllers to run; duplicates count once.
    package init(
        _ names: [ControllerName], client: APIClient,
        configuration: ControllerConfiguration = ControllerConfiguration(),
        logger: Logger, wallClock: @escaping @Sendable () -> MicroTime = { WallClock.microTime }
    ) {
        let informers = InformerSet(client: client, logger: logger)
        var recorders: [EventRecorder] = []
        var controllers: [any Controller] = []
        for name in ControllerName.allCases where names.contains(name) {
            let component = name == .ingress ? "ingress-controller" : "\(name.rawValue)-controller"
            let recorder = EventRecorder(client: client, component: component, logger: logger)
            recorders.append(recorder)
            let context = ControllerContext(
                client: client, informers: informers, recorder: recorder, logger: logger, wallClock: wallClock)
            switch name {
            case .endpoints:
                controllers.append(EndpointsController(context, configuration.endpoints))
                controllers.append(EndpointsMirroringController(context, configuration.endpoints))
            case .podRegistration: controllers.append(PodRegistrationController(context))
            case .loadBalancer: controllers.append(LoadBalancerController(context, configuration.loadBalancer))
            case .nameService: controllers.append(NameServiceController(context))
            case .healthCheck: controllers.append(HealthCheckController(context))
            case .ingress: controllers.append(IngressController(context, configuration.ingress))
            case .garbageCollector: controllers.append(GarbageCollector(context))
            case .disruption: controllers.append(DisruptionController(context))
            case .namespaceContent:
                controllers.append(
                    NamespaceContentController(context, rootAuthority: configuration.rootAuthority))
            case .storageProtection: controllers.append(StorageProtectionController(context))
            case .certificateSigning:
                if let signing = configuration.certificateSigning {
                    controllers.append(CertificateSigningController(context, signing))
                } else {
                    logger.warning(
                        "certificate-signing: no authority is given, so machines that join get no certificate")
                }
            case .bootstrapToken:
                controllers.append(BootstrapTokenController(context, rootAuthority: configuration.rootAuthority))
            case .nodeLifecycle:
                controllers.append(NodeLifecycleController(context, configuration.nodeLifecycle))
                controllers.append(AnnouncementStatusController(context))
            case .workload: controllers.append(WorkloadController(context))
            }
        }
        self.client = client
        self.informers = informers
        self.recorders = recorders
        self.controllers = controllers
        self.configuration = configuration
        self.logger = logger
    }

    /// Runs every controller until cancelled: each waits for its Lease, works while it holds it, and competes again
    /// when it was lost. On cancellation the controllers stop and the Leases are released before this returns.
    ///
    /// - Throws: `CancellationError`.
    package func run() async throws {
        let identity = configuration.leaderElection.identity ?? Self.makeIdentity()
        // One clock: the Leases are renewed together.
        let clock = MonotonicClock()
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await informers.run() }
            for recorder in recorders { group.addTask { try await recorder.run() } }
            for controller in controllers { group.addTask { try await lead(controller, identity, clock) } }
            try await group.waitForAll()
        }
    }

    /// Whether the caches of all controllers are filled.
    package func waitForSync() async throws { try await informers.waitForSync() }

    /// For how long nothing was heard from the server; nil while its answers and events come.
    package var staleFor: Duration? { informers.staleFor }

    private func lead(_ controller: any Controller, _ identity: String, _ clock: MonotonicClock) async throws {
        let election = configuration.leaderElection
        guard election.isEnabled else { return try await controller.run() }
        let elector = LeaderElector(
            client: client, lease: NamespacedName(namespace: election.namespace, name: Self.leaseName(controller.name)),
            identity: identity, times: election.times, logger: logger, clock: clock)
        while true {
            do {
                try await elector.run { try await controller.run() }
                return
            } catch {
                try Task.checkCancellation()
                logger.error("\(controller.name): \(error)")
                try await Task.sleep(for: .seconds(1))
            }
        }
    }

    /// A DNS-1123 subdomain from a controller's name: `martlet-` and the name with everything else as dashes.
    static func leaseName(_ name: String) -> String {
        let text = name.lowercased().map { character -> Character in
            character.isASCII && (character.isLetter || character.isNumber || character == ".") ? character : "-"
        }
        var result = "martlet-" + String(text)
        while let last = result.last, last == "-" || last == "." { result.removeLast() }
        return String(result.prefix(253))
    }

    private static func makeIdentity() -> String {
        var name = [CChar](repeating: 0, count: 256)
        let isKnown = gethostname(&name, name.count - 1) == 0
        let bytes = name.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }
        let host = isKnown && !bytes.isEmpty ? String(decoding: bytes, as: UTF8.self) : "localhost"
        return "\(host)_\(getpid())_\(String(UInt32.random(in: 0 ... .max), radix: 16))"
    }
}
