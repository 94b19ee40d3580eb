import APIResources
import KubeModel
import NetworkTypes
import WatchCache

/// Finds where a request to `proxy` goes (Kubernetes: `ResourceLocation` of Services and Pods). Nothing but Pods is ever
/// reached: a Service's endpoints count when they name a Pod of the Service's namespace that has that address. Whoever may
/// write endpoints can so not have the server ask any other host in its own name.
struct ProxyLocator: Sendable {
    let resources: ServedResources
    let rule: EndpointAddressRule
    /// A number below the given one, which is above 0: where among equals to begin.
    let choose: @Sendable (Int) -> Int

    /// - Parameter name: what the path names, undivided.
    func destination(of resource: ResourceDefinition, namespace: String, name: String) throws(Status)
        -> ProxyDestination
    {
        guard let target = ProxyTarget(name) else {
            throw .badRequest("invalid \(resource.kind.lowercased()) request \(goQuoted(name))")
        }
        return resource.plural == "pods"
            ? try pod(target, namespace) : try service(target, namespace, asked: name)
    }

    // MARK: Pods

    private func pod(_ target: ProxyTarget, _ namespace: String) throws(Status) -> ProxyDestination {
        let pod = try object("pods", namespace, target.name)
        guard let address = IPAddress(Self.addresses(of: pod).first ?? ""), rule.allows(address) else {
            throw .badRequest("address not allowed")
        }
        let declared = (pod["spec"]["containers"].array ?? []).flatMap { $0["ports"].array ?? [] }
        guard !target.port.isEmpty else {
            let first = declared.first?["containerPort"].int ?? (target.usesTLS ? 443 : 80)
            return try destination(address, first, target)
        }
        guard let number = Int(target.port) else {
            throw .badRequest("invalid pod request: port \(goQuoted(target.port)) is not a number")
        }
        // The loopback is the whole machine's: what a Pod there does not call its own is somebody else's.
        guard !address.isLoopback || declared.contains(where: { $0["containerPort"].int == number }) else {
            throw .badRequest("address not allowed: port \(number) is not declared by the pod")
        }
        return try destination(address, number, target)
    }

    private func destination(_ address: IPAddress, _ number: Int, _ target: ProxyTarget) throws(Status)
        -> ProxyDestination
    {
        guard let port = UInt16(exactly: number).flatMap(Port.init) else {
            throw .badRequest("invalid port \(number)")
        }
        return ProxyDestination(address: address, port: port, usesTLS: target.usesTLS)
    }

    // MARK: Services

    private func service(_ target: ProxyTarget, _ namespace: String, asked: String) throws(Status) -> ProxyDestination {
        let service = try object("services", namespace, target.name)
        var portName = target.port
        if let number = Int(target.port) {
            let ports = service["spec"]["ports"].array ?? []
            guard let port = ports.first(where: { $0["port"].int == number }) else {
                throw .serviceUnavailable(
                    "no service port \(number) found for service \(goQuoted(target.name))")
            }
            portName = port.text("name")
        }
        let candidates = try endpoints(of: target.name, namespace, portName)
        if !candidates.isEmpty {
            let first = choose(candidates.count)
            for offset in candidates.indices {
                let (endpoint, port) = candidates[(first + offset) % candidates.count]
                guard let address = try podAddress(of: endpoint, namespace) else { continue }
                return try destination(address, port, target)
            }
        }
        throw .serviceUnavailable("no endpoints available for service \(goQuoted(asked))")
    }

    /// The endpoints that are ready, each with the number of the port of that name.
    private func endpoints(of service: String, _ namespace: String, _ portName: String) throws(Status)
        -> [(JSONValue, Int)]
    {
        guard let slices = resources.find(group: "discovery.k8s.io", version: "v1", plural: "endpointslices"),
            let selector = try? Selector(parsing: "kubernetes.io/service-name=\(service)")
        else { return [] }
        var found: [(JSONValue, Int)] = []
        for object in slices.cache.list(namespace: namespace, labels: selector, fields: nil).items {
            let slice = try slices.served(object)
            for port in slice["ports"].array ?? [] where port.text("name") == portName {
                guard let number = port["port"].int else { continue }
                for endpoint in slice["endpoints"].array ?? [] where endpoint["conditions"]["ready"] != false {
                    found.append((endpoint, number))
                }
            }
        }
        return found
    }

    /// The address of an endpoint, if it is that of the Pod it names; nil otherwise.
    private func podAddress(of endpoint: JSONValue, _ namespace: String) throws(Status) -> IPAddress? {
        let reference = endpoint["targetRef"]
        guard let text = endpoint["addresses"][0].string, let address = IPAddress(text), rule.allows(address),
            reference["kind"].string == "Pod", reference["namespace"].string == namespace,
            let name = reference["name"].string,
            let pod = try find("pods", namespace, name)
        else { return nil }
        return Self.addresses(of: pod).contains { IPAddress($0) == address } ? address : nil
    }

    // MARK: Objects

    private static func addresses(of pod: JSONValue) -> [String] {
        let all = (pod["status"]["podIPs"].array ?? []).compactMap { $0["ip"].string }
        return all.isEmpty ? [pod["status"]["podIP"].string].compactMap(\.self) : all
    }

    private func find(_ plural: String, _ namespace: String, _ name: String) throws(Status) -> JSONValue? {
        guard let resource = resources.find(group: "", version: "v1", plural: plural),
            let object = resource.cache.get(namespace: namespace, name: name)
        else { return nil }
        return try resource.served(object)
    }

    private func object(_ plural: String, _ namespace: String, _ name: String) throws(Status) -> JSONValue {
        guard let object = try find(plural, namespace, name) else {
            throw .notFound(GroupResource(group: "", resource: plural), name)
        }
        return object
    }
}
