import KubeModel
import NetworkTypes

/// Kubernetes' words for malformed addresses.
enum AddressMessages {
    static let address = "must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)"
    static let mapped = "must not be an IPv4-mapped IPv6 address"
    /// What kube-apiserver says along with an address that it takes though it is not written canonically.
    static func warnings(about text: String, _ path: @autoclosure () -> FieldPath) -> [String] {
        guard let parsed = IPAddress(text), parsed.family == .v6, parsed.description != text else { return [] }
        return ["\(path()): IPv6 address \"\(text)\" should be in RFC 5952 canonical format (\"\(parsed)\")"]
    }

    /// The same of a range.
    static func rangeWarnings(about text: String, _ path: @autoclosure () -> FieldPath) -> [String] {
        guard let parsed = CIDR(text) else { return [] }
        guard parsed.masked == parsed else {
            let single = "\(parsed.address)/\(parsed.family.bitWidth)"
            return [
                "\(path()): CIDR value \"\(text)\" is ambiguous in this context (should be \"\(parsed.masked)\" or "
                    + "\"\(single)\"?)"
            ]
        }
        guard parsed.family == .v6, parsed.description != text else { return [] }
        return ["\(path()): IPv6 CIDR value \"\(text)\" should be in RFC 5952 canonical format (\"\(parsed)\")"]
    }

    /// What is wrong with an address in a field that takes the canonical form only.
    static func complaints(about text: String) -> [String] {
        guard let parsed = IPAddress(text) else {
            return IPAddress(withoutLeadingZeros(text)) == nil ? [address] : ["must not have leading 0s"]
        }
        if parsed.mappedV4 != nil { return [mapped] }
        return parsed.description == text ? [] : ["must be in canonical form (\"\(parsed)\")"]
    }

    /// What is wrong with a range in a field that takes the canonical form only.
    static func rangeComplaints(about text: String) -> [String] {
        guard let parsed = CIDR(text) else {
            let parts = text.split(separator: "/", omittingEmptySubsequences: false).map(String.init)
            let plain = parts.map(withoutLeadingZeros).joined(separator: "/")
            return parts.count == 2 && CIDR(plain) != nil
                ? ["must not have leading 0s in IP or prefix length"] : [range]
        }
        if parsed.address.mappedV4 != nil { return ["must not have an IPv4-mapped IPv6 address"] }
        if parsed.masked != parsed { return ["must not have bits set beyond the prefix length"] }
        return parsed.description == text ? [] : ["must be in canonical form (\"\(parsed)\")"]
    }

    /// `010.0.0.1` as `10.0.0.1`; anything with other characters than digits and dots as it is.
    private static func withoutLeadingZeros(_ text: String) -> String {
        let parts = text.split(separator: ".", omittingEmptySubsequences: false)
        guard parts.allSatisfy({ $0.utf8.allSatisfy { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) } }) else {
            return text
        }
        return parts.map { part in
            let digits = part.drop { $0 == "0" }
            return digits.isEmpty && !part.isEmpty ? "0" : String(digits)
        }.joined(separator: ".")
    }

    static let range = "must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)"
}
