/// The first message of a speaker (RFC 4271, section 4.2).
package struct BGPOpen: Hashable, Sendable {
    /// What stands in the field of two octets for an AS number that needs four (RFC 6793).
    package static let asTrans: UInt16 = 23456

    /// The AS number as the field of two octets has it.
    package var shortASN: UInt16
    /// Seconds; 0: no keepalives are sent and none expected.
    package var holdTime: UInt16
    package var identifier: UInt32
    package var capabilities: [BGPCapability]

    package init(shortASN: UInt16, holdTime: UInt16, identifier: UInt32, capabilities: [BGPCapability]) {
        self.shortASN = shortASN
        self.holdTime = holdTime
        self.identifier = identifier
        self.capabilities = capabilities
    }

    /// The OPEN of a speaker with AS numbers of four octets.
    package init(asn: UInt32, holdTime: UInt16, identifier: UInt32, capabilities: [BGPCapability]) {
        self.init(
            shortASN: UInt16(exactly: asn) ?? Self.asTrans, holdTime: holdTime, identifier: identifier,
            capabilities: capabilities + [.fourOctetASN(asn)])
    }

    /// The sender's AS number: the one of its capability where it has that.
    package var asn: UInt32 {
        for case .fourOctetASN(let asn) in capabilities { return asn }
        return UInt32(shortASN)
    }

    package var hasFourOctetASN: Bool {
        capabilities.contains { if case .fourOctetASN = $0 { true } else { false } }
    }

    package var gracefulRestart: BGPGracefulRestart? {
        // Of several the last counts (RFC 4724, section 3).
        for case .gracefulRestart(let restart) in capabilities.reversed() { return restart }
        return nil
    }

    /// The families whose routes the sender takes. Who names none takes IPv4 unicast, as before RFC 4760.
    package var families: Set<BGPAddressFamily> {
        var named: Set<BGPAddressFamily> = []
        for case .multiprotocol(let family) in capabilities { named.insert(family) }
        return named.isEmpty ? [.ipv4Unicast] : named
    }

    package func takes(_ nextHop: BGPExtendedNextHop) -> Bool {
        capabilities.contains { if case .extendedNextHop(let hops) = $0 { hops.contains(nextHop) } else { false } }
    }

    /// The most that are kept of a peer's OPEN: real speakers name about twenty.
    static let maximumCapabilities = 128

    private static let capabilitiesParameter: UInt8 = 2
    /// In place of lengths and of the first parameter's type: lengths have two octets (RFC 9072).
    private static let extendedMark: UInt8 = 255

    /// Reads the message behind its header. What the numbers mean to a session is checked by that.
    static func decode(_ body: ArraySlice<UInt8>) throws(BGPNotification) -> BGPOpen {
        var reader = BGPReader(body)
        guard let version = reader.byte() else { throw .unspecificOpen }
        guard version == 4 else { throw .unsupportedVersion }
        guard let asn = reader.uint16(), let holdTime = reader.uint16(), let identifier = reader.uint32(),
            var length = reader.byte().map(Int.init)
        else { throw .unspecificOpen }
        var isExtended = false
        if length == Int(extendedMark), reader.rest.first == extendedMark {
            _ = reader.byte()
            guard let long = reader.uint16() else { throw .unspecificOpen }
            length = Int(long)
            isExtended = true
        }
        guard length == reader.count else { throw .unspecificOpen }
        var capabilities: [BGPCapability] = []
        while let type = reader.byte() {
            guard let count = isExtended ? reader.uint16().map(Int.init) : reader.byte().map(Int.init),
                let value = reader.take(count)
            else { throw .unspecificOpen }
            guard type == capabilitiesParameter else { throw .unsupportedParameter }
            var inner = BGPReader(value)
            while let code = inner.byte() {
                guard let count = inner.byte(), let value = inner.take(Int(count)) else { throw .unspecificOpen }
                if capabilities.count < maximumCapabilities {
                    capabilities.append(BGPCapability(code: code, value: value))
                }
            }
        }
        return BGPOpen(shortASN: asn, holdTime: holdTime, identifier: identifier, capabilities: capabilities)
    }

    /// Each capability is a parameter of its own, which every speaker understands. What does not fit 255 octets goes in
    /// the form of RFC 9072.
    func encode(into writer: inout BGPWriter) {
        writer.byte(4)
        writer.uint16(shortASN)
        writer.uint16(holdTime)
        writer.uint32(identifier)
        let values = capabilities.map { capability in
            var value = BGPWriter()
            capability.encode(into: &value)
            return value.bytes
        }
        let isExtended = values.reduce(0) { $0 + $1.count + 2 } > 254 || values.contains { $0.count > 255 }
        var parameters = BGPWriter()
        for value in values {
            parameters.byte(Self.capabilitiesParameter)
            if isExtended { parameters.uint16(UInt16(value.count)) } else { parameters.byte(UInt8(value.count)) }
            parameters.append(value)
        }
        if isExtended {
            writer.byte(Self.extendedMark)
            writer.byte(Self.extendedMark)
            writer.uint16(UInt16(parameters.bytes.count))
        } else {
            writer.byte(UInt8(parameters.bytes.count))
        }
        writer.append(parameters.bytes)
    }
}
