import KubeModel

/// The rules of containers, one after the other: names are unique in the Pod, host ports among those that run together.
struct ContainerRules {
    /// The names of the Pod's volumes, each with whether it is a claim.
    let volumes: [String: Bool]
    let usesHostNetwork: Bool
    private var names: Set<String> = []
    private var hostPorts: Set<String> = []

    private static let probes = ["livenessProbe", "readinessProbe", "startupProbe"]

    init(volumes: [String: Bool], usesHostNetwork: Bool) {
        self.volumes = volumes
        self.usesHostNetwork = usesHostNetwork
    }

    /// Init containers run one after the other, so they may use the same ports.
    mutating func forgetHostPorts() { hostPorts = [] }

    mutating func check(_ container: JSONValue, _ path: FieldPath, _ errors: inout [FieldError]) {
        checkShared(container, path, &errors)
        checkRunning(container, path, &errors)
    }

    /// An init container has probes and hooks only when it goes on running beside the others.
    mutating func checkInit(_ container: JSONValue, _ path: FieldPath, _ errors: inout [FieldError]) {
        checkShared(container, path, &errors)
        let policy = container.text("restartPolicy")
        if !policy.isEmpty { errors.oneOf(path.child("restartPolicy"), policy, ["Always", "Never", "OnFailure"]) }
        if policy == "Always" { return checkRunning(container, path, &errors) }
        for key in ["lifecycle"] + Self.probes where container.at(key) != nil {
            errors.forbidden(path.child(key), "may not be set for init containers without restartPolicy=Always")
        }
    }

    /// What containers for diagnosis share with all others.
    mutating func checkEphemeral(_ container: JSONValue, _ path: FieldPath, _ errors: inout [FieldError]) {
        checkShared(container, path, &errors)
    }

    /// The names of the containers that were checked.
    var namesSoFar: Set<ByteKey> { Set(names.map { ByteKey($0) }) }

    private mutating func checkShared(_ container: JSONValue, _ path: FieldPath, _ errors: inout [FieldError]) {
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
        EnvironmentRules.check(container, path, &errors)
        checkMounts(container["volumeMounts"]?.array ?? [], path.child("volumeMounts"), &errors)
        checkDevices(container["volumeDevices"]?.array ?? [], path.child("volumeDevices"), &errors)
        errors.oneOf(
            path.child("imagePullPolicy"), container.text("imagePullPolicy"), ["Always", "IfNotPresent", "Never"])
        if let policy = container["terminationMessagePolicy"]?.string, !policy.isEmpty {
            errors.oneOf(path.child("terminationMessagePolicy"), policy, ["FallbackToLogsOnError", "File"])
        }
        if let resources = container["resources"] {
            ResourceRules.checkRequirements(resources, path.child("resources"), &errors)
        }
        checkResizing(container["resizePolicy"]?.array ?? [], path.child("resizePolicy"), &errors)
        checkSecurity(container["securityContext"], path.child("securityContext"), &errors)
    }

    private func checkRunning(_ container: JSONValue, _ path: FieldPath, _ errors: inout [FieldError]) {
        for key in ["postStart", "preStop"] {
            guard let handler = container.at("lifecycle", key) else { continue }
            ProbeRules.checkHandlers(
                handler, ["exec", "httpGet", "tcpSocket", "sleep"], path.child("lifecycle").child(key), &errors)
        }
        for key in Self.probes {
            guard let probe = container.at(key) else { continue }
            ProbeRules.check(probe, mustSucceedOnce: key != "readinessProbe", path.child(key), &errors)
        }
    }

