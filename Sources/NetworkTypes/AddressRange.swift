/// The addresses from `first` to `last`, both included and of one family.
public struct AddressRange: Hashable, Sendable {
    public let first: IPAddress
    public let last: IPAddress

    /// nil when the two are of different families or in the wrong order.
    public init?(first: IPAddress, last: IPAddress) {
        guard first.family == last.family, first <= last else { return nil }
        self.first = first
        self.last = last
    }

    /// Every address of the prefix.
    public init(_ cidr: CIDR) {
        first = cidr.first
        last = cidr.last
    }

    public var family: IPFamily { first.family }

    /// How many addresses it has; `UInt64.max` where there are more.
    public var count: UInt64 {
        guard let distance = last.distance(from: first) else { return .max }
        return distance == .max ? .max : distance + 1
    }

    public func contains(_ address: IPAddress) -> Bool {
        address.family == family && first <= address && address <= last
    }

    public func contains(_ other: AddressRange) -> Bool {
        contains(other.first) && contains(other.last)
    }

    public func overlaps(_ other: AddressRange) -> Bool {
        family == other.family && first <= other.last && other.first <= last
    }
}

extension AddressRange: LosslessStringConvertible {
    /// Reads `192.0.2.1-192.0.2.9` (spaces around the dash are allowed), a CIDR, or a single address.
    public init?(_ text: some StringProtocol) {
        if let dash = text.utf8.firstIndex(of: UInt8(ascii: "-")) {
            let after = text.utf8.index(after: dash)
            guard let first = IPAddress(trimmingSpaces(text[..<dash])),
                let last = IPAddress(trimmingSpaces(text[after...]))
            else { return nil }
            self.init(first: first, last: last)
        } else if let cidr = CIDR(text[...]) {
            self.init(cidr)
        } else if let address = IPAddress(text) {
            self.init(first: address, last: address)
        } else {
            return nil
        }
    }

    /// As the generic initialiser; spelled out for `LosslessStringConvertible`.
    public init?(_ description: String) {
        self.init(description[...])
    }

    /// `first-last`, or the address alone when there is only one.
    public var description: String { first == last ? "\(first)" : "\(first)-\(last)" }
}

private func trimmingSpaces<Text: StringProtocol>(_ text: Text) -> Text.SubSequence {
    var rest = text[...]
    while rest.first == " " { rest = rest.dropFirst() }
    while rest.last == " " { rest = rest.dropLast() }
    return rest
}
