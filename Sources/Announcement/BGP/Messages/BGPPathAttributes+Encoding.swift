internal import NetworkTypes

extension BGPPathAttributes {
    /// In the order of their codes, but MP_REACH_NLRI and MP_UNREACH_NLRI first, where RFC 7606 (section 5.1) wants them:
    /// a receiver that finds an error further on knows what to withdraw.
    ///
    /// To a peer without AS numbers of four octets the path has AS_TRANS for those that need them, and AS4_PATH says
    /// which they were (RFC 6793, section 4.2.2).
    func encode(into writer: inout BGPWriter, fourOctetASN: Bool) {
        if let reachable {
            append(.reachable, to: &writer) { value in
                value.uint16(reachable.family.afi)
                value.byte(reachable.family.safi)
                value.byte(UInt8(reachable.nextHop.count))
                value.append(reachable.nextHop)
                value.byte(0)
                for prefix in reachable.prefixes { value.prefix(prefix) }
            }
        }
        if let unreachable {
            append(.unreachable, to: &writer) { value in
                value.uint16(unreachable.family.afi)
                value.byte(unreachable.family.safi)
                for prefix in unreachable.prefixes { value.prefix(prefix) }
            }
        }
        if let origin { append(.origin, to: &writer) { $0.byte(origin.rawValue) } }
        if let asPath {
            append(.asPath, to: &writer) { Self.encode(asPath, into: &$0, fourOctets: fourOctetASN) }
        }
        if let nextHop { append(.nextHop, to: &writer) { $0.append(nextHop.bytes) } }
        if let localPreference { append(.localPreference, to: &writer) { $0.uint32(localPreference) } }
        if !communities.isEmpty {
            append(.communities, to: &writer) { value in
                for community in communities { value.uint32(community.rawValue) }
            }
        }
        if let asPath, !fourOctetASN, asPath.contains(where: { $0.numbers.contains { $0 > UInt16.max } }) {
            append(.as4Path, to: &writer) { Self.encode(asPath, into: &$0, fourOctets: true) }
        }
        if !largeCommunities.isEmpty {
            append(.largeCommunities, to: &writer) { value in
                for community in largeCommunities {
                    value.uint32(community.globalAdministrator)
                    value.uint32(community.data1)
                    value.uint32(community.data2)
                }
            }
        }
    }

    private func append(_ kind: Kind, to writer: inout BGPWriter, _ body: (inout BGPWriter) -> Void) {
        var value = BGPWriter()
        body(&value)
        let isLong = value.bytes.count > 255
        writer.byte(kind.flags | (isLong ? 0x10 : 0))
        writer.byte(kind.rawValue)
        if isLong { writer.uint16(UInt16(value.bytes.count)) } else { writer.byte(UInt8(value.bytes.count)) }
        writer.append(value.bytes)
    }

    private static func encode(_ path: [Segment], into writer: inout BGPWriter, fourOctets: Bool) {
        for segment in path {
            writer.byte(segment.type)
            writer.byte(UInt8(segment.numbers.count))
            for asn in segment.numbers {
                if fourOctets { writer.uint32(asn) } else { writer.uint16(UInt16(exactly: asn) ?? BGPOpen.asTrans) }
            }
        }
    }
}

extension BGPPathAttributes.Segment {
    var type: UInt8 {
        switch self {
        case .set: 1
        case .sequence: 2
        }
    }

    var numbers: [UInt32] {
        switch self {
        case .set(let numbers), .sequence(let numbers): numbers
        }
    }
}
