internal import KubeModel
internal import ProxyEngine

extension UpstreamBalancing {
    /// Reads a route's policy. What cannot be understood, which the API server refuses, shares in turn.
    init(_ policy: RouteBackendPolicy) {
        switch policy.balancing {
        case "least-connections": self = .leastRequests
        case "peak-ewma": self = .peakEWMA
        case "consistent-hash":
            guard let text = policy.hashBy else {
                self = .hash(HashKey([.clientAddress]))
                return
            }
            do {
                self = .hash(HashKey(try HashKeyTemplate(text)))
            } catch {
                self = .roundRobin
            }
        default: self = .roundRobin
        }
    }
}

extension HashKey {
    fileprivate init(_ template: HashKeyTemplate) {
        self.init(
            template.parts.map { part in
                switch part {
                case .text(let text): .text(Array(text.utf8))
                case .clientAddress: .clientAddress
                case .field(let name): .field(Array(name.utf8))
                case .cookie(let name): .cookie(Array(name.utf8))
                case .argument(let name): .argument(Array(name.utf8))
                case .pathAndQuery: .pathAndQuery
                case .path: .path
                case .query: .query
                case .host: .host
                case .method: .method
                case .scheme: .scheme
                }
            })
    }
}
