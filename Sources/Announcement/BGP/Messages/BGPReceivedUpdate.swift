internal import NetworkTypes

/// A peer's UPDATE as RFC 7606 has it read: errors that leave clear which routes the message is about cost those routes,
/// or the attribute, rather than the session.
package struct BGPReceivedUpdate: Hashable, Sendable {
    /// What could be read; an attribute with an error is missing from it.
    package var update = BGPUpdate()
    /// Codes of attributes that were ignored because of an error (section 2, "attribute discard").
    package var discardedAttributes: [UInt8] = []
    /// Codes of attributes whose errors (or absence) turn the announced routes into withdrawn ones (section 2,
    /// "treat-as-withdraw").
    package var withdrawingAttributes: [UInt8] = []

    package init(_ update: BGPUpdate = BGPUpdate()) { self.update = update }

    /// Whether the announced routes count as withdrawn.
    package var isTreatedAsWithdraw: Bool { !withdrawingAttributes.isEmpty }

    /// The family whose End-of-RIB this is.
    package var endOfRIB: BGPAddressFamily? {
        guard update.withdrawn.isEmpty, update.announced.isEmpty, discardedAttributes.isEmpty, !isTreatedAsWithdraw
        else { return nil }
        if update.attributes == BGPPathAttributes() { return .ipv4Unicast }
        guard let unreachable = update.attributes.unreachable, unreachable.prefixes.isEmpty else { return nil }
        var alone = BGPPathAttributes()
        alone.unreachable = unreachable
        return update.attributes == alone ? unreachable.family : nil
    }

    /// How the two sides of the session have agreed to write.
    package struct Conventions: Hashable, Sendable {
        /// AS numbers have four octets (RFC 6793).
        package var fourOctetASN: Bool
        /// The peer is of our own AS.
        package var isInternal: Bool

        package init(fourOctetASN: Bool, isInternal: Bool) {
            self.fourOctetASN = fourOctetASN
            self.isInternal = isInternal
        }
    }

    /// Reads the message behind its header.
    /// - Throws: the notification that ends the session, where RFC 7606 leaves nothing else.
    static func decode(
        _ body: ArraySlice<UInt8>, _ conventions: Conventions
    ) throws(BGPNotification) -> BGPReceivedUpdate {
        var reader = BGPReader(body)
        guard let withdrawnLength = reader.uint16(), let withdrawn = reader.take(Int(withdrawnLength)),
            let attributesLength = reader.uint16(), let attributes = reader.take(Int(attributesLength))
        else { throw .malformedAttributes }
        var result = BGPReceivedUpdate()
        var routes = BGPReader(withdrawn)
        // Section 5.3: fields of routes that cannot be read leave unclear which routes are meant.
        guard let prefixes = routes.prefixes(.v4) else { throw .invalidNetwork }
        result.update.withdrawn = prefixes
        guard let announced = reader.prefixes(.v4) else { throw .invalidNetwork }
        result.update.announced = announced
        try result.readAttributes(attributes, conventions)
        try result.checkPresence(conventions, hasAttributes: !attributes.isEmpty)
        return result
    }

    private mutating func readAttributes(
        _ bytes: ArraySlice<UInt8>, _ conventions: Conventions
    ) throws(BGPNotification) {
        var reader = BGPReader(bytes)
        var seen: Set<UInt8> = []
        while !reader.isEmpty {
            let start = reader.rest.startIndex
            // Section 4: the attributes' lengths disagree with that of all of them; the routes behind are clear.
            guard let flags = reader.byte(), let code = reader.byte(),
                let length = flags & 0x10 != 0 ? reader.uint16().map(Int.init) : reader.byte().map(Int.init),
                let value = reader.take(length)
            else {
                withdrawingAttributes.append(0)
                return
            }
            let whole = Array(bytes[start..<reader.rest.startIndex])
            guard let kind = BGPPathAttributes.Kind(rawValue: code) else {
                // Not optional, thus well-known to everybody else.
                if flags & 0x80 == 0 { throw .unrecognizedAttribute(whole) }
                continue
            }
            guard seen.insert(code).inserted else {
                // Section 3 (g): the first of several counts, but routes must not be in doubt.
                if kind == .reachable || kind == .unreachable { throw .malformedAttributes }
                discardedAttributes.append(code)
                continue
            }
            guard flags & 0xc0 == kind.flags else {
                if kind == .reachable || kind == .unreachable { throw .optionalAttribute(whole) }
                withdrawingAttributes.append(code)
                continue
            }
            switch kind {
            case .reachable:
                guard let reachable = BGPPathAttributes.Reachable(value) else { throw .optionalAttribute(whole) }
                update.attributes.reachable = reachable
            case .unreachable:
                guard let unreachable = BGPPathAttributes.Unreachable(value) else { throw .optionalAttribute(whole) }
                update.attributes.unreachable = unreachable
            default:
                switch update.attributes.read(kind, value, conventions) {
                case .fine: break
                case .discard: discardedAttributes.append(code)
                case .withdraw: withdrawingAttributes.append(code)
                }
            }
        }
    }

    /// Section 3 (d) and 5.2.
    private mutating func checkPresence(
        _ conventions: Conventions, hasAttributes: Bool
    ) throws(BGPNotification) {
        let hasPrefixes = !update.announced.isEmpty
        let isReachable = hasPrefixes || update.attributes.reachable != nil
        guard isReachable else {
            // Nothing to withdraw in its place: what it was about is unclear.
            if isTreatedAsWithdraw { throw .malformedAttributes }
            return
        }
        var missing: [BGPPathAttributes.Kind] = []
        if update.attributes.origin == nil { missing.append(.origin) }
        if update.attributes.asPath == nil { missing.append(.asPath) }
        if hasPrefixes, update.attributes.nextHop == nil { missing.append(.nextHop) }
        if conventions.isInternal, update.attributes.localPreference == nil { missing.append(.localPreference) }
        for kind in missing where !withdrawingAttributes.contains(kind.rawValue) {
            withdrawingAttributes.append(kind.rawValue)
        }
    }
}
