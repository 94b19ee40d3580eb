import KubeClient
import KubeModel
import Logging
import NetworkTypes
import TrafficModel

/// Keeps the Service `kube-dns` in `kube-system` and its slices of the nodes that answer DNS. There is none before some
/// node does. One with a selector is somebody else's and left alone; one without, whoever made it, is taken over.
final class NameServiceController: Controller {
    let name = "name-service-controller"
    /// Endpoints a slice.
    private static let capacity = 100

    private let client: APIClient
    private let nodes: Informer<Node>
    private let services: Informer<Service>
    private let slices: Informer<EndpointSlice>
    private let logger: Logger

    init(_ context: ControllerContext) {
        client = context.client
        nodes = context.informers.informer()
        services = EndpointIndexes.services(context.informers)
        slices = EndpointIndexes.slices(context.informers)
        logger = context.logger
    }

    /// All of it is one piece of work.
    private enum Key: Hashable, Sendable { case everything }

    func run() async throws {
        let queue = WorkQueue<Key>()
        var scope = HandlerScope()
        scope.add(nodes.addHandler { _ in queue.add(.everything) })
        scope.add(services.addHandler { if $0.key == NameServicePlanner.key { queue.add(.everything) } })
        scope.add(
            slices.addHandler { change in
                if EndpointIndexes.owner(of: change.object) == NameServicePlanner.key { queue.add(.everything) }
            })
        try await ControllerLoop(name: name, queue: queue, workers: 1, logger: logger) { [self] _ in
            try await reconcile()
            return .settled
        }.run(after: [nodes, services, slices])
        _ = consume scope
    }

    func reconcile() async throws {
        let key = NameServicePlanner.key
        let all = Array(nodes.store.snapshot().values)
        guard let service = services.store[key] else {
            // Loopback places count: whether they are of use shows when there is an address.
            guard all.contains(where: { !NameServicePlanner.places($0, allowsLoopback: true).isEmpty }) else { return }
            return try await makeService()
        }
        let ours = slices.store.objects(index: EndpointIndexes.slicesByService, "\(key)").filter {
            $0.metadata.labels?[ServiceSlices.managedByLabel] == NameServicePlanner.managedBy
                && $0.metadata.deletionTimestamp == nil
        }
        let writer = SliceWriter(client: client, slices: slices)
        guard NameServicePlanner.isOurs(service) else {
            for slice in ours { try await writer.delete(slice) }
            return
        }
        try await writer.apply(
            SlicePlanner.plan(
                existing: ours, groups: NameServicePlanner.groups(all, for: service),
                template: NameServicePlanner.template(for: service), capacity: Self.capacity))
    }

    private func makeService() async throws {
        let first = try await client.get(Service.self, "kubernetes", namespace: "default").spec?.clusterIP
        let wanted = NameServicePlanner.service(first: first.flatMap { IPAddress($0) })
        do {
            services.absorb(try await client.create(wanted))
        } catch let status as Status where status.code == 422 {
            // Somebody else has that address, or the range is too short for it: any other one will do.
            var other = wanted
            other.spec?.clusterIP = nil
            services.absorb(try await client.create(other))
        } catch let status as Status where status.isAlreadyExists {
            // Seen in a moment.
        }
    }
}
