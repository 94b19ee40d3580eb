import KubeModel
import NetworkTypes

/// Works out `ipFamilyPolicy` and `ipFamilies` from what was asked and what the cluster has (KEP-563).
package struct ServiceAddressFamilies: Sendable {
    /// The families of the configured ranges, the default first.
    let configured: [IPFamily]

    /// Fills the family fields of a Service that gets cluster IPs, and on a change to one family drops the second
    /// address. Doing it twice changes nothing.
    /// - Returns: why the request can't be granted; the Service is then only partly filled.
    func fill(_ service: inout ServiceDocument, from old: ServiceDocument?) -> [FieldError] {
        guard !service.isExternalName else { return [] }
        if let old, keepsPreferredFamilies(service, old) { return [] }

        let isSelectorlessHeadless = service.clusterIP == "None" && (service.selector?.isEmpty ?? true)
        if service.ipFamilyPolicy == nil {
            service.ipFamilyPolicy =
                old?.ipFamilyPolicy ?? (isSelectorlessHeadless ? "RequireDualStack" : "SingleStack")
        }
        var errors = ServiceClusterIPRules.check(service)
        guard errors.isEmpty else { return errors }

        let policy = service.ipFamilyPolicy ?? ""
        let policyPath = FieldPath("spec").child("ipFamilyPolicy")
        let policyValue = JSONValue.string(policy)
        if let old { errors += release(of: &service, from: old) }
        if policy == "SingleStack" {
            let message = "must be 'RequireDualStack' or 'PreferDualStack' when multiple "
            if service.clusterIPs.count == 2 {
                errors.invalid(policyPath, policyValue, message + "cluster IPs are specified")
            }
            if service.ipFamilies.count == 2 {
                errors.invalid(policyPath, policyValue, message + "IP families are specified")
            }
        }
        errors += inferFamilies(of: &service)
        guard errors.isEmpty else { return errors }

        if isSelectorlessHeadless {
            // Nothing is allocated, so such a Service may name families that the cluster has no range for.
            if service.ipFamilies.isEmpty { service.ipFamilies = configured.prefix(1).map(\.kubernetesName) }
            if policy != "SingleStack" { addOtherFamily(to: &service) }
            return []
        }

        if policy == "RequireDualStack" && configured.count < 2 {
            errors.invalid(policyPath, policyValue, "this cluster is not configured for dual-stack services")
        }
        for (index, family) in service.ipFamilies.enumerated() where !isConfigured(family) {
            errors.invalid(
                FieldPath("spec").child("ipFamilies").index(index), .string(family), "not configured on this cluster")
        }
        guard errors.isEmpty else { return errors }
        if service.ipFamilies.isEmpty { service.ipFamilies = configured.prefix(1).map(\.kubernetesName) }
        if policy != "SingleStack" && configured.count == 2 { addOtherFamily(to: &service) }
        return []
    }

    /// Whether an update leaves a PreferDualStack Service as it was: then a cluster that gained or lost a family in the
    /// meantime does not change it.
    func keepsPreferredFamilies(_ service: ServiceDocument, _ old: ServiceDocument) -> Bool {
        service.ipFamilyPolicy == "PreferDualStack" && service.type == old.type
            && (old.ipFamilyPolicy ?? "PreferDualStack") == "PreferDualStack"
            && service.clusterIPs == old.clusterIPs && service.ipFamilies == old.ipFamilies
    }

    private func release(of service: inout ServiceDocument, from old: ServiceDocument) -> [FieldError] {
        var errors: [FieldError] = []
        if service.ipFamilyPolicy == "SingleStack" {
            if service.clusterIPs == old.clusterIPs, service.clusterIPs.count > 1 {
                service.clusterIPs = [service.clusterIPs[0]]
            }
            if service.ipFamilies == old.ipFamilies, service.ipFamilies.count > 1 {
                service.ipFamilies = [service.ipFamilies[0]]
            }
            return []
        }
        let path = FieldPath("spec").child("ipFamilyPolicy")
        let value = JSONValue.string(service.ipFamilyPolicy ?? "")
        if !service.clusterIPs.isEmpty && service.clusterIPs.count < old.clusterIPs.count {
            errors.invalid(path, value, "must be 'SingleStack' to release the secondary cluster IP")
        }
        if !service.ipFamilies.isEmpty && service.ipFamilies.count < old.ipFamilies.count {
            errors.invalid(path, value, "must be 'SingleStack' to release the secondary IP family")
        }
        return errors
    }

    private func inferFamilies(of service: inout ServiceDocument) -> [FieldError] {
        var errors: [FieldError] = []
        var families = service.ipFamilies
        for (index, text) in service.clusterIPs.enumerated() {
            guard text != "None", index >= families.count else { continue }
            let family = (IPAddress(text)?.family ?? .v4).kubernetesName
            if isConfigured(family) {
                families.append(family)
            } else {
                errors.invalid(
                    FieldPath("spec").child("clusterIPs").index(index), JSONValue(service.clusterIPs),
                    "\(family) is not configured on this cluster")
            }
        }
        if families != service.ipFamilies { service.ipFamilies = families }
        return errors
    }

    private func isConfigured(_ family: String) -> Bool {
        configured.contains { $0.kubernetesName == family }
    }

    private func addOtherFamily(to service: inout ServiceDocument) {
        guard service.ipFamilies.count == 1 else { return }
        let other: IPFamily = service.ipFamilies[0] == IPFamily.v4.kubernetesName ? .v6 : .v4
        service.ipFamilies.append(other.kubernetesName)
    }
}
