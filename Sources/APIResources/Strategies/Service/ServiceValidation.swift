import KubeModel
import NetworkTypes

/// The rules of `v1.Service` (kube-apiserver's ValidateService), apart from the cluster IP fields.
struct ServiceValidation: Sendable {
    /// What external addresses may be.
    let addressRule: EndpointAddressRule

    private static let kubeletPort = 10_250
    private static let sourceRangesAnnotation = "service.beta.kubernetes.io/load-balancer-source-ranges"

    /// The paths of the fields, made once: every check of a Service would make each of them anew.
    private enum Paths {
        static let sourceRanges = FieldPath("spec").child("LoadBalancerSourceRanges")
        static let allocateLoadBalancerNodePorts = FieldPath("spec").child("allocateLoadBalancerNodePorts")
        static let clusterIPs = FieldPath("spec").child("clusterIPs")
        static let externalIPs = FieldPath("spec").child("externalIPs")
        static let externalName = FieldPath("spec").child("externalName")
        static let externalTrafficPolicy = FieldPath("spec").child("externalTrafficPolicy")
        static let healthCheckNodePort = FieldPath("spec").child("healthCheckNodePort")
        static let internalTrafficPolicy = FieldPath("spec").child("internalTrafficPolicy")
        static let ipFamilies = FieldPath("spec").child("ipFamilies")
        static let ipFamilyPolicy = FieldPath("spec").child("ipFamilyPolicy")
        static let loadBalancerClass = FieldPath("spec").child("loadBalancerClass")
        static let ports = FieldPath("spec").child("ports")
        static let selector = FieldPath("spec").child("selector")
        static let sessionAffinity = FieldPath("spec").child("sessionAffinity")
        static let sessionAffinityConfig = FieldPath("spec").child("sessionAffinityConfig")
        static let trafficDistribution = FieldPath("spec").child("trafficDistribution")
        static let type = FieldPath("spec").child("type")
    }

    func check(_ service: ServiceDocument) -> [FieldError] {
        var errors: [FieldError] = []
        let ports = service.ports
        checkTopologyAnnotations(service, &errors)
        if ports.isEmpty && !service.isHeadless && !service.isExternalName {
            errors.required(Paths.ports)
        }
        checkType(service, ports, &errors)
        var names: Set<String> = []
        for (index, port) in ports.enumerated() {
            checkPort(port, needsName: ports.count > 1, &names, Paths.ports.index(index), &errors)
        }
        if let selector = service.selector { errors += LabelRules.check(selector, Paths.selector) }
        checkAffinity(service, &errors)
        errors += ServiceClusterIPRules.check(service)
        for (index, text) in service.externalIPs.enumerated() {
            addressRule.check(text, Paths.externalIPs.index(index), &errors)
        }
        if service.type.isEmpty {
            errors.required(Paths.type)
        } else {
            errors.oneOf(
                Paths.type, service.type, ["ClusterIP", "ExternalName", "LoadBalancer", "NodePort"])
        }
        checkNumbers(service, ports, &errors)
        checkSourceRanges(service, &errors)
        checkLoadBalancerFields(service, &errors)
        checkTrafficPolicies(service, &errors)
        return errors
    }

    func checkUpdate(_ service: ServiceDocument, from old: ServiceDocument) -> [FieldError] {
        var errors = ServiceClusterIPRules.checkUpdate(service, from: old)
        if old.isLoadBalancer && service.isLoadBalancer && old.loadBalancerClass != service.loadBalancerClass {
            errors.invalid(
                Paths.loadBalancerClass, service.loadBalancerClass.map { .string($0) } ?? .null,
                "may not change once set")
        }
        return errors + check(service)
    }

    private func checkTopologyAnnotations(_ service: ServiceDocument, _ errors: inout [FieldError]) {
        let hintsKey = "service.kubernetes.io/topology-aware-hints"
        let modeKey = "service.kubernetes.io/topology-mode"
        guard let mode = service.annotations[modeKey]?.string, let hints = service.annotations[hintsKey]?.string,
            mode != hints
        else { return }
        errors.invalid(
            FieldPath("metadata").child("annotations").key(modeKey), .string(mode),
            "must match annotations[\(hintsKey)] when both are specified")
    }

