import APIResources
import KubeModel
import Logging
import Store
import System
import Transport
import WatchCache

/// Everything of the server that needs no socket, wired together. Tests run requests through `pipeline` directly.
struct ServerCore: Sendable {
    let resources: ServedResources
    let pipeline: RequestPipeline
    let limit: InFlightLimit
    let crowding: CrowdingWatch
    let writer: ObjectWriter
    let watcher: WatchService
    let terminator: NamespaceTerminator
    let serviceCIDRs: ServiceCIDRKeeper?
    let kubernetesService: KubernetesService?
    /// nil where no definitions are served.
    let customResources: CustomResourceRunner?
    let upkeep: StoreUpkeep
    let keepers: KeeperLoop
    /// Reads what is no longer in memory.
    let worker: BoundedWorker
    private let dispatcher: WatchDispatcher
    let loops: [EventLoop]
    let largeWrites: LargeWrites
    /// Where what works without being asked has its turns.
    private let keeperLoop: EventLoop
    let isReady = StopFlag()
    let isStopping = StopFlag()

    /// - Parameters:
    ///   - registry: the kinds to serve; nil: the built-in ones.
    ///   - authorizer: says who may do what; nil: whoever is known may do everything.
    ///   - admission: what every object passes before it is stored.
    ///   - keeping: the loop and the clock of what works without being asked; nil: a thread of its own and the system's.
    ///   - limit: what bounds requests under way; nil: one that follows from the configuration.
    init(
        _ configuration: APIServerConfiguration, store: any Store, tokens: TokenFile?,
        registry: ResourceRegistry? = nil, limit: InFlightLimit? = nil, authorizer: (any Authorizer)? = nil,
        admission: [AdmissionStep] = AdmissionStep.standard, keeping: (queue: any WorkQueue, clock: KeeperClock)? = nil,
        logger: Logger = Logger(label: "api")
    ) throws(APIServerError) {
        let served: ResourceRegistry
        if let registry { served = registry } else { served = try Self.builtIn(configuration) }
        let embedded = EmbeddedDocuments.all
        let schemas = SchemaRegistry(
            compiling: embedded.map { document in
                SchemaRegistry.Source(name: document.path) { document.bytes }
            }, structs: ProtobufFields.structs)
        let resources: ServedResources
        do {
            dispatcher = try WatchDispatcher { EventLoop.gathering($0) }
            resources = try ServedResources(
                served, schemas: schemas, store: store, dispatcher: dispatcher,
                bookmarkSeconds: configuration.bookmarkSeconds)
        } catch {
            throw APIServerError(.store, "\(error)")
        }
        guard let namespaces = resources.find(group: "", version: "v1", plural: "namespaces") else {
            throw APIServerError(.badConfiguration, "a server without namespaces can't serve")
        }
        do {
            loops = try EventLoop.group(count: configuration.eventLoops ?? Self.processors, name: "api")
            largeWrites = try LargeWrites()
            keeperLoop = try EventLoop.group(count: 1, name: "api-keepers")[0]
        } catch {
            throw APIServerError(.badConfiguration, "\(error)")
        }
        let queue = LoopQueue(loops)
        let renderer = ObjectRenderer()
        let metrics = RequestMetrics()
        let limit =
            limit
            ?? InFlightLimit(
                maxReads: configuration.maxReadsInFlight, maxWrites: configuration.maxWritesInFlight,
                maxAnswerBytes: configuration.maxAnswerBytes)
        self.limit = limit
        crowding = CrowdingWatch { logger.warning("\($0)") }
        let lifecycle = NamespaceLifecycle(namespaces: namespaces)
        let writer = ObjectWriter(
            store: store, resources: resources, namespaces: lifecycle, renderer: renderer, queue: queue,
            admission: admission)
        do {
            worker = try BoundedWorker(name: "api-past", capacity: Self.readsOfThePast)
        } catch {
            throw APIServerError(.badConfiguration, "\(error)")
        }
        let reader = ObjectReader(store: store, renderer: renderer, worker: worker)
        let watcher = WatchService(
            store: store, queue: queue, metrics: metrics, bufferBytes: configuration.watchBufferBytes,
            isServed: { [weak resources] in
                resources?.find(group: $0.group, version: $0.version, plural: $0.resource) != nil
            })
        let isReady = isReady
        let isStopping = isStopping
        let health = HealthChecks(checks: [
            HealthChecks.Check(name: "ping", isReadinessOnly: false) { true },
            // A restart mends no disk: a server that can still be read, and deleted from, is alive.
            HealthChecks.Check(name: "store", isReadinessOnly: true) { () -> String? in
                let health = store.health
                return health.isGood ? nil : health.problems.joined(separator: "; ")
            },
            HealthChecks.Check(name: "started", isReadinessOnly: true) { isReady.isSet },
            HealthChecks.Check(name: "shutdown", isReadinessOnly: true) { !isStopping.isSet },
        ])
        let lookup: ObjectLookup = { group, plural, namespace, name in
            guard let resource = resources.find(group: group, plural: plural),
                let object = resource.cache.get(namespace: namespace, name: name)
            else { return nil }
            // What cannot be read counts as missing: nobody is let in for it.
            return try? resource.served(object)
        }
        let listing: ObjectListing = { group, plural, namespace in
            guard let resource = resources.find(group: group, plural: plural) else { return [] }
            // As above.
            return resource.cache.list(namespace: namespace, labels: nil, fields: nil).items.compactMap {
                try? resource.served($0)
            }
        }
        let authenticator = Authenticator(
            tokens: tokens,
            bootstrapTokens: BootstrapTokenAuthenticator(secret: { lookup("", "secrets", BootstrapToken.namespace, $0) }
            ))
        let authorizer =
            authorizer
            ?? PrincipalAuthorizer(
                lookup: lookup, listing: listing,
                others: KnownCallersAuthorizer { authenticator.hasCredentials(for: $0) })
        let reviews = ReviewKind.allCases.map { Review($0, authenticator: authenticator, authorizer: authorizer) }
        let components = ComponentStatuses(
            components: health.checks.filter { $0.name == "store" }.map { .init(name: $0.name, problem: $0.problem) })
        let unstored = UnstoredResources([components, Bindings(writer: writer)] + reviews, schemas: schemas)
        let documents = ServerDocuments(
            resources: resources, unstored: unstored,
            openAPI: OpenAPIService(embedded, unstored: unstored) { resources.all }, health: health,
            metrics: metrics, limit: limit, crowding: crowding,
            store: store, status: StatusPage(flags: configuration.flags), commit: configuration.commit)
        self.resources = resources
        self.writer = writer
        self.watcher = watcher
        pipeline = RequestPipeline(
            resources: resources, unstored: unstored, authenticator: authenticator, authorizer: authorizer,
            limit: limit,
            metrics: metrics,
            documents: documents, reader: reader, writer: writer, watcher: watcher,
            proxy: ProxyService(
                locator: ProxyLocator(
                    resources: resources, rule: EndpointAddressRule(ranges: configuration.ranges),
                    choose: { Int.random(in: 0..<$0) }),
                forwarder: RequestForwarder(
                    loops: loops, metrics: metrics.proxy, maximum: configuration.maxForwarded,
                    tunnels: TunnelLimit(maximum: configuration.maxTunnels))),
            largeWrites: largeWrites, maxBodyBytes: configuration.maxBodyBytes)
        let keepers = KeeperLoop(
            queue: keeping?.queue ?? LoopQueue([keeperLoop]), writer: writer, clock: keeping?.clock ?? KeeperClock())
        self.keepers = keepers
        terminator = NamespaceTerminator(namespaces: namespaces, resources: resources, store: store, loop: keepers)
        serviceCIDRs = ServiceCIDRKeeper(resources, store: store, loop: keepers)
        kubernetesService = KubernetesService(resources, store: store, loop: keepers)
        upkeep = StoreUpkeep(
            store: store, resources: resources, loop: keepers, worker: worker,
            historySeconds: configuration.historySeconds, logger: logger)
        serviceCIDRs?.load(Logger(label: "martlet.apiserver.addresses"))
        let definitions = resources.find(
            group: "apiextensions.k8s.io", version: "v1", plural: "customresourcedefinitions")
        do {
            customResources = try definitions.map { (definitions) throws(SystemError) in
                try CustomResourceRunner(
                    definitions: definitions, resources: resources, store: store, loop: keepers, queue: queue,
                    logger: logger)
            }
        } catch {
            throw APIServerError(.badConfiguration, "\(error)")
        }
        resources.onRemoval { [weak watcher] in watcher?.finish(of: $0) }
        if let customResources {
            documents.openAPI.add(CustomResourceDocuments(definitions: customResources))
            customResources.start()
        }
    }

