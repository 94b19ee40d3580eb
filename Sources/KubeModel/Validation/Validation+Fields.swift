import NetworkTypes

/// The rules as they are applied to fields.
extension Validation {
    /// What a write to a fixed field is told.
    public static let immutableMessage = "field is immutable"

    /// Every complaint about a value becomes an `invalid` error of its field.
    public static func check(_ value: String, at path: FieldPath, _ rule: (String) -> [String]) -> [FieldError] {
        rule(value).map { .invalid(path, .string(value), $0) }
    }

    public static func nonnegative(_ value: Int64, at path: FieldPath) -> [FieldError] {
        value < 0 ? [.invalid(path, .integer(value), "must be greater than or equal to 0")] : []
    }

    /// Absent and null are the same.
    public static func immutable(_ new: JSONValue?, _ old: JSONValue?, at path: FieldPath) -> [FieldError] {
        (new ?? .null) == (old ?? .null) ? [] : [.invalid(path, new ?? .null, immutableMessage)]
    }

    public static func labels(_ labels: [String: String], at path: FieldPath) -> [FieldError] {
        var errors: [FieldError] = []
        for (key, value) in labels.sorted(by: { $0.key < $1.key }) {
            errors += check(key, at: path, qualifiedName)
            errors += check(value, at: path, labelValue)
        }
        return errors
    }

    /// Keys are label keys in any case; keys and values together take at most 256 KiB.
    public static func annotations(_ annotations: [String: String], at path: FieldPath) -> [FieldError] {
        var errors: [FieldError] = []
        var size = 0
        for (key, value) in annotations.sorted(by: { $0.key < $1.key }) {
            errors += qualifiedName(key.lowercased()).map { .invalid(path, .string(key), $0) }
            size += key.utf8.count + value.utf8.count
        }
        if size > 256 << 10 { errors.append(.tooLong(path, maximum: 256 << 10)) }
        return errors
    }

    /// At least two labels; one trailing dot is allowed.
    public static func fullyQualifiedDomainName(_ name: String, at path: FieldPath) -> [FieldError] {
        guard !name.isEmpty else { return [.required(path)] }
        let trimmed = name.hasSuffix(".") ? String(name.dropLast()) : name
        let complaints = dns1123Subdomain(trimmed)
        guard complaints.isEmpty else {
            return [.invalid(path, .string(trimmed), complaints.joined(separator: ","))]
        }
        let labels = trimmed.split(separator: ".")
        guard labels.count >= 2 else {
            return [.invalid(path, .string(trimmed), "should be a domain with at least two segments separated by dots")]
        }
        for label in labels {
            let complaints = dns1123Label(String(label))
            if !complaints.isEmpty {
                return [.invalid(path, .string(String(label)), complaints.joined(separator: ","))]
            }
        }
        return []
    }

    /// A domain, a slash and a path, such as a controller's name: `martlet.dev/ingress`.
    public static func domainPrefixedPath(_ value: String, at path: FieldPath) -> [FieldError] {
        guard !value.isEmpty else { return [.required(path)] }
        let parts = value.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
        guard parts.count == 2, !parts[0].isEmpty, !parts[1].isEmpty else {
            return [.invalid(path, .string(value), "must be a domain-prefixed path (such as \"acme.io/foo\")")]
        }
        var errors = check(parts[0], at: path, dns1123Subdomain)
        let allowed = Set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789/-._~%!$&'()*+,;=:".utf8)
        if !parts[1].utf8.allSatisfy({ allowed.contains($0) }) {
            let complaint = patternComplaint("Invalid path", "[A-Za-z0-9/\\-._~%!$&'()*+,;=:]+")
            errors.append(.invalid(path, .string(parts[1]), complaint))
        }
        return errors
    }

    /// An address in strict text: no leading zeros, no IPv4 mapped into IPv6.
    public static func ip(_ value: String, at path: FieldPath) -> [FieldError] {
        guard let address = IPAddress(value) else {
            return [
                .invalid(path, .string(value), "must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)")
            ]
        }
        guard address.mappedV4 == nil else {
            return [.invalid(path, .string(value), "must not be an IPv4-mapped IPv6 address")]
        }
        return []
    }

    /// A prefix in strict text.
    public static func cidr(_ value: String, at path: FieldPath) -> [FieldError] {
        CIDR(value) == nil
            ? [.invalid(path, .string(value), "must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)")]
            : []
    }
}