    private func checkType(_ service: ServiceDocument, _ ports: [ServicePortDocument], _ errors: inout [FieldError]) {
        switch service.type {
        case "LoadBalancer", "NodePort":
            if service.isLoadBalancer {
                for (index, port) in ports.enumerated() where port.port == Self.kubeletPort {
                    errors.invalid(
                        Paths.ports.index(index), .integer(Int64(port.port)),
                        "may not expose port \(Self.kubeletPort) externally since it is used by kubelet")
                }
            }
            if service.isHeadless {
                errors.invalid(
                    Paths.clusterIPs.index(0), "None",
                    "may not be set to 'None' for \(service.type) services")
            }
        case "ExternalName":
            let message = "may not be set for ExternalName services"
            if !service.clusterIPs.isEmpty { errors.forbidden(Paths.clusterIPs, message) }
            if !service.ipFamilies.isEmpty { errors.forbidden(Paths.ipFamilies, message) }
            if service.ipFamilyPolicy != nil { errors.forbidden(Paths.ipFamilyPolicy, message) }
            let path = Paths.externalName
            let name =
                service.externalName.hasSuffix(".") ? String(service.externalName.dropLast()) : service.externalName
            if name.isEmpty {
                errors.required(path)
            } else {
                errors.invalid(path, .string(name), Validation.dns1123Subdomain(name))
            }
        default: break
        }
    }

    private func checkPort(
        _ port: ServicePortDocument, needsName: Bool, _ names: inout Set<String>, _ path: @autoclosure () -> FieldPath,
        _ errors: inout [FieldError]
    ) {
        if port.name.isEmpty {
            if needsName { errors.required(path().child("name")) }
        } else {
            errors.invalid(path().child("name"), .string(port.name), Validation.dns1123Label(port.name))
            if !names.insert(port.name).inserted { errors.duplicate(path().child("name"), .string(port.name)) }
        }
        PortRules.checkNumber(port.port, path().child("port"), &errors)
        PortRules.checkProtocol(port.protocol, path().child("protocol"), &errors)
        PortRules.checkNumberOrName(port.targetPort, path().child("targetPort"), &errors)
        if let appProtocol = port.appProtocol {
            errors.invalid(path().child("appProtocol"), .string(appProtocol), Validation.qualifiedName(appProtocol))
        }
    }

    private func checkAffinity(_ service: ServiceDocument, _ errors: inout [FieldError]) {
        let path = Paths.sessionAffinityConfig
        switch service.sessionAffinity {
        case "": errors.required(Paths.sessionAffinity)
        case "None":
            if service.sessionAffinityConfig != nil {
                errors.forbidden(path, "must not be set when session affinity is None")
            }
        case "ClientIP":
            let message = "when session affinity type is ClientIP"
            guard let config = service.sessionAffinityConfig else { return errors.required(path, message) }
            guard let clientIP = config["clientIP"]?.object else {
                return errors.required(path.child("clientIP"), message)
            }
            let timeoutPath = path.child("clientIP").child("timeoutSeconds")
            guard let timeout = clientIP["timeoutSeconds"]?.int else {
                return errors.required(timeoutPath, message)
            }
            if timeout <= 0 || timeout > 86_400 {
                errors.invalid(timeoutPath, .integer(Int64(timeout)), "must be greater than 0 and less than 86400")
            }
        default:
            errors.notSupported(Paths.sessionAffinity, service.sessionAffinity, ["ClientIP", "None"])
        }
    }

    private func checkNumbers(_ service: ServiceDocument, _ ports: [ServicePortDocument], _ errors: inout [FieldError])
    {
        struct Key: Hashable {
            var `protocol`: String
            var number: Int
        }
        let path = Paths.ports
        if service.type == "ClusterIP" {
            for (index, port) in ports.enumerated() where port.nodePort != 0 {
                errors.forbidden(path.index(index).child("nodePort"), "may not be used when `type` is 'ClusterIP'")
            }
        }
        var nodePorts: Set<Key> = []
        for (index, port) in ports.enumerated() where port.nodePort != 0 {
            if !nodePorts.insert(Key(protocol: port.protocol, number: port.nodePort)).inserted {
                errors.duplicate(path.index(index).child("nodePort"), .integer(Int64(port.nodePort)))
            }
        }
        var numbers: Set<Key> = []
        for (index, port) in ports.enumerated()
        where !numbers.insert(Key(protocol: port.protocol, number: port.port)).inserted {
            var value = JSONObject()
            value["protocol"] = .string(port.protocol)
            value["port"] = .integer(Int64(port.port))
            errors.duplicate(path.index(index), .object(value))
        }
    }

