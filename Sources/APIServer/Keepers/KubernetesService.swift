import APIResources
import KubeModel
import Logging
import NetworkTypes
import Store
import Synchronization
import WatchCache

/// Keeps the Service `kubernetes` in `default`, with its EndpointSlice and Endpoints: how programs that know nothing but
/// the cluster's addresses find the API server (Kubernetes: the controller `kubernetesservice`). The first address of the
/// primary range is its cluster IP.
///
/// Level-triggered: whenever one of the three changes or goes, it is compared with what it should be.
final class KubernetesService: Sendable {
    /// Where kube-apiserver listens unless told otherwise; the target port while nothing listens.
    private static let usualPort: Int64 = 6443

    private struct State {
        var endpoint: SocketAddress?
        var observations: [Observation] = []
        var isRetrying = false
        var retryDelay = KubernetesService.firstRetryDelay
    }

    /// Milliseconds; the longest is how often Kubernetes looks.
    private static let firstRetryDelay = 10
    private static let longestRetryDelay = 10_000

    private let services: ServedResource
    private let slices: ServedResource
    private let endpoints: ServedResource
    private let clusterIP: IPAddress?
    private let store: any Store
    private let loop: KeeperLoop
    private let state = Mutex(State())

    /// nil where one of the three kinds is not served.
    init?(_ resources: ServedResources, store: any Store, loop: KeeperLoop) {
        guard let services = resources.find(group: "", version: "v1", plural: "services"),
            let slices = resources.find(group: "discovery.k8s.io", version: "v1", plural: "endpointslices"),
            let endpoints = resources.find(group: "", version: "v1", plural: "endpoints"),
            let strategy = services.strategy as? ServiceStrategy
        else { return nil }
        self.services = services
        self.slices = slices
        self.endpoints = endpoints
        clusterIP = strategy.allocations.configuredRanges.first?.first.advanced(by: 1)
        self.store = store
        self.loop = loop
    }

    /// Makes what is missing, and from then on keeps it. Without an endpoint (nothing but a unix socket listens) the
    /// Service has none.
    func start(endpoint: SocketAddress?, _ logger: Logger) async {
        state.withLock { $0.endpoint = endpoint }
        for (resource, document) in wanted {
            let result = await withCheckedContinuation { continuation in
                put(resource, document) { continuation.resume(returning: $0) }
            }
            if case .failure(let status) = result {
                logger.warning("\(resource.definition.kind) kubernetes: \(status)")
            }
        }
        for resource in [services, slices, endpoints] {
            let key = resource.key(namespace: ServerService.namespace, name: ServerService.name)
            let observation = store.observe(prefix: key) { [weak self] events in
                guard let self, events.contains(where: { $0.key == key }) else { return }
                state.withLock { $0.retryDelay = Self.firstRetryDelay }
                loop.run { self.reconcile() }
            }
            state.withLock { $0.observations.append(observation) }
        }
        reconcile()
    }

    func stop() {
        let observations = state.withLock { state in
            defer { state.observations = [] }
            return state.observations
        }
        for observation in observations { observation.cancel() }
    }

    private func reconcile() {
        for (resource, document) in wanted {
            put(resource, document) { result in
                if case .failure = result { self.retry() }
            }
        }
    }

    /// Looks again a while later, and later each time: the address of a Service that was just deleted is free a moment
    /// after it is gone, one that another Service has may stay taken.
    private func retry() {
        let delay = state.withLock { state -> Int? in
            guard !state.isRetrying, !state.observations.isEmpty else { return nil }
            state.isRetrying = true
            defer { state.retryDelay = min(2 * state.retryDelay, Self.longestRetryDelay) }
            return state.retryDelay
        }
        guard let delay else { return }
        loop.run(afterMilliseconds: delay) {
            self.state.withLock { $0.isRetrying = false }
            self.reconcile()
        }
    }

    /// Creates the object, or brings what matters of it back.
    private func put(_ resource: ServedResource, _ wanted: JSONValue, _ done: @escaping KeeperLoop.Completion) {
        let target = KeeperLoop.Target(resource: resource, namespace: ServerService.namespace, name: ServerService.name)
        guard let current = resource.cache.get(namespace: target.namespace, name: target.name) else {
            return loop.write(.create(wanted), to: target, done)
        }
        do throws(Status) {
            let stored = try resource.served(current)
            guard Self.merged(wanted, into: stored) != stored else { return done(.success(())) }
        } catch {
            return done(.failure(error))
        }
        loop.write(.amend { $0 = Self.merged(wanted, into: $0) }, to: target, done)
    }

    /// `stored` with the fields of `wanted`, and labels added; what users have put there besides stays.
    private static func merged(_ wanted: JSONValue, into stored: JSONValue) -> JSONValue {
        var result = stored
        for (key, value) in wanted["metadata"]["labels"].object ?? JSONObject() {
            result["metadata"]["labels"][key] = value
        }
        for key in ["addressType", "endpoints", "ports", "subsets"] where wanted[key] != nil {
            result[key] = wanted[key]
        }
        for key in ["type", "ports"] where wanted["spec"]?[key] != nil { result["spec"][key] = wanted["spec"]?[key] }
        return result
    }

    private var wanted: [(ServedResource, JSONValue)] {
        let endpoint = state.withLock { $0.endpoint }
        let port = endpoint.map { Int64($0.port.rawValue) } ?? Self.usualPort
        let metadata: (JSONValue) -> JSONValue = { labels in
            ["name": .string(ServerService.name), "namespace": .string(ServerService.namespace), "labels": labels]
        }
        var service: JSONValue = [
            "apiVersion": "v1", "kind": "Service",
            "metadata": metadata(["component": "apiserver", "provider": "kubernetes"]),
            "spec": [
                "type": "ClusterIP", "sessionAffinity": "None",
                "ports": [["name": "https", "port": 443, "protocol": "TCP", "targetPort": .integer(port)]],
            ],
        ]
        if let clusterIP { service["spec"]["clusterIP"] = .string(clusterIP.description) }
        guard let endpoint else { return [(services, service)] }
        let address = JSONValue.string(endpoint.ip.description)
        let ports: JSONValue = [["name": "https", "port": .integer(port), "protocol": "TCP"]]
        let slice: JSONValue = [
            "apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice",
            "metadata": metadata(["kubernetes.io/service-name": .string(ServerService.name)]),
            "addressType": .string(endpoint.ip.family.kubernetesName),
            "endpoints": [["addresses": [address], "conditions": ["ready": true]]], "ports": ports,
        ]
        // Nothing is to make another slice of it.
        let legacy: JSONValue = [
            "apiVersion": "v1", "kind": "Endpoints",
            "metadata": metadata(["endpointslice.kubernetes.io/skip-mirror": "true"]),
            "subsets": [["addresses": [["ip": address]], "ports": ports]],
        ]
        return [(services, service), (slices, slice), (endpoints, legacy)]
    }
}
