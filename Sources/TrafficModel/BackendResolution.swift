package import KubeModel
package import NetworkTypes

/// A port of a Service, by name or number, as routes name it.
package enum ServicePortSelector: Hashable, Sendable, CustomStringConvertible {
    case number(Int)
    case name(String)

    /// Reads the API's form; nil when neither is set.
    package init?(_ port: ServiceBackendPort?) {
        if let name = port?.name, !name.isEmpty {
            self = .name(name)
        } else if let number = port?.number, number != 0 {
            self = .number(number)
        } else {
            return nil
        }
    }

    package var description: String {
        switch self {
        case .number(let number): "\(number)"
        case .name(let name): name
        }
    }
}

/// A backend of a route: a port of a Service.
package struct ServiceBackend: Hashable, Sendable, CustomStringConvertible {
    package var service: NamespacedName
    /// Nil only for Services of a single port.
    package var port: ServicePortSelector?
    /// What its endpoints speak, as the route says; nil for what the Service's port says.
    package var appProtocol: String?
    /// How requests are shared among them, as the route says; the empty one for nothing.
    package var policy: RouteBackendPolicy
    /// It gets part of another backend's requests.
    package var isCanary: Bool
    /// Its endpoints get connections as they are, whatever is in them.
    package var passesThrough = false

    package init(
        service: NamespacedName, port: ServicePortSelector?, appProtocol: String? = nil,
        policy: RouteBackendPolicy = RouteBackendPolicy(), isCanary: Bool = false
    ) {
        self.service = service
        self.port = port
        self.appProtocol = appProtocol
        self.policy = policy
        self.isCanary = isCanary
    }

    /// `namespace/name:port`, with protocol and policy in brackets where the route says them, and `canary` or
    /// `passthrough` for one.
    package var description: String {
        var text = port.map { "\(service):\($0)" } ?? "\(service)"
        if let appProtocol { text += " (\(appProtocol))" }
        if !policy.isEmpty { text += " (\(policy))" }
        if passesThrough { text += " passthrough" }
        return isCanary ? "\(text) canary" : text
    }
}

/// What a backend means at the moment.
package enum BackendResolution: Hashable, Sendable {
    /// Connect to one of these; empty when the Service has no endpoint that may get traffic.
    case endpoints([SocketAddress], appProtocol: String?)
    /// Connect to this DNS name.
    case externalName(String, Port)
    /// There is no such Service.
    case missingService
    /// The Service has no such port, or not over TCP.
    case missingPort
}

extension ServiceTable {
    /// Finds the endpoints of a route's backend, under the cluster traffic policy. Only TCP ports count.
    package func resolve(_ backend: ServiceBackend) -> BackendResolution {
        guard let service = self[backend.service] else { return .missingService }
        let port = service.ports.first { candidate in
            guard candidate.transport == .tcp else { return false }
            switch backend.port {
            case .number(let number): return Int(candidate.port.rawValue) == number
            case .name(let name): return candidate.name == name
            case nil: return service.ports.count == 1
            }
        }
        if case .externalName(let name) = service.form {
            // An ExternalName Service needs no ports: a number in the route is enough.
            if let port { return .externalName(name, port.port) }
            if case .number(let number) = backend.port, let port = Port(kubernetes: number) {
                return .externalName(name, port)
            }
            return .missingPort
        }
        guard let port else { return .missingPort }
        return .endpoints(port.usableEndpoints().map(\.address), appProtocol: backend.appProtocol ?? port.appProtocol)
    }
}
