import KubeModel
import NetworkTypes

/// The addresses that Ingresses show in their status.
enum PublishedAddresses {
    /// The entries for configured addresses and names, in their order.
    static func entries(_ texts: [String]) -> [LoadBalancerIngress] {
        texts.map { text in
            IPAddress(text) == nil ? LoadBalancerIngress(hostname: text) : LoadBalancerIngress(ip: text)
        }
    }

    /// The entries for a Service: its load-balancer addresses, else its external IPs, else its cluster IPs.
    static func entries(of service: Service?) -> [LoadBalancerIngress] {
        guard let service else { return [] }
        switch service.spec?.type {
        case "ExternalName":
            return (service.spec?.externalName).map { [LoadBalancerIngress(hostname: $0)] } ?? []
        case "LoadBalancer":
            let published = service.status?.loadBalancer?.ingress ?? []
            if !published.isEmpty { return published.map { LoadBalancerIngress(ip: $0.ip, hostname: $0.hostname) } }
        default: break
        }
        if let external = service.spec?.externalIPs, !external.isEmpty { return entries(external) }
        return service.spec?.type == "LoadBalancer"
            ? [] : entries((service.spec?.clusterIPs ?? []).filter { IPAddress($0) != nil })
    }
}
