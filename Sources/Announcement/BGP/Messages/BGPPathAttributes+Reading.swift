internal import NetworkTypes

extension BGPPathAttributes {
    /// What becomes of an attribute (RFC 7606, section 2).
    enum Reading {
        case fine
        case discard
        case withdraw
    }

    /// Takes an attribute other than those that carry routes; the rules are those of RFC 7606, section 7, by attribute.
    mutating func read(
        _ kind: Kind, _ value: ArraySlice<UInt8>, _ conventions: BGPReceivedUpdate.Conventions
    ) -> Reading {
        var reader = BGPReader(value)
        switch kind {
        case .origin:
            guard value.count == 1, let number = reader.byte(), let origin = Origin(rawValue: number) else {
                return .withdraw
            }
            self.origin = origin
        case .asPath:
            guard let path = Self.path(value, fourOctets: conventions.fourOctetASN) else { return .withdraw }
            asPath = path
        case .nextHop:
            guard value.count == 4, let address = IPAddress(bytes: value) else { return .withdraw }
            nextHop = address
        case .multiExitDiscriminator:
            return value.count == 4 ? .fine : .withdraw
        case .localPreference:
            guard conventions.isInternal else { return .discard }
            guard value.count == 4, let number = reader.uint32() else { return .withdraw }
            localPreference = number
        case .atomicAggregate:
            return value.isEmpty ? .fine : .discard
        case .aggregator:
            return value.count == (conventions.fourOctetASN ? 8 : 6) ? .fine : .discard
        case .communities:
            guard Self.isList(value, of: 4) else { return .withdraw }
            while let number = reader.uint32() { communities.append(.init(rawValue: number)) }
        case .originatorID:
            guard conventions.isInternal else { return .discard }
            return value.count == 4 ? .fine : .withdraw
        case .clusterList:
            guard conventions.isInternal else { return .discard }
            return Self.isList(value, of: 4) ? .fine : .withdraw
        case .extendedCommunities:
            return Self.isList(value, of: 8) ? .fine : .withdraw
        case .ipv6ExtendedCommunities:
            return Self.isList(value, of: 20) ? .fine : .withdraw
        case .as4Path:
            // Of a peer that has no need of it the attribute is ignored (RFC 6793, section 4.1), as a malformed one is
            // (section 6).
            guard !conventions.fourOctetASN, Self.path(value, fourOctets: true) != nil else { return .discard }
        case .as4Aggregator:
            guard !conventions.fourOctetASN, value.count == 8 else { return .discard }
        case .largeCommunities:
            guard Self.isList(value, of: 12) else { return .withdraw }
            while let administrator = reader.uint32(), let data1 = reader.uint32(), let data2 = reader.uint32() {
                largeCommunities.append(.init(globalAdministrator: administrator, data1: data1, data2: data2))
            }
        case .reachable, .unreachable:
            break
        }
        return .fine
    }

    private static func isList(_ value: ArraySlice<UInt8>, of size: Int) -> Bool {
        !value.isEmpty && value.count % size == 0
    }

    /// nil for a segment of an unknown type, without numbers, or with fewer than it says (RFC 7606, section 7.2).
    /// Segments of confederations (types 3 and 4) are unknown: no neighbour of ours is of our confederation.
    private static func path(_ value: ArraySlice<UInt8>, fourOctets: Bool) -> [Segment]? {
        var reader = BGPReader(value)
        var segments: [Segment] = []
        while let type = reader.byte() {
            guard let count = reader.byte(), count > 0 else { return nil }
            var numbers: [UInt32] = []
            for _ in 0..<count {
                guard let asn = fourOctets ? reader.uint32() : reader.uint16().map(UInt32.init) else { return nil }
                numbers.append(asn)
            }
            switch type {
            case 1: segments.append(.set(numbers))
            case 2: segments.append(.sequence(numbers))
            default: return nil
            }
        }
        return segments
    }
}

extension BGPPathAttributes.Reachable {
    /// nil where the next hop's length does not fit the family, or routes cannot be read (RFC 7606, sections 5.3 and 7.11).
    init?(_ value: ArraySlice<UInt8>) {
        var reader = BGPReader(value)
        guard let afi = reader.uint16(), let safi = reader.byte(), let length = reader.byte(),
            let hop = reader.take(Int(length)), reader.byte() != nil
        else { return nil }
        family = BGPAddressFamily(afi: afi, safi: safi)
        nextHop = Array(hop)
        switch family.unicast {
        case .v4:
            guard [4, 16, 32].contains(hop.count), let routes = reader.prefixes(.v4) else { return nil }
            prefixes = routes
        case .v6:
            guard hop.count == 16 || hop.count == 32, let routes = reader.prefixes(.v6) else { return nil }
            prefixes = routes
        case nil:
            prefixes = []
        }
    }
}

extension BGPPathAttributes.Unreachable {
    /// nil where routes cannot be read.
    init?(_ value: ArraySlice<UInt8>) {
        var reader = BGPReader(value)
        guard let afi = reader.uint16(), let safi = reader.byte() else { return nil }
        family = BGPAddressFamily(afi: afi, safi: safi)
        guard let unicast = family.unicast else {
            prefixes = []
            return
        }
        guard let routes = reader.prefixes(unicast) else { return nil }
        prefixes = routes
    }
}
