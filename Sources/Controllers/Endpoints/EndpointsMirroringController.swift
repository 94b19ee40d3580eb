import KubeClient
import KubeModel
import Logging

/// Mirrors Endpoints objects of Services without a selector to EndpointSlices, for consumers that read only those.
final class EndpointsMirroringController: Controller {
    let name = "endpoints-mirroring-controller"
    private let client: APIClient
    private let services: Informer<Service>
    private let slices: Informer<EndpointSlice>
    private let endpoints: Informer<Endpoints>
    private let configuration: EndpointsControllerConfiguration
    private let logger: Logger

    init(_ context: ControllerContext, _ configuration: EndpointsControllerConfiguration) {
        client = context.client
        services = EndpointIndexes.services(context.informers)
        slices = EndpointIndexes.slices(context.informers)
        endpoints = context.informers.informer()
        logger = context.logger
        self.configuration = configuration
    }

    func run() async throws {
        let queue = WorkQueue<NamespacedName>()
        var scope = HandlerScope()
        scope.add(endpoints.addHandler { queue.add($0.key) })
        scope.add(services.addHandler { queue.add($0.key) })
        scope.add(
            slices.addHandler { change in
                guard change.object.metadata.labels?[ServiceSlices.managedByLabel] == MirroredSlices.managedBy,
                    let owner = EndpointIndexes.owner(of: change.object)
                else { return }
                queue.add(owner)
            })
        try await ControllerLoop(
            name: name, queue: queue, workers: configuration.concurrentServiceSyncs, logger: logger
        ) { [self] key in
            try await reconcile(key)
            return .settled
        }.run(after: [services, slices, endpoints])
        _ = consume scope
    }

    func reconcile(_ key: NamespacedName) async throws {
        let ours = slices.store.objects(index: EndpointIndexes.slicesByService, "\(key)").filter {
            $0.metadata.labels?[ServiceSlices.managedByLabel] == MirroredSlices.managedBy
                && $0.metadata.deletionTimestamp == nil
        }
        let writer = SliceWriter(client: client, slices: slices)
        guard let source = endpoints.store[key], MirroredSlices.isWanted(source, service: services.store[key]) else {
            for slice in ours { try await writer.delete(slice) }
            return
        }
        let plan = HealthMarks.keep(in: ours) { existing in
            SlicePlanner.plan(
                existing: existing, groups: MirroredSlices.groups(for: source),
                template: MirroredSlices.template(for: source),
                capacity: max(configuration.maxEndpointsPerSlice, MirroredSlices.maxEndpointsPerSubset))
        }
        do {
            try await writer.apply(plan)
        } catch let status as Status where status.isNamespaceTerminating {
            return
        }
    }
}