    private mutating func checkPorts(_ ports: [JSONValue], _ path: FieldPath, _ errors: inout [FieldError]) {
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
            let number = port.at("containerPort")?.int ?? 0
            if number == 0 {
                errors.required(portPath.child("containerPort"))
            } else {
                PortRules.checkNumber(number, portPath.child("containerPort"), &errors)
            }
            let hostPort = port.at("hostPort")?.int ?? 0
            if hostPort != 0 {
                PortRules.checkNumber(hostPort, portPath.child("hostPort"), &errors)
                let key = "\(port.text("protocol"))/\(port.text("hostIP"))/\(hostPort)"
                if !hostPorts.insert(key).inserted { errors.duplicate(portPath.child("hostPort"), .string(key)) }
            }
            PortRules.checkProtocol(port.text("protocol"), portPath.child("protocol"), &errors)
            if usesHostNetwork, hostPort != number {
                errors.invalid(
                    portPath.child("containerPort"), .integer(Int64(number)),
                    "must match `hostPort` when `hostNetwork` is true")
            }
        }
    }

    private func checkMounts(_ mounts: [JSONValue], _ path: FieldPath, _ errors: inout [FieldError]) {
        var places: Set<String> = []
        for (index, mount) in mounts.enumerated() {
            let path = path.index(index)
            let name = mount.text("name")
            if name.isEmpty {
                errors.required(path.child("name"))
            } else if volumes[name] == nil {
                errors.append(.notFound(path.child("name"), .string(name)))
            }
            let place = mount.text("mountPath")
            if place.isEmpty {
                errors.required(path.child("mountPath"))
            } else if !places.insert(place).inserted {
                errors.invalid(path.child("mountPath"), .string(place), "must be unique")
            }
            let subPath = mount.text("subPath")
            let expression = mount.text("subPathExpr")
            VolumeRules.checkDescendingPath(subPath, path.child("subPath"), &errors)
            if !expression.isEmpty, !subPath.isEmpty {
                errors.invalid(
                    path.child("subPathExpr"), .string(expression), "subPathExpr and subPath are mutually exclusive")
            }
            VolumeRules.checkDescendingPath(expression, path.child("subPathExpr"), &errors)
            if let propagation = mount["mountPropagation"]?.string {
                errors.oneOf(
                    path.child("mountPropagation"), propagation, ["Bidirectional", "HostToContainer", "None"])
            }
        }
    }

    private func checkDevices(_ devices: [JSONValue], _ path: FieldPath, _ errors: inout [FieldError]) {
        for (index, device) in devices.enumerated() {
            let path = path.index(index)
            let name = device.text("name")
            if name.isEmpty {
                errors.required(path.child("name"))
            } else if let isClaim = volumes[name] {
                if !isClaim {
                    errors.invalid(
                        path.child("name"), .string(name),
                        "can only use volume source type of PersistentVolumeClaim or Ephemeral for block mode")
                }
            } else {
                errors.append(.notFound(path.child("name"), .string(name)))
            }
            if device.text("devicePath").isEmpty { errors.required(path.child("devicePath")) }
        }
    }

    private func checkResizing(_ policies: [JSONValue], _ path: FieldPath, _ errors: inout [FieldError]) {
        var names: Set<ByteKey> = []
        for (index, policy) in policies.enumerated() {
            let name = policy.text("resourceName")
            let restart = policy.text("restartPolicy")
            if !names.insert(ByteKey(name)).inserted { errors.duplicate(path.index(index), .string(name)) }
            if name.isEmpty { errors.required(path) } else { errors.oneOf(path, name, ["cpu", "memory"]) }
            if restart.isEmpty {
                errors.required(path)
            } else {
                errors.oneOf(path, restart, ["NotRequired", "RestartContainer"])
            }
        }
    }

    private func checkSecurity(_ context: JSONValue?, _ path: FieldPath, _ errors: inout [FieldError]) {
        guard let context, context != .null else { return }
        SecurityRules.checkProfiles(context, path, &errors)
        Self.checkIdentity(context["runAsUser"], path.child("runAsUser"), &errors)
        Self.checkIdentity(context["runAsGroup"], path.child("runAsGroup"), &errors)
        if context["allowPrivilegeEscalation"]?.bool == false, context["privileged"]?.bool == true {
            errors.invalid(
                path, context, "cannot set `allowPrivilegeEscalation` to false and `privileged` to true")
        }
    }

    /// A user or group number.
    static func checkIdentity(_ value: JSONValue?, _ path: FieldPath, _ errors: inout [FieldError]) {
        guard let value, let number = value.int, !(0...Int(Int32.max)).contains(number) else { return }
        errors.invalid(path, value, "must be between 0 and 2147483647, inclusive")
    }
}
