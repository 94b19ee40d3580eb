import KubeClient
import KubeModel

/// The indexes that find Services of a Pod, Pods of a Service or of a node, and slices of a Service without looking at all.
enum EndpointIndexes {
    static let podsByLabel = "label"
    static let podsByNode = "node"
    static let servicesBySelector = "selector"
    static let slicesByService = "service"

    static func pods(_ informers: InformerSet) -> Informer<Pod> {
        informers.informer(indexes: [
            podsByLabel: { pod in
                (pod.metadata.labels ?? [:]).map { pair(pod.metadata.namespace, $0.key, $0.value) }
            },
            podsByNode: { pod in pod.spec?.nodeName.map { [$0] } ?? [] },
        ])
    }

    static func services(_ informers: InformerSet) -> Informer<Service> {
        informers.informer(indexes: [
            servicesBySelector: { service in
                guard ServiceSlices.hasSelector(service), let pair = anchor(of: service) else { return [] }
                return [pair]
            }
        ])
    }

    static func slices(_ informers: InformerSet) -> Informer<EndpointSlice> {
        informers.informer(indexes: [slicesByService: { slice in owner(of: slice).map { ["\($0)"] } ?? [] }])
    }

    /// The Service that a slice's label names.
    static func owner(of slice: EndpointSlice) -> NamespacedName? {
        guard let name = slice.metadata.labels?[ServiceSlices.serviceNameLabel], !name.isEmpty else { return nil }
        return NamespacedName(namespace: slice.metadata.namespace ?? "", name: name)
    }

    /// The Services whose selector matches a Pod.
    static func services(of pod: Pod, in store: ObjectStore<Service>) -> [NamespacedName] {
        let labels = pod.metadata.labels ?? [:]
        return labels.flatMap { label in
            store.objects(index: servicesBySelector, pair(pod.metadata.namespace, label.key, label.value))
                .filter { selects($0, labels) }.map { NamespacedName($0.metadata) }
        }
    }

    /// The Pods that a Service selects.
    static func pods(of service: Service, in store: ObjectStore<Pod>) -> [Pod] {
        guard let anchor = anchor(of: service) else { return [] }
        return store.objects(index: podsByLabel, anchor).filter { selects(service, $0.metadata.labels ?? [:]) }
    }

    private static func selects(_ service: Service, _ labels: [String: String]) -> Bool {
        (service.spec?.selector ?? [:]).allSatisfy { labels[$0.key] == $0.value }
    }

    /// One pair of the selector stands for all of it in the index.
    private static func anchor(of service: Service) -> String? {
        service.spec?.selector?.min { $0.key < $1.key }.map { pair(service.metadata.namespace, $0.key, $0.value) }
    }

    private static func pair(_ namespace: String?, _ key: String, _ value: String) -> String {
        "\(namespace ?? "")/\(key)=\(value)"
    }
}
