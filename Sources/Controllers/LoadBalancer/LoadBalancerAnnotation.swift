/// The annotations of Services of type LoadBalancer: ours, MetalLB's, and MetalLB's of old. The first that is there counts.
enum LoadBalancerAnnotation {
    /// The name of the pool.
    static let pool = [
        "traffic.martlet.dev/address-pool", "metallb.io/address-pool", "metallb.universe.tf/address-pool",
    ]
    /// The addresses, separated by commas.
    static let addresses = "traffic.martlet.dev/load-balancer-ips"
    /// The same in MetalLB's spelling, beside which `spec.loadBalancerIP` may not be set.
    static let exclusiveAddresses = ["metallb.io/loadBalancerIPs", "metallb.universe.tf/loadBalancerIPs"]
    /// The key with which Services share an address.
    static let sharing = [
        "traffic.martlet.dev/allow-shared-ip", "metallb.io/allow-shared-ip", "metallb.universe.tf/allow-shared-ip",
    ]
    /// The pool that the addresses came from, which is written.
    static let allocatedFrom = "metallb.io/ip-allocated-from-pool"
    /// The same of old: read, and removed when the other is written.
    static let formerAllocatedFrom = "metallb.universe.tf/ip-allocated-from-pool"

    /// The value of the first that is there; nil when that is empty.
    static func value(_ names: [String], in annotations: [String: String]) -> String? {
        for name in names {
            if let value = annotations[name] { return value.isEmpty ? nil : value }
        }
        return nil
    }
}
