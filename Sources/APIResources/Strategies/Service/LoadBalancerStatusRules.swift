import KubeModel
import NetworkTypes

/// The rules of `status.loadBalancer`, which Services and Ingresses share.
enum LoadBalancerStatusRules {
    private static let path = FieldPath("status").child("loadBalancer").child("ingress")

    static func checkService(_ service: ServiceDocument) -> [FieldError] {
        let points = service.status?["loadBalancer"]?["ingress"]?.array ?? []
        var errors: [FieldError] = []
        guard service.isLoadBalancer || points.isEmpty else {
            errors.forbidden(path, "may only be used when `spec.type` is \"LoadBalancer\"")
            return errors
        }
        for (index, point) in points.enumerated() {
            let ip = point["ip"]?.string ?? ""
            checkPoint(point, ip, path.index(index), &errors)
            let modePath = path.index(index).child("ipMode")
            if let mode = point["ipMode"]?.string {
                if ip.isEmpty {
                    errors.forbidden(modePath, "may not be specified when `ip` is not set")
                } else {
                    errors.oneOf(modePath, mode, ["Proxy", "VIP"])
                }
            } else if !ip.isEmpty {
                errors.required(modePath, "must be specified when `ip` is set")
            }
        }
        return errors
    }

    static func checkIngress(_ object: JSONValue) -> [FieldError] {
        var errors: [FieldError] = []
        for (index, point) in (object["status"]?["loadBalancer"]?["ingress"]?.array ?? []).enumerated() {
            checkPoint(point, point["ip"]?.string ?? "", path.index(index), &errors)
        }
        return errors
    }

    private static func checkPoint(
        _ point: JSONValue, _ ip: String, _ path: FieldPath, _ errors: inout [FieldError]
    ) {
        if !ip.isEmpty, IPAddress(ip) == nil {
            errors.invalid(path.child("ip"), .string(ip), AddressMessages.address)
        }
        if let hostname = point["hostname"]?.string, !hostname.isEmpty {
            errors.invalid(path.child("hostname"), .string(hostname), Validation.dns1123Subdomain(hostname))
            if IPAddress(hostname) != nil {
                errors.invalid(
                    path.child("hostname"), .string(hostname), "must be a DNS name, not an IP address")
            }
        }
    }
}
