/// A TCP, UDP or SCTP port number. 0 is representable: it asks the kernel to choose one.
public struct Port: RawRepresentable, Hashable, Comparable, Sendable {
    public let rawValue: UInt16

    public init(rawValue: UInt16) {
        self.rawValue = rawValue
    }

    public init(_ number: UInt16) {
        rawValue = number
    }

    /// nil outside 0…65535.
    public init?(exactly number: some BinaryInteger) {
        guard let value = UInt16(exactly: number) else { return nil }
        rawValue = value
    }

    public static func < (left: Port, right: Port) -> Bool {
        left.rawValue < right.rawValue
    }
}

extension Port: LosslessStringConvertible, ExpressibleByIntegerLiteral {
    /// Reads 0…65535 in decimal digits, without sign or leading zeros.
    public init?(_ text: some StringProtocol) {
        guard let number = decimal(text, maximum: 65535) else { return nil }
        rawValue = UInt16(number)
    }

    /// As the generic initialiser; spelled out for `LosslessStringConvertible`.
    public init?(_ description: String) {
        self.init(description[...])
    }

    public init(integerLiteral value: UInt16) {
        rawValue = value
    }

    public var description: String { String(rawValue) }
}
