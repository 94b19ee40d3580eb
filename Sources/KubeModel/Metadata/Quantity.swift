/// An amount such as `500m`, `1.5Gi` or `2e3` (k8s.io/apimachinery/pkg/api/resource). Exact down to 10⁻⁹; what is smaller
/// is rounded up.
public struct Quantity: Sendable, Hashable, Comparable {
    /// How the text is written.
    public enum Format: Sendable, Hashable {
        case binarySI, decimalSI, decimalExponent
    }

    /// What Kubernetes tells about a text that is no quantity.
    public static let syntaxMessage =
        "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'"

    /// The amount in 10⁻⁹.
    public let nanos: Int128
    public let format: Format

    private static let one: Int128 = 1_000_000_000
    /// Kubernetes' limit: 2⁶³-1.
    private static let limit = Int128(Int64.max) * one

    public init(nanos: Int128, format: Format = .decimalSI) {
        self.nanos = nanos
        self.format = format
    }

    /// nil when the text is no quantity.
    public init?(_ text: String) {
        var bytes = text.utf8[...]
        var isNegative = false
        if let sign = bytes.first, sign == UInt8(ascii: "+") || sign == UInt8(ascii: "-") {
            isNegative = sign == UInt8(ascii: "-")
            bytes.removeFirst()
        }
        var digits: [UInt8] = []
        var fraction: Int?
        while let byte = bytes.first {
            if byte == UInt8(ascii: "."), fraction == nil {
                fraction = 0
            } else if (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) {
                digits.append(byte - UInt8(ascii: "0"))
                fraction = fraction.map { $0 + 1 }
            } else {
                break
            }
            bytes.removeFirst()
        }
        guard !digits.isEmpty, let suffix = Self.suffix(String(Substring(bytes))) else { return nil }
        format = suffix.format
        guard let magnitude = Self.scaled(digits, fraction: fraction ?? 0, suffix) else {
            nanos = isNegative ? -Self.limit : Self.limit
            return
        }
        nanos = isNegative ? -magnitude : magnitude
    }

    private struct Suffix {
        var format: Format
        /// Powers of 2 and of 10.
        var binary = 0
        var decimal = 0
    }

    private static func suffix(_ text: String) -> Suffix? {
        let binary = ["Ki": 10, "Mi": 20, "Gi": 30, "Ti": 40, "Pi": 50, "Ei": 60]
        if let power = binary[text] { return Suffix(format: .binarySI, binary: power) }
        let decimal = ["n": -9, "u": -6, "m": -3, "": 0, "k": 3, "M": 6, "G": 9, "T": 12, "P": 15, "E": 18]
        if let power = decimal[text] { return Suffix(format: .decimalSI, decimal: power) }
        guard let first = text.utf8.first, first | 0x20 == UInt8(ascii: "e"), let power = Int(text.dropFirst()),
            abs(power) < 100
        else { return nil }
        return Suffix(format: .decimalExponent, decimal: power)
    }

    /// nil when it is beyond the limit.
    private static func scaled(_ digits: [UInt8], fraction: Int, _ suffix: Suffix) -> Int128? {
        var value: Int128 = 0
        for digit in digits {
            value = value * 10 + Int128(digit)
            guard value < Int128(1) << 100 else { return nil }
        }
        for _ in 0..<suffix.binary {
            value *= 2
            guard value < Int128(1) << 120 else { return nil }
        }
        var power = suffix.decimal - fraction + 9
        while power > 0 {
            value *= 10
            power -= 1
            guard value < Int128(1) << 120 else { return nil }
        }
        var hasRest = false
        while power < 0 {
            if value % 10 != 0 { hasRest = true }
            value /= 10
            power += 1
        }
        if hasRest { value += 1 }
        return value > limit ? nil : value
    }

    /// The amount rounded up to a power of ten that is no smaller than 10⁻⁹.
    public func roundedUp(toPowerOfTen power: Int) -> Quantity {
        var unit: Int128 = 1
        for _ in 0..<Swift.max(0, power + 9) { unit *= 10 }
        let rest = nanos % unit
        guard rest != 0 else { return self }
        return Quantity(nanos: nanos - rest + (nanos > 0 ? unit : 0), format: format)
    }

    public static func < (left: Quantity, right: Quantity) -> Bool { left.nanos < right.nanos }
    public static func == (left: Quantity, right: Quantity) -> Bool { left.nanos == right.nanos }
    public func hash(into hasher: inout Hasher) { hasher.combine(nanos) }

    /// Whether there is no fraction.
    public var isWhole: Bool { nanos % Self.one == 0 }
}

extension Quantity: CustomStringConvertible {
    /// The canonical text: no fraction, and the greatest suffix that allows it.
    public var description: String {
        if nanos == 0 { return "0" }
        let isSmall = nanos > -1024 * Self.one && nanos < 1024 * Self.one
        guard format == .binarySI, !isSmall else { return decimal }
        var value = (nanos + (nanos > 0 && !isWhole ? Self.one - 1 : 0)) / Self.one
        var power = 0
        while value % 1024 == 0, power < 6 {
            value /= 1024
            power += 1
        }
        return "\(value)\(["", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei"][power])"
    }

    private var decimal: String {
        var value = nanos
        var power = -9
        while value % 1000 == 0, power < 18 {
            value /= 1000
            power += 3
        }
        if format == .decimalExponent { return power == 0 ? "\(value)" : "\(value)e\(power)" }
        let suffixes = [-9: "n", -6: "u", -3: "m", 0: "", 3: "k", 6: "M", 9: "G", 12: "T", 15: "P", 18: "E"]
        return "\(value)\(suffixes[power] ?? "")"
    }
}
