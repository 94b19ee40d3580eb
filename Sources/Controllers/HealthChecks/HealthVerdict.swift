import KubeModel
import NetworkTypes

/// Which endpoints of a Service a check holds to be unhealthy, and what is said about it. Pure.
///
/// An endpoint is an address with the port that is asked: two slices may have the same address with different ports, as
/// several servers of one machine do, and each is judged by itself.
struct HealthVerdict: Hashable, Sendable {
    private let spec: HealthCheckSpec
    /// What to mark endpoints for.
    private var unhealthy: Set<ProbeTarget> = []
    /// Endpoints that are checked.
    private(set) var checked: Set<ProbeTarget> = []
    /// Of these, those that fail.
    private(set) var failing: Set<ProbeTarget> = []
    /// Whether every endpoint of a family fails that is ready otherwise.
    private(set) var isAllFailed = false
    /// First addresses of endpoints that cannot be checked: without the port, by an address that may not be asked, or for
    /// lack of room.
    private(set) var unchecked: Set<String> = []

    /// The target of a check for each endpoint of a slice, by its first address. The connection goes to the endpoint and
    /// nowhere else: a check's `host` is but a name.
    static func targets(of slice: EndpointSlice, _ spec: HealthCheckSpec) -> [String: ProbeTarget] {
        guard let wanted = spec.httpGet?.port ?? spec.tcpSocket?.port ?? spec.grpc?.port,
            let port = number(wanted, in: slice), slice.addressType == "IPv4" || slice.addressType == "IPv6"
        else { return [:] }
        let check = check(spec)
        var result: [String: ProbeTarget] = [:]
        for endpoint in slice.endpoints ?? [] {
            guard let address = endpoint.addresses?.first, mayBeAsked(address) else { continue }
            result[address] = ProbeTarget(host: address, port: port, check: check)
        }
        return result
    }

    /// - Parameters:
    ///   - slices: of the Service, without marks.
    ///   - isFailing: what was found of a target; nil for one that there is no room for.
    init(_ slices: [EndpointSlice], _ spec: HealthCheckSpec, isFailing: (ProbeTarget) -> Bool?) {
        self.spec = spec
        for (_, slices) in Dictionary(grouping: slices, by: \.addressType) {
            var failing: Set<ProbeTarget> = []
            var (ready, readyAndFailing) = (0, 0)
            for slice in slices {
                let targets = Self.targets(of: slice, spec)
                for endpoint in slice.endpoints ?? [] {
                    guard let address = endpoint.addresses?.first else { continue }
                    let isReady = endpoint.conditions?.ready != false
                    if isReady { ready += 1 }
                    guard let target = targets[address], let fails = isFailing(target) else {
                        unchecked.insert(address)
                        continue
                    }
                    checked.insert(target)
                    guard fails else { continue }
                    failing.insert(target)
                    if isReady { readyAndFailing += 1 }
                }
            }
            self.failing.formUnion(failing)
            let isAllFailed = ready > 0 && ready == readyAndFailing
            if isAllFailed { self.isAllFailed = true }
            if !isAllFailed || spec.allFailedPolicy == "StopServing" { unhealthy.formUnion(failing) }
        }
        unchecked.subtract(checked.map(\.host))
    }

    /// First addresses of the endpoints of a slice to mark.
    func unhealthy(in slice: EndpointSlice) -> Set<String> {
        guard !unhealthy.isEmpty else { return [] }
        return Set(Self.targets(of: slice, spec).filter { unhealthy.contains($0.value) }.keys)
    }

    /// What traffic may not go to, no check goes to either; the loopback is left to what the API server lets into slices.
    private static func mayBeAsked(_ text: String) -> Bool {
        guard let address = IPAddress(text) else { return false }
        return !address.isUnspecified && !address.isMulticast && !address.isLinkLocalUnicast
    }

    private static func number(_ port: IntOrString, in slice: EndpointSlice) -> Int? {
        switch port {
        case .int(let number): (1...65535).contains(number) ? number : nil
        case .string(let name):
            slice.ports?.first { ($0.name ?? "") == name && ($0.protocol ?? "TCP") == "TCP" }?.port
        }
    }

    private static func check(_ spec: HealthCheckSpec) -> ProbeTarget.Check {
        if let http = spec.httpGet {
            let path = http.path.flatMap { $0.isEmpty ? nil : $0 } ?? "/"
            let host = (http.host ?? "").isEmpty ? [] : [HTTPHeader(name: "Host", value: http.host ?? "")]
            return .http(
                isSecure: http.scheme == "HTTPS", path: path, headers: host + (http.httpHeaders ?? []))
        }
        if let grpc = spec.grpc { return .grpc(service: grpc.service ?? "") }
        return .tcp
    }
}
