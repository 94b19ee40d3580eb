package import NetworkTypes

/// Makes and checks the server's part of DNS cookies (RFC 7873) in the form that servers share (RFC 9018, 4): nothing is
/// kept of a client.
package struct ServerCookie: Sendable {
    /// Client and server part together.
    package static let length = 24
    /// A cookie is good for an hour, and from five minutes in the future where clocks differ (RFC 9018, 4.3).
    static let lifetime: UInt32 = 3600
    static let skew: UInt32 = 300

    private let hash: SipHash

    package init(key0: UInt64, key1: UInt64) { hash = SipHash(key0: key0, key1: key1) }

    /// A key of this process.
    package init() {
        var generator = SystemRandomNumberGenerator()
        self.init(key0: generator.next(), key1: generator.next())
    }

    /// Whether a cookie of a query was made here for this client, lately.
    ///
    /// - Parameters:
    ///   - range: The option's data in `message`.
    ///   - now: Seconds of the wall clock since 1970, modulo 2^32.
    package func isValid(_ message: Span<UInt8>, _ range: Range<Int>, client: IPAddress, now: UInt32) -> Bool {
        guard range.count == Self.length, message[range.lowerBound + 8] == 1 else { return false }
        let time = message.u32(at: range.lowerBound + 12)
        // Serial number arithmetic (RFC 1982).
        let age = Int32(bitPattern: now &- time)
        guard age <= Int32(Self.lifetime), age >= -Int32(Self.skew) else { return false }
        let expected = value(
            message, range.lowerBound, head: message.u32(at: range.lowerBound + 8), time: time, client: client)
        var difference: UInt64 = 0
        for position in 0..<8 {
            difference |= UInt64(
                message[range.lowerBound + 16 + position] ^ UInt8(truncatingIfNeeded: expected >> UInt64(8 * position)))
        }
        return difference == 0
    }

    /// Writes the option: the client's part as it came and a fresh server part.
    package func write(
        _ message: Span<UInt8>, client offset: Int, address: IPAddress, now: UInt32, to writer: inout MessageWriter
    ) {
        writer.append(UInt16(10))
        writer.append(UInt16(Self.length))
        writer.append(message, offset..<(offset + 8))
        writer.append(UInt32(0x0100_0000))
        writer.append(now)
        let value = value(message, offset, head: 0x0100_0000, time: now, client: address)
        for position in 0..<8 { writer.append(UInt8(truncatingIfNeeded: value >> UInt64(8 * position))) }
    }

    /// - Parameter head: Version and reserved bytes, as they came (RFC 9018, 4.2).
    private func value(
        _ message: Span<UInt8>, _ offset: Int, head: UInt32, time: UInt32, client: IPAddress
    ) -> UInt64 {
        var input = InlineArray<32, UInt8>(repeating: 0)
        for position in 0..<8 { input[position] = message[offset + position] }
        for position in 0..<4 {
            input[8 + position] = UInt8(truncatingIfNeeded: head >> UInt32(24 - 8 * position))
            input[12 + position] = UInt8(truncatingIfNeeded: time >> UInt32(24 - 8 * position))
        }
        var count = 16
        if client.family == .v6 {
            for shift in stride(from: 56, through: 0, by: -8) {
                input[count] = UInt8(truncatingIfNeeded: client.high >> UInt64(shift))
                count += 1
            }
        }
        for shift in stride(from: client.family == .v6 ? 56 : 24, through: 0, by: -8) {
            input[count] = UInt8(truncatingIfNeeded: client.low >> UInt64(shift))
            count += 1
        }
        return hash.hash(input.span.extracting(first: count))
    }
}
