import KubeModel
import NetworkTypes

/// The rules of `v1.Pod` that concern traffic, and what may change.
enum PodRules {
    private static let spec = FieldPath("spec")
    private static let changeable =
        "pod updates may not change fields other than `spec.containers[*].image`,`spec.initContainers[*].image`,"
        + "`spec.activeDeadlineSeconds`,`spec.tolerations` (only additions to existing tolerations),"
        + "`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)"

    static func check(_ object: JSONValue) -> [FieldError] {
        var errors: [FieldError] = []
        let fields = object["spec"]?.object ?? JSONObject()
        var names: Set<String> = []
        let containers = fields["containers"]?.array ?? []
        if containers.isEmpty { errors.required(spec.child("containers")) }
        for (index, container) in containers.enumerated() {
            checkContainer(container, &names, spec.child("containers").index(index), &errors)
        }
        for (index, container) in (fields["initContainers"]?.array ?? []).enumerated() {
            checkContainer(container, &names, spec.child("initContainers").index(index), &errors)
        }
        errors.oneOf(
            spec.child("restartPolicy"), fields["restartPolicy"]?.string ?? "", ["Always", "Never", "OnFailure"])
        checkDNS(fields, &errors)
        if let seconds = fields["terminationGracePeriodSeconds"], seconds.int ?? 0 < 0 {
            errors.invalid(
                spec.child("terminationGracePeriodSeconds"), seconds, "must be greater than or equal to 0")
        }
        if let seconds = fields["activeDeadlineSeconds"], seconds != .null,
            !(1...Int(Int32.max)).contains(seconds.int ?? 0)
        {
            errors.invalid(
                spec.child("activeDeadlineSeconds"), seconds, "must be between 1 and 2147483647, inclusive")
        }
        for key in ["nodeName", "serviceAccountName"] {
            let text = fields[key]?.string ?? ""
            if !text.isEmpty { errors.invalid(spec.child(key), .string(text), Validation.dns1123Subdomain(text)) }
        }
        for key in ["hostname", "subdomain"] {
            let text = fields[key]?.string ?? ""
            if !text.isEmpty { errors.invalid(spec.child(key), .string(text), Validation.dns1123Label(text)) }
        }
        for (index, gate) in (fields["readinessGates"]?.array ?? []).enumerated() {
            let type = gate.text("conditionType")
            errors.invalid(
                spec.child("readinessGates").index(index).child("conditionType"), .string(type),
                Validation.qualifiedName(type))
        }
        if let selector = fields["nodeSelector"]?.object {
            errors += LabelRules.check(selector, spec.child("nodeSelector"))
        }
        return errors
    }

    static func checkUpdate(_ object: JSONValue, from old: JSONValue) -> [FieldError] {
        var errors = check(object)
        for key in ["containers", "initContainers"] {
            let before = old["spec"][key].array ?? []
            let after = object["spec"][key].array ?? []
            guard before.count == after.count else {
                errors.forbidden(
                    spec.child(key),
                    key == "containers"
                        ? "pod updates may not add or remove containers"
                        : "pod updates may not add or remove initContainers")
                return errors
            }
            for (index, container) in after.enumerated() where container.text("image").isEmpty {
                errors.required(spec.child(key).index(index).child("image"))
            }
        }
        checkDeadline(object, old, &errors)
        checkTolerations(object, old, &errors)
        if comparable(object, like: old) != comparable(old, like: old) { errors.forbidden(spec, changeable) }
        return errors
    }

    static func checkStatus(_ object: JSONValue) -> [FieldError] {
        var errors: [FieldError] = []
        let path = FieldPath("status").child("podIPs")
        let texts = (object["status"]["podIPs"].array ?? []).map { $0.text("ip") }
        for (index, text) in texts.enumerated() where IPAddress(text) == nil {
            errors.invalid(path.index(index).child("ip"), .string(text), AddressMessages.address)
        }
        for (index, text) in texts.enumerated() where texts[..<index].contains(text) {
            errors.duplicate(path.index(index), .object(["ip": .string(text)]))
        }
        let families = texts.compactMap { IPAddress($0)?.family }
        if texts.count > 2 || texts.count == 2 && families.count == 2 && families[0] == families[1] {
            errors.invalid(
                path, JSONValue(texts), "may specify no more than one IP for each IP family")
        }
        return errors
    }

    private static func checkContainer(
        _ container: JSONValue, _ names: inout Set<String>, _ path: FieldPath, _ errors: inout [FieldError]
    ) {
        let name = container.text("name")
        if name.isEmpty {
            errors.required(path.child("name"))
        } else {
            errors.invalid(path.child("name"), .string(name), Validation.dns1123Label(name))
            if !names.insert(name).inserted { errors.duplicate(path.child("name"), .string(name)) }
        }
        let image = container.text("image")
        if image.isEmpty {
            errors.required(path.child("image"))
        } else if image.first?.isWhitespace == true || image.last?.isWhitespace == true {
            errors.invalid(path.child("image"), .string(image), "must not have leading or trailing whitespace")
        }
        checkPorts(container["ports"]?.array ?? [], path.child("ports"), &errors)
        for key in ["livenessProbe", "readinessProbe", "startupProbe"] {
            guard let probe = container.at(key) else { continue }
            checkProbe(probe, mustSucceedOnce: key != "readinessProbe", path.child(key), &errors)
        }
        errors.oneOf(
            path.child("imagePullPolicy"), container.text("imagePullPolicy"), ["Always", "IfNotPresent", "Never"])
    }