    private func checkSourceRanges(_ service: ServiceDocument, _ errors: inout [FieldError]) {
        let path: FieldPath
        var ranges: [(path: FieldPath, text: Substring)] = []
        if !service.loadBalancerSourceRanges.isEmpty {
            // Kubernetes reports this field with a capital letter.
            path = Paths.sourceRanges
            for (index, text) in service.loadBalancerSourceRanges.enumerated() {
                ranges.append((path.index(index), trimmed(text[...])))
            }
        } else if let annotation = service.annotations[Self.sourceRangesAnnotation]?.string {
            path = FieldPath("metadata").child("annotations").key(Self.sourceRangesAnnotation)
            if !trimmed(annotation[...]).isEmpty {
                ranges = annotation.split(separator: ",", omittingEmptySubsequences: false).map { (path, trimmed($0)) }
            }
        } else {
            return
        }
        if !service.isLoadBalancer { errors.forbidden(path, "may only be used when `type` is 'LoadBalancer'") }
        for range in ranges where CIDR(range.text) == nil {
            errors.invalid(range.path, .string(String(range.text)), AddressMessages.range)
        }
    }

    private func trimmed(_ text: Substring) -> Substring {
        var rest = text.unicodeScalars.drop(while: \.properties.isWhitespace)
        while rest.last?.properties.isWhitespace == true { rest.removeLast() }
        return Substring(rest)
    }

    private func checkLoadBalancerFields(_ service: ServiceDocument, _ errors: inout [FieldError]) {
        let path = Paths.allocateLoadBalancerNodePorts
        if service.allocateLoadBalancerNodePorts != nil, !service.isLoadBalancer {
            errors.forbidden(path, "may only be used when `type` is 'LoadBalancer'")
        } else if service.isLoadBalancer, service.allocateLoadBalancerNodePorts == nil {
            errors.required(path)
        }
        guard let name = service.loadBalancerClass else { return }
        let classPath = Paths.loadBalancerClass
        if service.isLoadBalancer {
            errors.invalid(classPath, .string(name), Validation.qualifiedName(name))
        } else {
            errors.forbidden(classPath, "may only be used when `type` is 'LoadBalancer'")
        }
    }

    private func checkTrafficPolicies(_ service: ServiceDocument, _ errors: inout [FieldError]) {
        let external = Paths.externalTrafficPolicy
        let policy = service.externalTrafficPolicy
        if !service.isExternallyAccessible {
            if !policy.isEmpty {
                errors.invalid(external, .string(policy), "may only be set for externally-accessible services")
            }
        } else if policy.isEmpty {
            errors.required(external)
        } else {
            errors.oneOf(external, policy, ["Cluster", "Local"])
        }
        let healthCheck = Paths.healthCheckNodePort
        let number = service.healthCheckNodePort
        if service.needsHealthCheckNodePort {
            // 0 is still to be allocated.
            if number != 0 { PortRules.checkNumber(number, healthCheck, &errors) }
        } else if number != 0 {
            errors.invalid(
                healthCheck, .integer(Int64(number)),
                "may only be set when `type` is 'LoadBalancer' and `externalTrafficPolicy` is 'Local'")
        }
        let internalPath = Paths.internalTrafficPolicy
        if let policy = service.internalTrafficPolicy {
            errors.oneOf(internalPath, policy, ["Cluster", "Local"])
        } else if ["ClusterIP", "NodePort", "LoadBalancer"].contains(service.type) {
            errors.required(internalPath)
        }
        if let distribution = service.trafficDistribution {
            errors.oneOf(
                Paths.trafficDistribution, distribution,
                ["PreferClose", "PreferSameNode", "PreferSameZone"])
        }
    }
}
