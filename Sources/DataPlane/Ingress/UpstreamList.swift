import KubeModel
import NetworkTypes
import ProxyEngine
import TrafficModel

/// The upstreams of one compilation, each backend once.
struct UpstreamList {
    let backends: [ServiceBackend: BackendResolution]
    let named: [NamespacedName: NamedSecret]
    private(set) var list: [ProxyConfiguration.Upstream] = []
    private var indices: [ServiceBackend?: Int] = [:]
    private var asked: [AuthenticationBackend: Int] = [:]

    init(backends: [ServiceBackend: BackendResolution], named: [NamespacedName: NamedSecret]) {
        self.backends = backends
        self.named = named
    }

    mutating func index(of backend: ServiceBackend?) -> Int {
        if let index = indices[backend] { return index }
        indices[backend] = list.count
        list.append(
            backend.map { ProxyConfiguration.Upstream($0, backends[$0] ?? .missingService, named) }
                ?? ProxyConfiguration.Upstream(name: "unavailable", endpoints: []))
        return list.count - 1
    }

    /// The index of who is asked about requests; nil where it cannot be: a question is one of HTTP/1.1.
    mutating func index(asked backend: AuthenticationBackend) -> Int? {
        switch backend {
        case .service(let service):
            let index = index(of: service)
            return list[index].version == .http1 ? index : nil
        case .address(let text, let port, let isSecure):
            if let index = asked[backend] { return index }
            guard let ip = IPAddress(text) else { return nil }
            asked[backend] = list.count
            list.append(
                ProxyConfiguration.Upstream(
                    name: "\(isSecure ? "https" : "http") \(text) port \(port)",
                    endpoints: [SocketAddress(ip: ip, port: Port(rawValue: port))],
                    tls: isSecure ? UpstreamTLS() : nil))
            return list.count - 1
        }
    }
}
