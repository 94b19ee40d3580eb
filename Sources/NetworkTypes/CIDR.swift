/// A network prefix such as `10.96.0.0/12`. `address` keeps the host bits it was written with; `first` does not.
public struct CIDR: Hashable, Sendable {
    public let address: IPAddress
    /// 0…32 for IPv4, 0…128 for IPv6.
    public let prefixLength: Int

    /// A prefix of the given length; nil when the length does not fit the family.
    public init?(address: IPAddress, prefixLength: Int) {
        guard (0...address.family.bitWidth).contains(prefixLength) else { return nil }
        self.address = address
        self.prefixLength = prefixLength
    }

    public var family: IPFamily { address.family }

    /// The lowest address: the network itself.
    public var first: IPAddress { address.masked(to: prefixLength) }

    /// The highest address: for IPv4 the broadcast address.
    public var last: IPAddress { address.filled(beyond: prefixLength) }

    /// The same prefix without host bits: `10.0.0.7/8` becomes `10.0.0.0/8`.
    public var masked: CIDR { CIDR(unchecked: first, prefixLength) }

    /// How many addresses it has; `UInt64.max` where there are more.
    public var addressCount: UInt64 {
        let hostBits = family.bitWidth - prefixLength
        return hostBits >= 64 ? .max : 1 << UInt64(hostBits)
    }

    public func contains(_ address: IPAddress) -> Bool {
        address.family == family && address.masked(to: prefixLength) == first
    }

    public func contains(_ other: CIDR) -> Bool {
        other.prefixLength >= prefixLength && contains(other.address)
    }

    public func overlaps(_ other: CIDR) -> Bool {
        contains(other.first) || other.contains(first)
    }

    private init(unchecked address: IPAddress, _ prefixLength: Int) {
        self.address = address
        self.prefixLength = prefixLength
    }
}

extension CIDR: LosslessStringConvertible {
    /// Reads `address/length` strictly, the length in decimal without leading zeros.
    public init?(_ text: some StringProtocol) {
        guard let slash = text.utf8.firstIndex(of: UInt8(ascii: "/")),
            let address = IPAddress(text[..<slash]),
            let length = decimal(text[text.utf8.index(after: slash)...], maximum: 128)
        else { return nil }
        self.init(address: address, prefixLength: length)
    }

    /// As the generic initialiser; spelled out for `LosslessStringConvertible`.
    public init?(_ description: String) {
        self.init(description[...])
    }

    public var description: String { "\(address)/\(prefixLength)" }
}

extension CIDR {
    /// Reads a network as `address/length`, or a single address.
    public init?(network text: some StringProtocol) {
        if let network = CIDR(text) {
            self = network
        } else if let address = IPAddress(text) {
            self.init(address: address, prefixLength: address.family.bitWidth)
        } else {
            return nil
        }
    }
}

/// Reads plain ASCII digits without sign or leading zeros; nil above `maximum`.
func decimal(_ text: some StringProtocol, maximum: Int) -> Int? {
    var value = 0
    var digits = 0
    for byte in text.utf8 {
        let digit = Int(byte) - Int(UInt8(ascii: "0"))
        guard (0...9).contains(digit), digits == 0 || value != 0 else { return nil }
        value = value * 10 + digit
        digits += 1
        guard value <= maximum else { return nil }
    }
    return digits > 0 ? value : nil
}
