import KubeModel

/// The advice kube-apiserver sends along with an accepted Service.
enum ServiceWarnings {
    static func of(_ service: ServiceDocument) -> [String] {
        var warnings: [String] = []
        if service.annotations["service.kubernetes.io/topology-aware-hints"] != nil {
            warnings.append(
                "metadata.annotations[service.kubernetes.io/topology-aware-hints] is deprecated in v1.27+, "
                    + "please use \"service.kubernetes.io/topology-mode\" instead")
        }
        if service.isHeadless {
            if service.spec["loadBalancerIP"]?.string?.isEmpty == false {
                warnings.append("spec.loadBalancerIP is ignored when spec.clusterIP is \"None\"")
            }
            if !service.externalIPs.isEmpty {
                warnings.append("spec.externalIPs is ignored when spec.clusterIP is \"None\"")
            }
            if service.sessionAffinity != "None" {
                warnings.append("spec.SessionAffinity is ignored for headless services")
            }
        }
        if !service.isExternalName && !service.externalName.isEmpty {
            warnings.append("spec.externalName is ignored when spec.type is not \"ExternalName\"")
        }
        let spec = FieldPath("spec")
        for (index, address) in service.clusterIPs.enumerated() {
            warnings += AddressMessages.warnings(about: address, spec.child("clusterIPs").index(index))
        }
        for (index, address) in service.externalIPs.enumerated() {
            warnings += AddressMessages.warnings(about: address, spec.child("externalIPs").index(index))
        }
        if let address = service.spec["loadBalancerIP"]?.string {
            warnings += AddressMessages.warnings(about: address, spec.child("loadBalancerIP"))
        }
        for (index, range) in service.loadBalancerSourceRanges.enumerated() {
            warnings += AddressMessages.rangeWarnings(about: range, spec.child("loadBalancerSourceRanges").index(index))
        }
        return warnings
    }
}
