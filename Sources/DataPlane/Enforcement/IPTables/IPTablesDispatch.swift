/// The chains that hold rules of many Services.
enum IPTablesDispatch: Int, CaseIterable, Hashable {
    /// Sends traffic to cluster, external and load-balancer addresses to the chains of their Service ports.
    case services
    /// Sends traffic to node ports there.
    case nodePorts
    /// Ends traffic to cluster IPs that have no endpoint.
    case withoutEndpoints
    /// Ends traffic from outside that has no endpoint.
    case withoutExternalEndpoints
    /// Ends traffic to guarded load-balancer addresses from clients that the guard did not let pass.
    case firewall
    /// Lets load balancers ask for this node's health.
    case healthChecks

    var table: IPTablesTable {
        switch self {
        case .services, .nodePorts: .nat
        case .withoutEndpoints, .withoutExternalEndpoints, .firewall, .healthChecks: .filter
        }
    }

    var chain: String {
        switch self {
        case .services, .withoutEndpoints: "KUBE-SERVICES"
        case .nodePorts, .healthChecks: "KUBE-NODEPORTS"
        case .withoutExternalEndpoints: "KUBE-EXTERNAL-SERVICES"
        case .firewall: "KUBE-PROXY-FIREWALL"
        }
    }
}

/// The tables of iptables that have rules of ours.
enum IPTablesTable: String, CaseIterable, Hashable {
    case filter
    case nat
}
