import KubeModel
import NetworkTypes

/// The rules of `v1.PodSpec`, for Pods and for the templates of workloads (kube-apiserver's ValidatePodSpec).
struct PodSpecRules {
    /// "spec" of a Pod, "spec.template.spec" of a workload.
    let path: FieldPath

    private static let restartPolicies = ["Always", "Never", "OnFailure"]

    func check(_ spec: JSONValue?, _ errors: inout [FieldError]) {
        let fields = spec?.object ?? JSONObject()
        let volumes = VolumeRules.check(fields["volumes"]?.array ?? [], path.child("volumes"), &errors)
        let usesHostNetwork = fields["hostNetwork"]?.bool == true
        var containers = ContainerRules(volumes: volumes, usesHostNetwork: usesHostNetwork)
        let list = fields["containers"]?.array ?? []
        if list.isEmpty { errors.required(path.child("containers")) }
        for (index, container) in list.enumerated() {
            containers.check(container, path.child("containers").index(index), &errors)
        }
        containers.forgetHostPorts()
        for (index, container) in (fields["initContainers"]?.array ?? []).enumerated() {
            containers.checkInit(container, path.child("initContainers").index(index), &errors)
            containers.forgetHostPorts()
        }
        let added = fields["ephemeralContainers"]?.array ?? []
        let others = added.isEmpty ? [] : containers.namesSoFar
        for (index, container) in added.enumerated() {
            let path = path.child("ephemeralContainers").index(index)
            containers.checkEphemeral(container, path, &errors)
            EphemeralContainerRules.check(container, path, others: others, &errors)
        }
        errors.oneOf(path.child("restartPolicy"), fields["restartPolicy"]?.string ?? "", Self.restartPolicies)
        checkDNS(fields, &errors)
        checkDeadlines(fields, &errors)
        checkNames(fields, &errors)
        for (index, gate) in (fields["readinessGates"]?.array ?? []).enumerated() {
            let type = gate.text("conditionType")
            errors.invalid(
                path.child("readinessGates").index(index).child("conditionType"), .string(type),
                Validation.qualifiedName(type))
        }
        if let selector = fields["nodeSelector"]?.object {
            errors += LabelRules.check(selector, path.child("nodeSelector"))
        }
        SchedulingRules(path: path).check(fields, &errors)
        if let system = fields["os"], system != .null { SecurityRules.checkSystem(system, path.child("os"), &errors) }
        checkSecurity(fields, &errors)
        for (index, alias) in (fields["hostAliases"]?.array ?? []).enumerated() {
            checkAlias(alias, path.child("hostAliases").index(index), &errors)
        }
        if let overhead = fields["overhead"]?.object {
            ResourceRules.check(overhead, path.child("overhead"), &errors)
        }
    }

    private func checkDeadlines(_ fields: JSONObject, _ errors: inout [FieldError]) {
        errors.nonnegative(path.child("terminationGracePeriodSeconds"), fields["terminationGracePeriodSeconds"])
        if let seconds = fields["activeDeadlineSeconds"], seconds != .null,
            !(1...Int(Int32.max)).contains(seconds.int ?? 0)
        {
            errors.invalid(
                path.child("activeDeadlineSeconds"), seconds, "must be between 1 and 2147483647, inclusive")
        }
    }

    private func checkNames(_ fields: JSONObject, _ errors: inout [FieldError]) {
        for key in ["nodeName", "serviceAccountName", "priorityClassName", "runtimeClassName"] {
            let text = fields[key]?.string ?? ""
            if !text.isEmpty { errors.invalid(path.child(key), .string(text), Validation.dns1123Subdomain(text)) }
        }
        for key in ["hostname", "subdomain"] {
            let text = fields[key]?.string ?? ""
            if !text.isEmpty { errors.invalid(path.child(key), .string(text), Validation.dns1123Label(text)) }
        }
        if let policy = fields["preemptionPolicy"]?.string, !policy.isEmpty {
            errors.oneOf(path.child("preemptionPolicy"), policy, ["Never", "PreemptLowerPriority"])
        }
    }

    private func checkSecurity(_ fields: JSONObject, _ errors: inout [FieldError]) {
        guard let context = fields["securityContext"]?.object else { return }
        let path = path.child("securityContext")
        for key in ["runAsUser", "runAsGroup", "fsGroup"] {
            ContainerRules.checkIdentity(context[key], path.child(key), &errors)
        }
        for (index, group) in (context["supplementalGroups"]?.array ?? []).enumerated() {
            ContainerRules.checkIdentity(group, path.child("supplementalGroups").index(index), &errors)
        }
        SecurityRules.checkProfiles(.object(context), path, &errors)
        SecurityRules.checkSysctls(context["sysctls"]?.array ?? [], path.child("sysctls"), &errors)
        if let policy = context["fsGroupChangePolicy"]?.string {
            errors.oneOf(path.child("fsGroupChangePolicy"), policy, ["Always", "OnRootMismatch"])
        }
    }

    private func checkAlias(_ alias: JSONValue, _ path: FieldPath, _ errors: inout [FieldError]) {
        let address = alias.text("ip")
        if IPAddress(address) == nil { errors.invalid(path.child("ip"), .string(address), AddressMessages.address) }
        for (index, name) in (alias["hostnames"]?.array ?? []).enumerated() {
            let text = name.string ?? ""
            errors.invalid(path.child("hostnames").index(index), name, Validation.dns1123Subdomain(text))
        }
    }

    private func checkDNS(_ fields: JSONObject, _ errors: inout [FieldError]) {
        let policy = fields["dnsPolicy"]?.string ?? ""
        errors.oneOf(
            path.child("dnsPolicy"), policy, ["ClusterFirst", "ClusterFirstWithHostNet", "Default", "None"])
        let servers = fields["dnsConfig"]?["nameservers"]?.array ?? []
        let path = path.child("dnsConfig").child("nameservers")
        if policy == "None" && servers.isEmpty {
            errors.required(path, "must provide at least one DNS nameserver when `dnsPolicy` is None")
        }
        if servers.count > 3 { errors.tooMany(path, servers.count, 3) }
        for (index, server) in servers.enumerated() where IPAddress(server.string ?? "") == nil {
            errors.invalid(path.index(index), server, AddressMessages.address)
        }
    }
}
