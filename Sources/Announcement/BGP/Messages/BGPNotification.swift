/// Says why a session ends; the last message of a connection (RFC 4271, section 4.5), and the error of everything that
/// reads messages.
package struct BGPNotification: Error, Hashable, Sendable {
    package var code: UInt8
    package var subcode: UInt8
    package var data: [UInt8]

    package init(code: UInt8, subcode: UInt8, data: [UInt8] = []) {
        self.code = code
        self.subcode = subcode
        self.data = data
    }

    // MARK: Message header (1)

    package static let notSynchronized = BGPNotification(code: 1, subcode: 1)

    /// The data is the length that was read.
    package static func badLength(_ length: UInt16) -> BGPNotification {
        BGPNotification(code: 1, subcode: 2, data: [UInt8(length >> 8), UInt8(truncatingIfNeeded: length)])
    }

    package static func badType(_ type: UInt8) -> BGPNotification { BGPNotification(code: 1, subcode: 3, data: [type]) }

    // MARK: OPEN (2)

    package static let unspecificOpen = BGPNotification(code: 2, subcode: 0)
    /// The data is the highest version that we speak.
    package static let unsupportedVersion = BGPNotification(code: 2, subcode: 1, data: [0, 4])
    package static let badPeerAS = BGPNotification(code: 2, subcode: 2)
    package static let badIdentifier = BGPNotification(code: 2, subcode: 3)
    package static let unsupportedParameter = BGPNotification(code: 2, subcode: 4)
    package static let unacceptableHoldTime = BGPNotification(code: 2, subcode: 6)

    // MARK: UPDATE (3)

    package static let malformedAttributes = BGPNotification(code: 3, subcode: 1)

    /// The data is the attribute as it was read.
    package static func unrecognizedAttribute(_ attribute: [UInt8]) -> BGPNotification {
        BGPNotification(code: 3, subcode: 2, data: attribute)
    }

    package static func optionalAttribute(_ attribute: [UInt8]) -> BGPNotification {
        BGPNotification(code: 3, subcode: 9, data: attribute)
    }

    package static let invalidNetwork = BGPNotification(code: 3, subcode: 10)

    // MARK: The rest

    package static let holdTimerExpired = BGPNotification(code: 4, subcode: 0)

    /// A message that has no place in the state (RFC 6608); the data is its type.
    package static func unexpected(_ type: UInt8, subcode: UInt8) -> BGPNotification {
        BGPNotification(code: 5, subcode: subcode, data: [type])
    }

    /// ROUTE-REFRESH of a wrong length (RFC 7313, section 5).
    package static func badRouteRefresh(_ message: [UInt8]) -> BGPNotification {
        BGPNotification(code: 7, subcode: 1, data: message)
    }

    /// The session is ended on purpose, with words for the operator on the other side: UTF-8, at most 255 bytes, longer
    /// ones are cut at a character (RFC 9003, which lengthens those of RFC 8203).
    package static func shutdown(_ words: String) -> BGPNotification {
        BGPNotification(code: 6, subcode: 2, data: communication(words))
    }

    /// The session is started anew on purpose; words as in ``shutdown(_:)``.
    package static func reset(_ words: String) -> BGPNotification {
        BGPNotification(code: 6, subcode: 4, data: communication(words))
    }

    package static let peerDeconfigured = BGPNotification(code: 6, subcode: 3)
    /// The session is made anew with another configuration.
    package static let otherConfigurationChange = BGPNotification(code: 6, subcode: 6)
    /// BFD says that the peer is gone (RFC 9384).
    package static let bfdDown = BGPNotification(code: 6, subcode: 10)

    private static func communication(_ words: String) -> [UInt8] {
        var cut = words
        while cut.utf8.count > 255 { cut.removeLast() }
        return [UInt8(cut.utf8.count)] + Array(cut.utf8)
    }

    /// The words that came with a shutdown or reset; nil when there are none or they are not as they should be.
    /// Control characters are replaced: this ends up in logs and Events.
    package var shutdownCommunication: String? {
        guard code == 6, subcode == 2 || subcode == 4, let length = data.first, length > 0,
            data.count == Int(length) + 1
        else { return nil }
        guard let words = String(validating: data.dropFirst(), as: UTF8.self) else { return nil }
        return String(
            words.map { $0.unicodeScalars.contains { $0.value < 0x20 || (0x7f...0x9f).contains($0.value) } ? "?" : $0 })
    }
}

extension BGPNotification: CustomStringConvertible {
    private static let codes: [UInt8: String] = [
        1: "message header error", 2: "OPEN refused", 3: "UPDATE error", 4: "hold timer expired",
        5: "message out of place", 6: "cease", 7: "ROUTE-REFRESH error", 8: "send hold timer expired",
    ]

    private static let subcodes: [[UInt8]: String] = [
        [1, 1]: "connection not synchronized", [1, 2]: "bad message length", [1, 3]: "bad message type",
        [2, 1]: "unsupported version", [2, 2]: "bad peer AS", [2, 3]: "bad BGP identifier",
        [2, 4]: "unsupported optional parameter", [2, 6]: "unacceptable hold time", [2, 7]: "unsupported capability",
        [2, 11]: "role mismatch",
        [3, 1]: "malformed attribute list", [3, 2]: "unrecognized well-known attribute",
        [3, 3]: "missing well-known attribute", [3, 4]: "attribute flags error", [3, 5]: "attribute length error",
        [3, 6]: "invalid ORIGIN", [3, 8]: "invalid NEXT_HOP", [3, 9]: "optional attribute error",
        [3, 10]: "invalid network field", [3, 11]: "malformed AS_PATH",
        [5, 1]: "in OpenSent", [5, 2]: "in OpenConfirm", [5, 3]: "in Established",
        [6, 1]: "maximum number of prefixes reached", [6, 2]: "administrative shutdown", [6, 3]: "peer deconfigured",
        [6, 4]: "administrative reset", [6, 5]: "connection rejected", [6, 6]: "other configuration change",
        [6, 7]: "connection collision", [6, 8]: "out of resources", [6, 9]: "hard reset", [6, 10]: "BFD down",
    ]

    /// In words, with the numbers where there are none: `cease: administrative shutdown ("maintenance")`.
    package var description: String {
        var text = Self.codes[code] ?? "error \(code)"
        if let detail = Self.subcodes[[code, subcode]] {
            text += ": \(detail)"
        } else if subcode != 0 {
            text += ": subcode \(subcode)"
        }
        if let shutdownCommunication { text += " (\"\(shutdownCommunication)\")" }
        return text
    }
}
