package import KubeClient
package import KubeModel
package import Transport

/// What the controllers of a process need to know.
package struct ControllerConfiguration: Sendable {
    package var leaderElection: LeaderElectionConfiguration
    package var ingress: IngressControllerConfiguration
    package var endpoints: EndpointsControllerConfiguration
    package var loadBalancer: LoadBalancerControllerConfiguration
    package var nodeLifecycle = NodeLifecycleConfiguration()
    /// By which nodes get their certificates; nil: they get none.
    package var certificateSigning: CertificateSigningConfiguration?
    /// PEM of the authorities that sign the API server's certificate, for every namespace's `kube-root-ca.crt`.
    package var rootAuthority: String?

    package init(
        leaderElection: LeaderElectionConfiguration = LeaderElectionConfiguration(),
        ingress: IngressControllerConfiguration = IngressControllerConfiguration(),
        endpoints: EndpointsControllerConfiguration = EndpointsControllerConfiguration(),
        loadBalancer: LoadBalancerControllerConfiguration = LoadBalancerControllerConfiguration(),
        rootAuthority: String? = nil
    ) {
        self.leaderElection = leaderElection
        self.ingress = ingress
        self.endpoints = endpoints
        self.loadBalancer = loadBalancer
        self.rootAuthority = rootAuthority
    }
}

/// The authority that signs nodes' certificates.
package struct CertificateSigningConfiguration: Sendable {
    package var authority: CertificateAuthority
    /// How long a certificate is good for at most.
    package var seconds: Int

    package init(authority: CertificateAuthority, seconds: Int = 365 * 86400) {
        self.authority = authority
        self.seconds = seconds
    }
}

/// When a silent node counts as lost.
package struct NodeLifecycleConfiguration: Sendable {
    /// How long a node may be silent.
    package var grace: Duration
    /// How often silence is looked for.
    package var period: Duration

    package init(grace: Duration = .seconds(40), period: Duration = .seconds(5)) {
        self.grace = grace
        self.period = period
    }
}

/// Whether and how controllers elect a leader.
package struct LeaderElectionConfiguration: Sendable {
    /// Without election every process works: only for a single process.
    package var isEnabled: Bool
    /// Where the Leases are.
    package var namespace: String
    /// Unique among the candidates; nil makes one from host name, process id and a random number.
    package var identity: String?
    package var times: LeaderElectionTimes

    package init(
        isEnabled: Bool = true, namespace: String = "kube-system", identity: String? = nil,
        times: LeaderElectionTimes = LeaderElectionTimes()
    ) {
        self.isEnabled = isEnabled
        self.namespace = namespace
        self.identity = identity
        self.times = times
    }
}

package struct EndpointsControllerConfiguration: Sendable {
    /// Endpoints that go into one slice; 1–1000.
    package var maxEndpointsPerSlice: Int
    /// Services that are worked on at a time.
    package var concurrentServiceSyncs: Int

    package init(maxEndpointsPerSlice: Int = 100, concurrentServiceSyncs: Int = 5) {
        self.maxEndpointsPerSlice = maxEndpointsPerSlice
        self.concurrentServiceSyncs = concurrentServiceSyncs
    }
}

package struct LoadBalancerControllerConfiguration: Sendable {
    /// Services of this class are ours beside those without a class.
    package var loadBalancerClass: String

    package init(loadBalancerClass: String = "martlet.dev/address-pool") {
        self.loadBalancerClass = loadBalancerClass
    }
}

package struct IngressControllerConfiguration: Sendable {
    /// The default name of `IngressClass.spec.controller`.
    package static let defaultControllerName = "martlet.dev/ingress"

    /// Ingresses are ours when their IngressClass has this in `spec.controller`.
    package var controllerName: String
    /// A class name that is ours even without an IngressClass object, for the legacy annotation
    /// `kubernetes.io/ingress.class` and, with `claimsClassByName`, for `spec.ingressClassName`.
    package var className: String?
    /// Whether `spec.ingressClassName` may name `className` without an IngressClass of ours.
    package var claimsClassByName: Bool
    /// Whether Ingresses that name no class are ours even when no default class of ours exists.
    package var claimsIngressesWithoutClass: Bool
    /// IP addresses and DNS names for `status.loadBalancer`.
    package var publishAddresses: [String]
    /// A Service whose addresses go to `status.loadBalancer`; wins over `publishAddresses`.
    package var publishService: NamespacedName?

    package init(
        controllerName: String = IngressControllerConfiguration.defaultControllerName, className: String? = nil,
        claimsClassByName: Bool = false, claimsIngressesWithoutClass: Bool = false, publishAddresses: [String] = [],
        publishService: NamespacedName? = nil
    ) {
        self.controllerName = controllerName
        self.className = className
        self.claimsClassByName = claimsClassByName
        self.claimsIngressesWithoutClass = claimsIngressesWithoutClass
        self.publishAddresses = publishAddresses
        self.publishService = publishService
    }
}