    private static func checkPorts(_ ports: [JSONValue], _ path: FieldPath, _ errors: inout [FieldError]) {
        var names: Set<String> = []
        for (index, port) in ports.enumerated() {
            let portPath = path.index(index)
            let name = port.text("name")
            if !name.isEmpty {
                let problems = Validation.portName(name)
                errors.invalid(portPath.child("name"), .string(name), problems)
                if problems.isEmpty, !names.insert(name).inserted {
                    errors.duplicate(portPath.child("name"), .string(name))
                }
            }
            if let number = port.at("containerPort")?.int, number != 0 {
                PortRules.checkNumber(number, portPath.child("containerPort"), &errors)
            } else {
                errors.required(portPath.child("containerPort"))
            }
            if let number = port.at("hostPort")?.int, number != 0 {
                PortRules.checkNumber(number, portPath.child("hostPort"), &errors)
            }
            PortRules.checkProtocol(port.text("protocol"), portPath.child("protocol"), &errors)
        }
    }

    private static func checkProbe(
        _ probe: JSONValue, mustSucceedOnce: Bool, _ path: FieldPath, _ errors: inout [FieldError]
    ) {
        var handlers = 0
        for key in ["exec", "httpGet", "tcpSocket", "grpc"] {
            guard let handler = probe.at(key) else { continue }
            handlers += 1
            guard handlers == 1 else {
                errors.forbidden(path.child(key), "may not specify more than 1 handler type")
                continue
            }
            checkHandler(handler, key, path.child(key), &errors)
        }
        if handlers == 0 { errors.required(path, "must specify a handler type") }
        for key in [
            "initialDelaySeconds", "timeoutSeconds", "periodSeconds", "successThreshold", "failureThreshold",
        ] {
            if let value = probe.at(key), value.int ?? 0 < 0 {
                errors.invalid(path.child(key), value, "must be greater than or equal to 0")
            }
        }
        if mustSucceedOnce, let threshold = probe.at("successThreshold"), threshold.int != 1 {
            errors.invalid(path.child("successThreshold"), threshold, "must be 1")
        }
    }

    private static func checkHandler(
        _ handler: JSONValue, _ key: String, _ path: FieldPath, _ errors: inout [FieldError]
    ) {
        switch key {
        case "exec":
            if handler["command"]?.array?.isEmpty ?? true { errors.required(path.child("command")) }
        case "httpGet":
            if handler.text("path").isEmpty { errors.required(path.child("path")) }
            PortRules.checkNumberOrName(handler["port"], path.child("port"), &errors)
            errors.oneOf(path.child("scheme"), handler.text("scheme"), ["HTTP", "HTTPS"])
        case "tcpSocket": PortRules.checkNumberOrName(handler["port"], path.child("port"), &errors)
        default: PortRules.checkNumber(handler["port"]?.int ?? 0, path.child("port"), &errors)
        }
    }

    private static func checkDNS(_ fields: JSONObject, _ errors: inout [FieldError]) {
        let policy = fields["dnsPolicy"]?.string ?? ""
        errors.oneOf(
            spec.child("dnsPolicy"), policy, ["ClusterFirst", "ClusterFirstWithHostNet", "Default", "None"])
        let servers = fields["dnsConfig"]?["nameservers"]?.array ?? []
        let path = spec.child("dnsConfig").child("nameservers")
        if policy == "None" && servers.isEmpty {
            errors.required(path, "must provide at least one DNS nameserver when `dnsPolicy` is None")
        }
        for (index, server) in servers.enumerated() where IPAddress(server.string ?? "") == nil {
            errors.invalid(path.index(index), server, AddressMessages.address)
        }
    }

    private static func checkDeadline(_ object: JSONValue, _ old: JSONValue, _ errors: inout [FieldError]) {
        guard let before = old.at("spec", "activeDeadlineSeconds")?.int else { return }
        let path = spec.child("activeDeadlineSeconds")
        guard let value = object.at("spec", "activeDeadlineSeconds") else {
            return errors.invalid(path, .null, "must not update from a positive integer to nil value")
        }
        if value.int ?? 0 > before {
            errors.invalid(path, value, "must be less than or equal to previous value")
        }
    }

    private static func checkTolerations(_ object: JSONValue, _ old: JSONValue, _ errors: inout [FieldError]) {
        let kept = Set(object["spec"]["tolerations"].array ?? [])
        if !(old["spec"]["tolerations"].array ?? []).allSatisfy({ kept.contains($0) }) {
            errors.forbidden(
                spec.child("tolerations"), "existing toleration can not be modified except its tolerationSeconds")
        }
    }

    /// The spec with everything that may change set to what it was.
    private static func comparable(_ object: JSONValue, like old: JSONValue) -> JSONObject {
        var fields = object["spec"]?.object ?? JSONObject()
        fields["activeDeadlineSeconds"] = nil
        fields["tolerations"] = nil
        if old["spec"]["terminationGracePeriodSeconds"].int ?? 0 < 0 { fields["terminationGracePeriodSeconds"] = nil }
        for key in ["containers", "initContainers"] {
            guard let containers = fields[key]?.array else { continue }
            fields[key] = .array(
                containers.map { value in
                    guard var container = value.object else { return value }
                    container["image"] = nil
                    // Derived from the image where it was not given.
                    container["imagePullPolicy"] = nil
                    return .object(container)
                })
        }
        return fields
    }
}
