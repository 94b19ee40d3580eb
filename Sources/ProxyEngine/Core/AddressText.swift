internal import NetworkTypes

/// Writes an IP address as text without making a `String`.
enum AddressText {
    /// Calls `put` for each byte; returns how many (at most 45).
    static func write(_ address: IPAddress, _ put: (Int, UInt8) -> Void) -> Int {
        guard let v4 = address.v4 else {
            var count = 0
            for byte in address.description.utf8.prefix(45) {
                put(count, byte)
                count += 1
            }
            return count
        }
        var count = 0
        for index in 0..<4 {
            let octet = UInt8(truncatingIfNeeded: v4 >> UInt32(24 - 8 * index))
            if octet >= 100 {
                put(count, 0x30 + octet / 100)
                count += 1
            }
            if octet >= 10 {
                put(count, 0x30 + octet / 10 % 10)
                count += 1
            }
            put(count, 0x30 + octet % 10)
            count += 1
            if index < 3 {
                put(count, 0x2E)
                count += 1
            }
        }
        return count
    }
}
