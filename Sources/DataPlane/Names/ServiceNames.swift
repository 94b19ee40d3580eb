import DNS
import KubeModel
import NetworkTypes
import TrafficModel

/// The records of one Service (Kubernetes DNS-Based Service Discovery 1.1.0). Pure.
struct ServiceNames: Hashable {
    var records: Set<ZoneRecord> = []
    /// Names that exist without records of their own.
    var empty: Set<DomainName> = []

    init() {}

    init(_ source: NameSource, domain: DomainName) {
        let service = source.service
        guard
            let base = domain.prefixed(by: "svc")?.prefixed(by: service.key.namespace)?.prefixed(by: service.key.name)
        else { return }
        switch service.form {
        case .virtual: addVirtual(service, base)
        case .headless: addHeadless(source.slices, base)
        case .externalName(let text):
            // A name that is none cannot pass the API server.
            if let target = try? DomainName(text) { records.insert(.alias(base, of: target)) }
        }
    }

    /// 2.3: the cluster IPs, a SRV record for each named port, and the way back.
    private mutating func addVirtual(_ service: ServiceEntry, _ base: DomainName) {
        guard !service.clusterIPs.isEmpty else { return }
        for ip in service.clusterIPs {
            records.insert(.address(base, ip))
            records.insert(.pointer(.reverse(of: ip), to: base))
        }
        for port in service.ports {
            guard let name = Self.portName(port.name, port.transport, base) else { continue }
            records.insert(.service(name, weight: 100, port: port.port, target: base))
        }
    }

    /// 2.4: every ready endpoint under the Service's name and under its own. The name exists without any, so that clients
    /// learn that there is nobody rather than no such Service.
    private mutating func addHeadless(_ slices: [EndpointSliceEntry], _ base: DomainName) {
        empty.insert(base)
        struct PortTarget: Hashable {
            var name: DomainName
            var port: Port
            var target: DomainName
        }
        var targets: Set<PortTarget> = []
        for slice in slices {
            for endpoint in slice.endpoints where endpoint.isReady {
                let ip = endpoint.address.ip
                // A hostname that is no label stands for nothing; the address does as well.
                let label = AddressLabel.text(ip)
                guard let own = slice.hostnames[ip].flatMap({ base.prefixed(by: $0) }) ?? base.prefixed(by: label)
                else {
                    continue
                }
                records.insert(.address(base, ip))
                records.insert(.address(own, ip))
                records.insert(.pointer(.reverse(of: ip), to: own))
                for port in slice.ports {
                    guard let number = port.number, let name = Self.portName(port.name, port.transport, base) else {
                        continue
                    }
                    targets.insert(PortTarget(name: name, port: number, target: own))
                }
            }
        }
        let counts = Dictionary(targets.map { ($0.name, 1) }, uniquingKeysWith: +)
        for target in targets {
            let weight = UInt16(max(1, 100 / (counts[target.name] ?? 1)))
            records.insert(.service(target.name, weight: weight, port: target.port, target: target.target))
        }
    }

    /// `_http._tcp` before the Service's name; nil for a port without a name.
    private static func portName(_ name: String, _ transport: TransportProtocol, _ base: DomainName) -> DomainName? {
        guard !name.isEmpty else { return nil }
        let label =
            switch transport {
            case .tcp: "_tcp"
            case .udp: "_udp"
            case .sctp: "_sctp"
            }
        return base.prefixed(by: label)?.prefixed(by: "_\(name)")
    }
}
