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

    /// The inverse of `elements(of:)`; the kernel lists them in any order.
    static func ranges(of elements: [NFElement], _ family: IPFamily) -> [AddressRange] {
        let bounds = elements.compactMap { element in
            IPAddress(bytes: element.key.bytes).map { (address: $0, isEnd: element.isIntervalEnd) }
        }.sorted { $0.address == $1.address ? $0.isEnd && !$1.isEnd : $0.address < $1.address }
        var ranges: [AddressRange] = []
        var first: IPAddress?
        for bound in bounds {
            if let start = first, bound.isEnd, let last = predecessor(of: bound.address) {
                if let range = AddressRange(first: start, last: last) { ranges.append(range) }
                first = nil
            } else if !bound.isEnd {
                first = bound.address
            }
        }
        // A range up to the last address of all has no end.
        let highest = IPAddress(bytes: [UInt8](repeating: 255, count: family == .v4 ? 4 : 16))
        if let first, let highest, let range = AddressRange(first: first, last: highest) { ranges.append(range) }
        return ranges
    }

    private static func predecessor(of address: IPAddress) -> IPAddress? {
        var bytes = address.bytes
        for index in bytes.indices.reversed() {
            bytes[index] &-= 1
            if bytes[index] != 255 { return IPAddress(bytes: bytes) }
        }
        return nil
    }

    /// The address that a key of the maps of frontends stands for; nil where it is none of ours.
    static func frontend(_ key: NFValue, _ family: IPFamily) -> FrontendKey? {
        let width = family == .v4 ? 4 : 16
        guard key.count == width + 8, let address = IPAddress(bytes: key.bytes.prefix(width)),
            let transport = TransportProtocol(number: key.integer(UInt8.self, at: width))
        else { return nil }
        return FrontendKey(
            transport: transport,
            address: SocketAddress(ip: address, port: Port(key.integer(UInt16.self, at: width + 4))))
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
