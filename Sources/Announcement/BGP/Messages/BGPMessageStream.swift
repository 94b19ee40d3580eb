/// Cuts a connection's bytes into messages. Keeps at most one unfinished message: 4095 bytes.
package struct BGPMessageStream: Sendable {
    private var buffer: [UInt8] = []
    /// Where the next message begins in ``buffer``.
    private var position = 0

    package init() {}

    /// Takes bytes in the order in which they came. All messages in them are to be asked for before more are added.
    package mutating func append(_ bytes: some Sequence<UInt8>) {
        buffer.removeFirst(position)
        position = 0
        buffer.append(contentsOf: bytes)
    }

    /// The next whole message; nil until more bytes come.
    /// - Throws: the notification that ends the session. Nothing may be asked for afterwards.
    package mutating func next(
        _ conventions: BGPReceivedUpdate.Conventions
    ) throws(BGPNotification) -> BGPReceivedMessage? {
        let rest = buffer[position...]
        guard rest.count >= BGPMessage.headerSize else {
            // A stranger that does not speak BGP is seen by the bytes that came.
            guard rest.prefix(16).allSatisfy({ $0 == 0xff }) else { throw .notSynchronized }
            return nil
        }
        guard rest.prefix(16).allSatisfy({ $0 == 0xff }) else { throw .notSynchronized }
        var header = BGPReader(rest.dropFirst(16))
        guard let length = header.uint16(), let number = header.byte() else { return nil }
        guard length >= BGPMessage.headerSize, length <= BGPMessage.maximumSize else { throw .badLength(length) }
        guard let type = BGPMessageType(rawValue: number) else { throw .badType(number) }
        guard length >= type.minimumSize, type != .keepalive || length == type.minimumSize else {
            throw .badLength(length)
        }
        guard rest.count >= length else { return nil }
        let message = rest.prefix(Int(length))
        position += Int(length)
        return try Self.decode(type, message, conventions)
    }

    private static func decode(
        _ type: BGPMessageType, _ message: ArraySlice<UInt8>, _ conventions: BGPReceivedUpdate.Conventions
    ) throws(BGPNotification) -> BGPReceivedMessage {
        let body = message.dropFirst(BGPMessage.headerSize)
        switch type {
        case .open: return .open(try BGPOpen.decode(body))
        case .update: return .update(try BGPReceivedUpdate.decode(body, conventions))
        case .keepalive: return .keepalive
        case .notification:
            var reader = BGPReader(body)
            guard let code = reader.byte(), let subcode = reader.byte() else {
                throw .badLength(UInt16(message.count))
            }
            return .notification(BGPNotification(code: code, subcode: subcode, data: Array(reader.rest)))
        case .routeRefresh:
            var reader = BGPReader(body)
            guard body.count == 4, let afi = reader.uint16(), reader.byte() != nil, let safi = reader.byte() else {
                throw .badRouteRefresh(Array(message))
            }
            return .routeRefresh(BGPAddressFamily(afi: afi, safi: safi))
        }
    }
}
