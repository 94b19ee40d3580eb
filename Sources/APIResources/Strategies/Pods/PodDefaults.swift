import KubeModel

/// The defaults of `v1.Pod`.
enum PodDefaults {
    static func apply(to object: inout JSONValue) {
        guard case .object(var spec)? = object["spec"] else { return }
        object["spec"] = nil
        set("enableServiceLinks", true, &spec)
        applyToSpec(&spec, isTemplate: false)
        object["spec"] = .object(spec)
    }

    /// The defaults of a template's Pods. What is derived for each Pod (requests from limits) is left to the Pods.
    static func apply(toTemplate template: inout JSONValue?) {
        guard case .object(var spec)? = template["spec"] else { return }
        template["spec"] = .null
        applyToSpec(&spec, isTemplate: true)
        template["spec"] = .object(spec)
    }

    private static func applyToSpec(_ spec: inout JSONObject, isTemplate: Bool) {
        set("restartPolicy", "Always", &spec)
        set("dnsPolicy", "ClusterFirst", &spec)
        set("schedulerName", "default-scheduler", &spec)
        set("terminationGracePeriodSeconds", 30, &spec)
        set("securityContext", [:], &spec)
        // The deprecated name of the same field.
        if let account = spec["serviceAccountName"] ?? spec["serviceAccount"], account != .null {
            spec["serviceAccountName"] = account
            spec["serviceAccount"] = account
        }
        let usesHostNetwork = spec["hostNetwork"]?.bool == true
        for key in ["initContainers", "containers", "ephemeralContainers"] {
            guard let containers = spec[key]?.array else { continue }
            spec[key] = .array(
                containers.map { value in
                    guard var container = value.object else { return value }
                    applyToContainer(&container, usesHostNetwork: usesHostNetwork, isTemplate: isTemplate)
                    return .object(container)
                })
        }
        if case .array(var volumes)? = spec["volumes"] {
            spec["volumes"] = .null
            for index in volumes.indices { applyToVolume(&volumes[index]) }
            spec["volumes"] = .array(volumes)
        }
    }

    /// A volume that says nothing about its source is an empty directory.
    private static func applyToVolume(_ volume: inout JSONValue) {
        guard let object = volume.object else { return }
        if !object.contains(where: { $0.key != "name" && $0.value != .null }) { volume["emptyDir"] = [:] }
        if object["hostPath"]?.object != nil, object["hostPath"]?["type"] == nil { volume["hostPath"]["type"] = "" }
    }

    /// Kubernetes' quality-of-service class: Guaranteed when every container's cpu and memory limits are its requests,
    /// BestEffort when none has any, else Burstable.
    static func qualityOfService(of object: JSONValue) -> String {
        let containers =
            (object["spec"]["containers"].array ?? []) + (object["spec"]["initContainers"].array ?? [])
        var hasAny = false
        var allGuaranteed = !containers.isEmpty
        for container in containers {
            for resource in ["cpu", "memory"] {
                let limit = container["resources"]["limits"][resource]
                let request = container["resources"]["requests"][resource]
                if limit != nil || request != nil { hasAny = true }
                if limit == nil || request != limit { allGuaranteed = false }
            }
        }
        return !hasAny ? "BestEffort" : allGuaranteed ? "Guaranteed" : "Burstable"
    }

    private static func applyToContainer(
        _ container: inout JSONObject, usesHostNetwork: Bool, isTemplate: Bool
    ) {
        set("terminationMessagePath", "/dev/termination-log", &container)
        set("terminationMessagePolicy", "File", &container)
        set("imagePullPolicy", .string(pullPolicy(container["image"]?.string ?? "")), &container)
        for key in ["limits", "requests"] where container["resources"]?[key] != nil {
            ResourceRules.canonicalize(&container["resources"][key])
        }
        if !isTemplate, let limits = container["resources"]?["limits"]?.object {
            var requests = container["resources"]?["requests"]?.object ?? JSONObject()
            for (name, limit) in limits where requests[name] == nil { requests[name] = limit }
            container["resources"]["requests"] = .object(requests)
        }
        set("resources", [:], &container)
        if let ports = container["ports"]?.array {
            container["ports"] = .array(
                ports.map { value in
                    guard var port = value.object else { return value }
                    set("protocol", "TCP", &port)
                    if usesHostNetwork, port["hostPort"]?.int ?? 0 == 0 { port["hostPort"] = port["containerPort"] }
                    return .object(port)
                })
        }
        for key in ["livenessProbe", "readinessProbe", "startupProbe"] {
            guard var probe = container[key]?.object else { continue }
            applyToProbe(&probe)
            container[key] = .object(probe)
        }
    }

    private static func applyToProbe(_ probe: inout JSONObject) {
        for (key, value) in [
            ("timeoutSeconds", 1), ("periodSeconds", 10), ("successThreshold", 1), ("failureThreshold", 3),
        ]
        where probe[key]?.int ?? 0 == 0 {
            probe[key] = .integer(Int64(value))
        }
        if var request = probe["httpGet"]?.object {
            set("path", "/", &request)
            set("scheme", "HTTP", &request)
            probe["httpGet"] = .object(request)
        }
    }

    /// Always for the tag `latest`, which an image without tag and digest has.
    private static func pullPolicy(_ image: String) -> String {
        if image.utf8.contains(UInt8(ascii: "@")) { return "IfNotPresent" }
        let last = image.split(separator: "/").last ?? ""
        let parts = last.split(separator: ":", maxSplits: 1)
        return parts.count < 2 || parts[1] == "latest" ? "Always" : "IfNotPresent"
    }

    private static func set(_ key: String, _ value: JSONValue, _ fields: inout JSONObject) {
        if fields[key] == nil || fields[key] == .null || fields[key] == "" { fields[key] = value }
    }
}
