import KubeModel
import NetworkTypes

/// `v1.Endpoints`, the legacy form of endpoint slices.
struct EndpointsStrategy: ResourceStrategy {
    let definition = ResourceDefinition.builtIn(
        "", "v1", "Endpoints", "endpoints", singular: "endpoints", short: ["ep"])
    let allowsCreateOnUpdate = true
    let addressRule: EndpointAddressRule
    /// KEP-4974.
    let deprecationWarning: String? = "v1 Endpoints is deprecated in v1.33+; use discovery.k8s.io/v1 EndpointSlice"

    func prepareForCreate(_ object: inout JSONValue, _ context: StrategyContext) {
        applyDefaults(&object)
    }

    func prepareForUpdate(_ object: inout JSONValue, from old: JSONValue, _ context: StrategyContext) {
        applyDefaults(&object)
    }

    func validateCreate(_ object: JSONValue, _ context: StrategyContext) -> [FieldError] {
        check(object, addressRule.adapted(to: context))
    }

    func validateUpdate(_ object: JSONValue, from old: JSONValue, _ context: StrategyContext) -> [FieldError] {
        check(object, addressRule.adapted(to: context))
    }

    func warnings(for object: JSONValue, replacing old: JSONValue?) -> [String] {
        var warnings: [String] = []
        for (index, subset) in (object["subsets"]?.array ?? []).enumerated() {
            for key in ["addresses", "notReadyAddresses"] {
                let path = FieldPath("subsets").index(index).child(key)
                for (index, address) in (subset[key]?.array ?? []).enumerated() {
                    warnings += AddressMessages.warnings(about: address.text("ip"), path.index(index).child("ip"))
                }
            }
        }
        return warnings
    }

    private func applyDefaults(_ object: inout JSONValue) {
        guard let subsets = object["subsets"]?.array else { return }
        object["subsets"] = .array(
            subsets.map { subset in
                guard var fields = subset.object, let ports = fields["ports"]?.array else { return subset }
                fields["ports"] = .array(
                    ports.map { port in
                        guard var portFields = port.object, portFields["protocol"]?.string == nil else { return port }
                        portFields["protocol"] = "TCP"
                        return .object(portFields)
                    })
                return .object(fields)
            })
    }

    private func check(_ object: JSONValue, _ rule: EndpointAddressRule) -> [FieldError] {
        var errors: [FieldError] = []
        for (index, subset) in (object["subsets"]?.array ?? []).enumerated() {
            let path = FieldPath("subsets").index(index)
            let ready = subset["addresses"]?.array ?? []
            let notReady = subset["notReadyAddresses"]?.array ?? []
            if ready.isEmpty && notReady.isEmpty {
                errors.required(path, "must specify `addresses` or `notReadyAddresses`")
            }
            for (index, address) in ready.enumerated() {
                checkAddress(address, rule, path.child("addresses").index(index), &errors)
            }
            for (index, address) in notReady.enumerated() {
                checkAddress(address, rule, path.child("notReadyAddresses").index(index), &errors)
            }
            let ports = subset["ports"]?.array ?? []
            for (index, port) in ports.enumerated() {
                checkPort(port, needsName: ports.count > 1, path.child("ports").index(index), &errors)
            }
        }
        return errors
    }

    private func checkAddress(
        _ address: JSONValue, _ rule: EndpointAddressRule, _ path: FieldPath, _ errors: inout [FieldError]
    ) {
        rule.check(address.text("ip"), path.child("ip"), &errors)
        let hostname = address.text("hostname")
        if !hostname.isEmpty {
            errors.invalid(path.child("hostname"), .string(hostname), Validation.dns1123Label(hostname))
        }
        if let node = address["nodeName"]?.string {
            errors.invalid(path.child("nodeName"), .string(node), Validation.dns1123Subdomain(node))
        }
    }

    private func checkPort(
        _ port: JSONValue, needsName: Bool, _ path: FieldPath, _ errors: inout [FieldError]
    ) {
        let name = port.text("name")
        if name.isEmpty {
            if needsName { errors.required(path.child("name")) }
        } else {
            errors.invalid(path.child("name"), .string(name), Validation.dns1123Label(name))
        }
        PortRules.checkNumber(port["port"]?.int ?? 0, path.child("port"), &errors)
        PortRules.checkProtocol(port.text("protocol"), path.child("protocol"), &errors)
        if let appProtocol = port["appProtocol"]?.string {
            errors.invalid(path.child("appProtocol"), .string(appProtocol), Validation.qualifiedName(appProtocol))
        }
    }
}
