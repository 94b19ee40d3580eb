import NFTables
import NetworkTypes
import TrafficModel

/// Keys and data as the rules read them.
extension TableLayout {
    static func key(_ frontend: FrontendKey) -> NFValue {
        NFValue().appending(frontend.address.ip.bytes).appending(frontend.transport.number)
            .appending(frontend.address.port.rawValue)
    }

    static func key(_ frontend: FrontendKey, number: Int, of row: EndpointRow = .all) -> NFValue {
        key(frontend).appending(host: row.first + UInt32(truncatingIfNeeded: number))
    }

    static func data(_ endpoint: SocketAddress) -> NFValue {
        NFValue().appending(endpoint.ip.bytes).appending(endpoint.port.rawValue)
    }

    static func member(_ endpoint: SocketAddress, of frontend: FrontendKey) -> NFValue {
        data(endpoint).appending(frontend.address.ip.bytes).appending(frontend.transport.number)
            .appending(frontend.address.port.rawValue)
    }

    /// In the map of treatments.
    static func key(treatment number: UInt32) -> NFValue { NFValue().appending(host: number) }

    /// In the maps of frontends.
    static func data(treatment number: UInt32) -> NFValue { NFValue().appending(host: 0).appending(host: number) }

    static func key(_ address: IPAddress) -> NFValue { NFValue().appending(address.bytes) }

    static func hairpin(_ address: IPAddress) -> NFValue { key(address).appending(address.bytes) }

    static func elements(of ranges: [AddressRange]) -> [NFElement] {
        ranges.flatMap { range -> [NFElement] in
            let start = NFElement(key(range.first))
            // A range up to the last address of all has no end.
            guard let end = range.last.advanced(by: 1) else { return [start] }
            return [start, NFElement(key(end), isIntervalEnd: true)]
        }
    }

    /// What an element of the endpoints' map says; nil where it is none of ours.
    static func slot(_ element: NFElement, _ family: IPFamily) -> (FrontendKey, number: Int, SocketAddress)? {
        let width = family == .v4 ? 4 : 16
        guard case .value(let data) = element.data, element.key.count == width + 12, data.count == width + 4,
            let address = IPAddress(bytes: element.key.bytes.prefix(width)),
            let endpoint = IPAddress(bytes: data.bytes.prefix(width)),
            let transport = TransportProtocol(number: element.key.integer(UInt8.self, at: width))
        else { return nil }
        let key = FrontendKey(
            transport: transport,
            address: SocketAddress(ip: address, port: Port(element.key.integer(UInt16.self, at: width + 4))))
        return (
            key, Int(element.key.host(at: width + 8)),
            SocketAddress(ip: endpoint, port: Port(data.integer(UInt16.self, at: width)))
        )
    }
}
