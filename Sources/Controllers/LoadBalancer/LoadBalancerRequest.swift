import KubeModel
import NetworkTypes

/// What a Service of type LoadBalancer asks for.
struct LoadBalancerRequest: Sendable, Equatable {
    static let poolAnnotation = "traffic.martlet.dev/address-pool"
    static let addressesAnnotation = "traffic.martlet.dev/load-balancer-ips"
    static let sharingAnnotation = "traffic.martlet.dev/allow-shared-ip"

    /// A port that it would serve on its address.
    struct ServedPort: Hashable, Sendable {
        var transport: String
        var port: Int
    }

    var key: NamespacedName
    /// In order of preference, at least one.
    var families: [IPFamily]
    /// Whether an address of every family is needed, or one of any is enough.
    var needsEveryFamily: Bool
    /// Exactly these addresses; empty for any.
    var addresses: [IPAddress]
    /// What was asked for and is no address.
    var invalidAddresses: [String]
    /// Only from this pool.
    var pool: String?
    /// Services with the same key may have the same address if their ports differ.
    var sharingKey: String?
    var ports: Set<ServedPort>
    /// Services that keep traffic on the node can share only if the same Pods serve them.
    var localSelector: [String: String]?
    /// The addresses that it has at the moment.
    var current: [IPAddress]
    var created: Timestamp?

    /// - Returns: nil for a Service that is not, or no longer, to have an address from us.
    init?(_ service: Service, loadBalancerClass: String) {
        guard let spec = service.spec, spec.type == "LoadBalancer", service.metadata.deletionTimestamp == nil,
            spec.loadBalancerClass == nil || spec.loadBalancerClass == loadBalancerClass
        else { return nil }
        key = NamespacedName(service.metadata)
        families = ServiceSlices.addressFamilies(of: service)
        needsEveryFamily = spec.ipFamilyPolicy != "PreferDualStack"
        let annotations = service.metadata.annotations ?? [:]
        var texts = (annotations[Self.addressesAnnotation] ?? "").split(whereSeparator: {
            $0 == "," || $0.isWhitespace
        }).map(String.init)
        if texts.isEmpty, let single = spec.loadBalancerIP, !single.isEmpty { texts = [single] }
        addresses = []
        invalidAddresses = []
        for text in texts {
            if let address = IPAddress(text) { addresses.append(address) } else { invalidAddresses.append(text) }
        }
        pool = annotations[Self.poolAnnotation].flatMap { $0.isEmpty ? nil : $0 }
        sharingKey = annotations[Self.sharingAnnotation].flatMap { $0.isEmpty ? nil : $0 }
        ports = Set((spec.ports ?? []).map { ServedPort(transport: $0.protocol ?? "TCP", port: $0.port) })
        localSelector = spec.externalTrafficPolicy == "Local" ? spec.selector ?? [:] : nil
        current = Self.published(service)
        created = service.metadata.creationTimestamp
    }

    /// The addresses in a Service's status.
    static func published(_ service: Service) -> [IPAddress] {
        (service.status?.loadBalancer?.ingress ?? []).compactMap { $0.ip.flatMap { IPAddress($0) } }
    }

    /// Whether both may have the same address.
    func canShare(with other: LoadBalancerRequest) -> Bool {
        guard let sharingKey, sharingKey == other.sharingKey, ports.isDisjoint(with: other.ports) else { return false }
        guard localSelector != nil || other.localSelector != nil else { return true }
        return localSelector == other.localSelector
    }

    /// Of two that have the same address without sharing, the older keeps it.
    func precedes(_ other: LoadBalancerRequest) -> Bool {
        guard created != other.created, let created, let theirs = other.created else { return key < other.key }
        return created < theirs
    }
}
