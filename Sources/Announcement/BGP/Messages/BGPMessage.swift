/// One message of BGP-4 (RFC 4271, section 4).
package enum BGPMessage: Hashable, Sendable {
    case open(BGPOpen)
    case update(BGPUpdate)
    case notification(BGPNotification)
    case keepalive
    /// All routes of the family are to be sent again (RFC 2918).
    case routeRefresh(BGPAddressFamily)

    /// Bytes of marker, length and type.
    package static let headerSize = 19
    /// The longest message; longer ones (RFC 8654) are not offered, and thus never come.
    package static let maximumSize = 4096

    package var type: BGPMessageType {
        switch self {
        case .open: .open
        case .update: .update
        case .notification: .notification
        case .keepalive: .keepalive
        case .routeRefresh: .routeRefresh
        }
    }

    /// The message as it travels; nil when it is longer than ``maximumSize``. `fourOctetASN` matters to UPDATE alone.
    package func encoded(fourOctetASN: Bool) -> [UInt8]? {
        var body = BGPWriter()
        switch self {
        case .open(let open): open.encode(into: &body)
        case .update(let update): update.encode(into: &body, fourOctetASN: fourOctetASN)
        case .notification(let notification):
            body.byte(notification.code)
            body.byte(notification.subcode)
            // What does not fit is of no use to the peer.
            body.append(notification.data.prefix(Self.maximumSize - Self.headerSize - 2))
        case .keepalive: break
        case .routeRefresh(let family):
            body.uint16(family.afi)
            body.byte(0)
            body.byte(family.safi)
        }
        let size = Self.headerSize + body.bytes.count
        guard size <= Self.maximumSize else { return nil }
        var message = BGPWriter()
        message.append(repeatElement(0xff, count: 16))
        message.uint16(UInt16(size))
        message.byte(type.rawValue)
        message.append(body.bytes)
        return message.bytes
    }
}

package enum BGPMessageType: UInt8, Hashable, Sendable, CaseIterable {
    case open = 1
    case update = 2
    case notification = 3
    case keepalive = 4
    case routeRefresh = 5

    /// The shortest message of the type (RFC 4271, section 6.1).
    var minimumSize: Int {
        switch self {
        case .open: 29
        case .update: 23
        case .notification: 21
        case .keepalive: 19
        // Other lengths have an error of their own (RFC 7313, section 5).
        case .routeRefresh: 19
        }
    }
}

/// What a peer sent, as it was read.
package enum BGPReceivedMessage: Hashable, Sendable {
    case open(BGPOpen)
    case update(BGPReceivedUpdate)
    case notification(BGPNotification)
    case keepalive
    case routeRefresh(BGPAddressFamily)

    package var type: BGPMessageType {
        switch self {
        case .open: .open
        case .update: .update
        case .notification: .notification
        case .keepalive: .keepalive
        case .routeRefresh: .routeRefresh
        }
    }
}
