import KubeModel
import NetworkTypes

/// `discovery.k8s.io/v1 EndpointSlice`.
struct EndpointSliceStrategy: ResourceStrategy {
    let definition = ResourceDefinition.builtIn(
        "discovery.k8s.io", "v1", "EndpointSlice", "endpointslices")
    let generationRule = GenerationRule.contentAndLabels
    let addressRule: EndpointAddressRule

    private static let maxEndpoints = 1000
    private static let maxAddresses = 100
    /// The API reference still says 100; kube-apiserver has accepted 20,000 since 1.21.
    private static let maxPorts = 20_000
    private static let maxHints = 8

    func prepareForCreate(_ object: inout JSONValue, _ context: StrategyContext) {
        prepare(&object)
    }

    func prepareForUpdate(_ object: inout JSONValue, from old: JSONValue, _ context: StrategyContext) {
        prepare(&object)
    }

    func validateCreate(_ object: JSONValue, _ context: StrategyContext) -> [FieldError] {
        check(object, addressRule.adapted(to: context))
    }

    func validateUpdate(_ object: JSONValue, from old: JSONValue, _ context: StrategyContext) -> [FieldError] {
        var errors = check(object, addressRule.adapted(to: context))
        errors.immutable(FieldPath("addressType"), object["addressType"], old["addressType"])
        return errors
    }

    func warnings(for object: JSONValue, replacing old: JSONValue?) -> [String] {
        var warnings: [String] = []
        if old == nil, object.text("addressType") == "FQDN" {
            warnings.append("spec.addressType: FQDN endpoints are deprecated")
        }
        // Controllers write canonical addresses.
        let manager = object.text("metadata", "labels", "endpointslice.kubernetes.io/managed-by")
        guard !Self.controllers.contains(manager) else { return warnings }
        // Others are canonical when they are valid.
        guard object.text("addressType") == "IPv6" else { return warnings }
        for (index, endpoint) in (object["endpoints"]?.array ?? []).enumerated() {
            let path = FieldPath("endpoints").index(index).child("addresses")
            for (index, address) in (endpoint["addresses"]?.array ?? []).enumerated() {
                warnings += AddressMessages.warnings(about: address.string ?? "", path.index(index))
            }
        }
        return warnings
    }

    private static let controllers: Set<String> = [
        "endpointslice-controller.k8s.io", "endpointslicemirroring-controller.k8s.io",
    ]

    private func prepare(_ object: inout JSONValue) {
        // The v1 API only shows what older versions wrote there.
        if let endpoints = object["endpoints"]?.array, endpoints.contains(where: { $0["deprecatedTopology"] != nil }) {
            object["endpoints"] = .array(
                endpoints.map { endpoint in
                    var endpoint = endpoint
                    endpoint["deprecatedTopology"] = nil
                    return endpoint
                })
        }
        applyPortDefaults(&object)
    }

    private func applyPortDefaults(_ object: inout JSONValue) {
        guard let ports = object["ports"]?.array, ports.contains(where: Self.lacksDefaults) else { return }
        object["ports"] = .array(
            ports.map { port in
                guard var fields = port.object else { return port }
                if fields["name"]?.string == nil { fields["name"] = "" }
                if fields["protocol"]?.string == nil { fields["protocol"] = "TCP" }
                return .object(fields)
            })
    }

    private static func lacksDefaults(_ port: JSONValue) -> Bool {
        port["name"]?.string == nil || port["protocol"]?.string == nil
    }

    private func check(_ object: JSONValue, _ rule: EndpointAddressRule) -> [FieldError] {
        var errors: [FieldError] = []
        let type = object.text("addressType")
        if type.isEmpty {
            errors.required(FieldPath("addressType"))
        } else {
            errors.oneOf(FieldPath("addressType"), type, ["FQDN", "IPv4", "IPv6"])
        }
        checkEndpoints(object["endpoints"]?.array ?? [], type, rule, &errors)
        checkPorts(object["ports"]?.array ?? [], &errors)
        return errors
    }

