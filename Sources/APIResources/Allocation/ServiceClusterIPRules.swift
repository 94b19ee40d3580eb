import KubeModel
import NetworkTypes

/// The rules of `clusterIP`, `clusterIPs`, `ipFamilies` and `ipFamilyPolicy` among each other and over an update.
enum ServiceClusterIPRules {
    private static let path = FieldPath("spec").child("clusterIPs")
    private static let familiesPath = FieldPath("spec").child("ipFamilies")
    private static let policyPath = FieldPath("spec").child("ipFamilyPolicy")

    static func check(_ service: ServiceDocument) -> [FieldError] {
        guard !service.isExternalName else { return [] }
        var errors: [FieldError] = []
        let addresses = service.clusterIPs
        let families = service.ipFamilies
        if service.clusterIP.isEmpty {
            if !addresses.isEmpty {
                errors.invalid(path, JSONValue(addresses), "must be empty when `clusterIP` is not specified")
            }
        } else if addresses.isEmpty {
            errors.required(path)
        } else if addresses[0] != service.clusterIP {
            errors.invalid(path, JSONValue(addresses), "first value must match `clusterIP`")
        }

        for (index, family) in families.enumerated() {
            if family != "IPv4" && family != "IPv6" {
                errors.notSupported(familiesPath.index(index), family, ["IPv4", "IPv6"])
            }
            if families[..<index].contains(family) { errors.duplicate(familiesPath.index(index), .string(family)) }
        }
        if let policy = service.ipFamilyPolicy {
            errors.oneOf(policyPath, policy, ["PreferDualStack", "RequireDualStack", "SingleStack"])
        }

        var parsed: [IPAddress] = []
        var hasInvalid = false
        for (index, text) in addresses.enumerated() {
            if index == 0 && text == "None" {
                if addresses.count > 1 {
                    hasInvalid = true
                    errors.invalid(path, JSONValue(addresses), "'None' must be the first and only value")
                }
            } else if let address = IPAddress(text), address.mappedV4 == nil {
                parsed.append(address)
            } else {
                hasInvalid = true
                errors.invalid(
                    path.index(index), .string(text),
                    IPAddress(text) == nil ? AddressMessages.address : AddressMessages.mapped)
            }
        }
        if addresses.count > 2 { errors.invalid(path, JSONValue(addresses), "may only hold up to 2 values") }
        guard !hasInvalid else { return errors }
        if parsed.count > 1 && Set(parsed.map(\.family)).count < parsed.count {
            errors.invalid(path, JSONValue(addresses), "may specify no more than one IP for each IP family")
        }
        if !service.isHeadless {
            for (index, pair) in zip(parsed, families).enumerated() {
                let expected = pair.1
                guard expected == "IPv4" || expected == "IPv6", pair.0.family.kubernetesName != expected else {
                    continue
                }
                errors.invalid(
                    path.index(index), .string(addresses[index]),
                    "expected an \(expected) value as indicated by `ipFamilies[\(index)]`")
            }
        }
        return errors
    }

    /// A second address or family may come and, with the policy SingleStack, go; the first stays for good.
    static func checkUpdate(_ service: ServiceDocument, from old: ServiceDocument) -> [FieldError] {
        guard !service.isExternalName, !old.isExternalName else { return [] }
        if service.isHeadless && old.isHeadless { return [] }
        return checkAddresses(service, old) + checkFamilies(service, old)
    }

    private static func checkAddresses(_ service: ServiceDocument, _ old: ServiceDocument) -> [FieldError] {
        var errors: [FieldError] = []
        let before = old.clusterIPs
        let after = service.clusterIPs
        let value = JSONValue(after)
        if before.count == after.count {
            for index in before.indices where before[index] != after[index] {
                errors.invalid(path.index(index), value, "may not change once set")
            }
            return errors
        }
        if after.isEmpty { errors.invalid(path.index(0), value, "primary clusterIP can not be unset") }
        if let first = before.first, let now = after.first, first != now {
            errors.invalid(path.index(0), value, "may not change once set")
        }
        if before.count > after.count && after.count == 1 && service.ipFamilyPolicy != "SingleStack" {
            errors.invalid(
                policyPath, .string(service.ipFamilyPolicy ?? ""),
                "must be set to 'SingleStack' when releasing the secondary clusterIP")
        }
        return errors
    }

    private static func checkFamilies(_ service: ServiceDocument, _ old: ServiceDocument) -> [FieldError] {
        guard !service.isHeadless, !old.isHeadless else { return [] }
        var errors: [FieldError] = []
        let before = old.ipFamilies
        let after = service.ipFamilies
        let value = JSONValue(after)
        if before.count == after.count {
            for (was, now) in zip(before, after) where was != now {
                errors.invalid(familiesPath.index(0), value, "may not change once set")
            }
            return errors
        }
        if let first = before.first, let now = after.first, first != now {
            errors.invalid(familiesPath.index(0), value, "may not change once set")
        }
        if before.count > after.count && after.count == 1 && service.ipFamilyPolicy != "SingleStack" {
            errors.invalid(
                policyPath, .string(service.ipFamilyPolicy ?? ""),
                "must be set to 'SingleStack' when releasing the secondary ipFamily")
        }
        return errors
    }
}