    /// Ends what works beside the requests.
    func stop() {
        terminator.stop()
        serviceCIDRs?.stop()
        kubernetesService?.stop()
        customResources?.stop()
        upkeep.stop()
        largeWrites.finish(on: keeperLoop)
    }

    /// Ends the threads, once what was begun on them is done: behind the last request, before the store is closed.
    func close() {
        customResources?.close()
        worker.stop()
        dispatcher.stop()
        largeWrites.stop()
        for loop in loops + [keeperLoop] { loop.stop() }
    }

    /// Makes what is always there and is not: namespaces, then PriorityClasses.
    func makeSystemObjects(_ logger: Logger) async {
        for name in NamespaceLifecycle.system {
            let document: JSONValue = [
                "apiVersion": "v1", "kind": "Namespace", "metadata": ["name": .string(name)],
            ]
            await make(document, resources.find(group: "", version: "v1", plural: "namespaces"), logger)
        }
        for document in SystemPriorityClasses.documents {
            await make(
                document, resources.find(group: "scheduling.k8s.io", version: "v1", plural: "priorityclasses"), logger)
        }
    }

    private func make(_ document: JSONValue, _ resource: ServedResource?, _ logger: Logger) async {
        let name = document["metadata"]["name"].string ?? ""
        guard let resource, resource.cache.get(namespace: "", name: name) == nil else { return }
        let result = await keepers.write(.create(document), to: KeeperLoop.Target(resource: resource, name: name))
        if case .failure(let status) = result { logger.error("\(resource.definition.kind) \(name): \(status)") }
    }

    private static func builtIn(_ configuration: APIServerConfiguration) throws(APIServerError) -> ResourceRegistry {
        do {
            return try BuiltInResources.registry(ranges: configuration.ranges)
        } catch {
            throw APIServerError(.badConfiguration, "\(error)")
        }
    }

    /// How many lists of a moment that only the store remembers may wait for each other; more are answered 429.
    private static let readsOfThePast = 100

    private static var processors: Int { Processors.count }
}