    private func checkEndpoints(
        _ endpoints: [JSONValue], _ type: String, _ rule: EndpointAddressRule, _ errors: inout [FieldError]
    ) {
        let path = FieldPath("endpoints")
        guard endpoints.count <= Self.maxEndpoints else {
            return errors.tooMany(path, endpoints.count, Self.maxEndpoints)
        }
        for (index, endpoint) in endpoints.enumerated() {
            // There are many, and nearly all are right: no path is made before it is needed.
            func at(_ name: String) -> FieldPath { path.index(index).child(name) }
            checkAddresses(endpoint["addresses"]?.array ?? [], type, rule, at("addresses"), &errors)
            if let node = endpoint["nodeName"]?.string {
                errors.invalid(at("nodeName"), .string(node), Validation.dns1123Subdomain(node))
            }
            if let hostname = endpoint["hostname"]?.string {
                errors.invalid(at("hostname"), .string(hostname), Validation.dns1123Label(hostname))
            }
            if let hints = endpoint.at("hints") {
                checkHints(hints["forZones"]?.array ?? [], at("hints").child("forZones"), &errors) {
                    Validation.labelValue($0)
                }
                checkHints(hints["forNodes"]?.array ?? [], at("hints").child("forNodes"), &errors) {
                    Validation.dns1123Subdomain($0)
                }
            }
        }
    }

    private func checkAddresses(
        _ addresses: [JSONValue], _ type: String, _ rule: EndpointAddressRule, _ path: @autoclosure () -> FieldPath,
        _ errors: inout [FieldError]
    ) {
        if addresses.isEmpty { errors.required(path(), "must contain at least 1 address") }
        if addresses.count > Self.maxAddresses { errors.tooMany(path(), addresses.count, Self.maxAddresses) }
        for (index, value) in addresses.enumerated() {
            let text = value.string ?? ""
            switch type {
            case "IPv4", "IPv6":
                let address = IPAddress(text)
                // A mapped address is an IPv4 one to Go.
                let family = address?.mappedV4 == nil ? address?.family : .v4
                if family?.kubernetesName != type {
                    errors.invalid(path().index(index), value, "must be a valid \(type) address")
                }
                rule.check(address, text, path().index(index), &errors)
            case "FQDN": checkDomain(text, path().index(index), &errors)
            default: break
            }
        }
    }

    private func checkDomain(_ text: String, _ path: FieldPath, _ errors: inout [FieldError]) {
        guard !text.isEmpty else { return errors.required(path) }
        let name = text.hasSuffix(".") ? String(text.dropLast()) : text
        let problems = Validation.dns1123Subdomain(name)
        guard problems.isEmpty else { return errors.invalid(path, .string(name), problems) }
        if !name.utf8.contains(UInt8(ascii: ".")) {
            errors.invalid(
                path, .string(name), "should be a domain with at least two segments separated by dots")
        }
        for label in name.split(separator: ".") where label.utf8.count > 63 {
            errors.invalid(path, .string(String(label)), "must be no more than 63 characters")
        }
    }

    private func checkHints(
        _ hints: [JSONValue], _ path: FieldPath, _ errors: inout [FieldError], _ problems: (String) -> [String]
    ) {
        guard hints.count <= Self.maxHints else { return errors.tooMany(path, hints.count, Self.maxHints) }
        var names: Set<String> = []
        for (index, hint) in hints.enumerated() {
            let name = hint.text("name")
            let namePath = path.index(index).child("name")
            if !names.insert(name).inserted { errors.duplicate(namePath, .string(name)) }
            errors.invalid(namePath, .string(name), problems(name))
        }
    }

    private func checkPorts(_ ports: [JSONValue], _ errors: inout [FieldError]) {
        let path = FieldPath("ports")
        guard ports.count <= Self.maxPorts else { return errors.tooMany(path, ports.count, Self.maxPorts) }
        var names: Set<String> = []
        for (index, port) in ports.enumerated() {
            func at(_ name: String) -> FieldPath { path.index(index).child(name) }
            let name = port.text("name")
            if !name.isEmpty { errors.invalid(at("name"), .string(name), Validation.dns1123Label(name)) }
            if !names.insert(name).inserted { errors.duplicate(at("name"), .string(name)) }
            PortRules.checkProtocol(port.text("protocol"), at("protocol"), &errors)
            if let number = port.at("port") {
                PortRules.checkNumber(number.int ?? 0, at("port"), &errors)
            }
            if let appProtocol = port["appProtocol"]?.string {
                errors.invalid(at("appProtocol"), .string(appProtocol), Validation.qualifiedName(appProtocol))
            }
        }
    }
}
