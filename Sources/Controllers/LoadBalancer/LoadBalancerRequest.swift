import KubeModel
import NetworkTypes

/// What a Service of type LoadBalancer asks for.
struct LoadBalancerRequest: Sendable, Equatable {
    var key: NamespacedName
    var labels: [String: String]
    var namespaceLabels: [String: String]
    /// In order of preference, at least one.
    var families: [IPFamily]
    /// Whether an address of every family is needed, or one of any is enough.
    var needsEveryFamily: Bool
    /// Exactly these addresses, each once; empty for any.
    var addresses: [IPAddress]
    /// Why nothing can be made of what is asked for.
    var problem: String?
    /// Only from a pool of this name.
    var pool: String?
    /// The pool that it has its addresses from.
    var allocatedFrom: String?
    /// Nil for a Service that shares with nobody.
    var sharing: SharingKey?
    var ports: Set<ServedPort>
    /// The addresses that it has at the moment.
    var current: [IPAddress]
    /// Whether it is on its way out: it keeps what it has until it is gone, and gets nothing.
    var isTerminating: Bool
    var created: Timestamp?

    /// How many addresses a Service may ask for.
    static let maximumAddresses = 16

    /// - Returns: nil for a Service that is none of ours.
    init?(_ service: Service, loadBalancerClass: String, namespaceLabels: [String: String] = [:]) {
        guard let spec = service.spec, spec.type == "LoadBalancer",
            spec.loadBalancerClass == nil || spec.loadBalancerClass == loadBalancerClass
        else { return nil }
        key = NamespacedName(service.metadata)
        labels = service.metadata.labels ?? [:]
        self.namespaceLabels = namespaceLabels
        families = ServiceSlices.addressFamilies(of: service)
        needsEveryFamily = spec.ipFamilyPolicy != "PreferDualStack"
        let annotations = service.metadata.annotations ?? [:]
        pool = LoadBalancerAnnotation.value(LoadBalancerAnnotation.pool, in: annotations)
        allocatedFrom = LoadBalancerAnnotation.value(
            [LoadBalancerAnnotation.allocatedFrom, LoadBalancerAnnotation.formerAllocatedFrom], in: annotations)
        sharing = LoadBalancerAnnotation.value(LoadBalancerAnnotation.sharing, in: annotations).map { text in
            SharingKey(text: text, localSelector: spec.externalTrafficPolicy == "Local" ? spec.selector ?? [:] : [:])
        }
        ports = Set((spec.ports ?? []).map { ServedPort(transport: $0.protocol ?? "TCP", port: $0.port) })
        current = Self.published(service)
        isTerminating = service.metadata.deletionTimestamp != nil
        created = service.metadata.creationTimestamp
        addresses = []
        readAddresses(annotations, single: spec.loadBalancerIP ?? "")
    }

    private mutating func readAddresses(_ annotations: [String: String], single: String) {
        let names = [LoadBalancerAnnotation.addresses] + LoadBalancerAnnotation.exclusiveAddresses
        guard let name = names.first(where: { annotations[$0]?.isEmpty == false }), let list = annotations[name] else {
            guard !single.isEmpty else { return }
            if let address = IPAddress(single) {
                addresses = [address]
            } else {
                problem = "invalid spec.loadBalancerIP \(goQuoted(single))"
            }
            return
        }
        if name != LoadBalancerAnnotation.addresses, !single.isEmpty {
            problem = "service can not have both \(name) and svc.Spec.LoadBalancerIP"
            return
        }
        for text in list.split(whereSeparator: { $0 == "," || $0.isWhitespace }) {
            guard let address = IPAddress(text) else {
                problem = "invalid \(name): \(goQuoted(list))"
                return
            }
            if !addresses.contains(address) { addresses.append(address) }
        }
        if addresses.count > Self.maximumAddresses {
            problem = "\(name) has \(addresses.count) addresses; a Service has at most \(Self.maximumAddresses)"
        }
    }

    /// The addresses in a Service's status.
    static func published(_ service: Service) -> [IPAddress] {
        (service.status?.loadBalancer?.ingress ?? []).compactMap { $0.ip.flatMap { IPAddress($0) } }
    }

    /// What others have to know of it.
    var holder: AddressHolder {
        AddressHolder(key: key, sharing: sharing, ports: ports, created: created, pool: allocatedFrom)
    }
}
