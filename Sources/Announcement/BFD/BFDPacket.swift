/// A control packet of Bidirectional Forwarding Detection (RFC 5880, section 4.1), without authentication.
package struct BFDPacket: Hashable, Sendable {
    package enum State: UInt8, Hashable, Sendable, CaseIterable {
        case adminDown = 0
        case down = 1
        case initializing = 2
        case up = 3
    }

    /// Why the sender's session last went down.
    package enum Diagnostic: UInt8, Hashable, Sendable {
        case none = 0
        case detectionTimeExpired = 1
        case echoFailed = 2
        case neighborSignaledDown = 3
        case forwardingPlaneReset = 4
        case pathDown = 5
        case concatenatedPathDown = 6
        case administrativelyDown = 7
        case reverseConcatenatedPathDown = 8
    }

    package var state: State
    package var diagnostic = Diagnostic.none
    /// The receiver is to answer with ``isFinal``.
    package var isPoll = false
    package var isFinal = false
    package var detectMultiplier: UInt8
    package var discriminator: UInt32
    /// The receiver's discriminator; 0 while it is not known.
    package var yourDiscriminator: UInt32
    /// Microseconds.
    package var desiredMinTx: UInt32
    /// Microseconds; 0: the sender wants no packets.
    package var requiredMinRx: UInt32

    package init(
        state: State, detectMultiplier: UInt8, discriminator: UInt32, yourDiscriminator: UInt32, desiredMinTx: UInt32,
        requiredMinRx: UInt32
    ) {
        self.state = state
        self.detectMultiplier = detectMultiplier
        self.discriminator = discriminator
        self.yourDiscriminator = yourDiscriminator
        self.desiredMinTx = desiredMinTx
        self.requiredMinRx = requiredMinRx
    }

    package static let size = 24

    /// The checks of RFC 5880, section 6.8.6, that need no session; nil for a packet that is to be dropped. Packets with
    /// authentication are: no session of ours has any.
    package init?(_ bytes: some Collection<UInt8>) {
        let bytes = Array(bytes.prefix(Int(UInt8.max)))
        guard bytes.count >= Self.size, bytes[0] >> 5 == 1, bytes[3] >= Self.size, Int(bytes[3]) <= bytes.count else {
            return nil
        }
        let flags = bytes[1]
        // Authentication (0x04) and multipoint (0x01).
        guard flags & 0x05 == 0, bytes[2] != 0, let state = State(rawValue: flags >> 6) else { return nil }
        func number(at start: Int) -> UInt32 { bytes[start..<start + 4].reduce(0) { $0 << 8 | UInt32($1) } }
        self.state = state
        diagnostic = Diagnostic(rawValue: bytes[0] & 0x1f) ?? .none
        isPoll = flags & 0x20 != 0
        isFinal = flags & 0x10 != 0
        detectMultiplier = bytes[2]
        discriminator = number(at: 4)
        yourDiscriminator = number(at: 8)
        desiredMinTx = number(at: 12)
        requiredMinRx = number(at: 16)
        guard discriminator != 0 else { return nil }
        guard yourDiscriminator != 0 || state == .down || state == .adminDown else { return nil }
    }

    package var bytes: [UInt8] {
        var result: [UInt8] = [
            1 << 5 | diagnostic.rawValue, state.rawValue << 6 | (isPoll ? 0x20 : 0) | (isFinal ? 0x10 : 0),
            detectMultiplier, UInt8(Self.size),
        ]
        // Echo packets (the last number) are not wanted.
        for number in [discriminator, yourDiscriminator, desiredMinTx, requiredMinRx, 0] {
            for shift in stride(from: 24 as UInt32, through: 0, by: -8) {
                result.append(UInt8(truncatingIfNeeded: number >> shift))
            }
        }
        return result
    }
}
