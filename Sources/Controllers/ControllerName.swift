/// The controllers, by the names that the command line takes.
package enum ControllerName: String, Hashable, Sendable, CaseIterable {
    /// Services with a selector → EndpointSlices and Endpoints; Endpoints without → EndpointSlices.
    case endpoints
    /// Pods with an address annotation → Pod status, with readiness probes.
    case podRegistration = "pod-registration"
    /// Services of type LoadBalancer → addresses from AddressPools.
    case loadBalancer = "load-balancer"
    /// Ingresses → RouteTables.
    case ingress
    /// Removes objects whose owners are gone.
    case garbageCollector = "garbage-collector"

    /// One line for `--help`.
    package var summary: String {
        switch self {
        case .endpoints: "EndpointSlices and Endpoints of Services"
        case .podRegistration: "status and readiness of Pods that name their address by annotation"
        case .loadBalancer: "addresses of Services of type LoadBalancer from AddressPools"
        case .ingress: "RouteTables and status of the Ingresses of one controller name"
        case .garbageCollector: "removal of objects whose owners are gone; foreground and orphaning deletion"
        }
    }
}
