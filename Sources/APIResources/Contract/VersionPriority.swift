/// How Kubernetes orders the versions of a group: stable ones before betas before alphas, higher numbers first, then
/// names of another form by the alphabet. The preferred version is the least.
package struct VersionPriority: Comparable {
    private enum Stage: Int {
        case stable, beta, alpha, other
    }

    private let stage: Stage
    private let major: Int
    private let minor: Int
    private let name: String

    package init(_ version: String) {
        name = version
        guard let parts = Self.parse(version) else {
            (stage, major, minor) = (.other, 0, 0)
            return
        }
        (stage, major, minor) = parts
    }

    package static func < (left: VersionPriority, right: VersionPriority) -> Bool {
        if left.stage != right.stage { return left.stage.rawValue < right.stage.rawValue }
        if left.major != right.major { return left.major > right.major }
        if left.minor != right.minor { return left.minor > right.minor }
        return left.name < right.name
    }

    /// `v1`, `v2beta3`: no leading zeros.
    private static func parse(_ version: String) -> (Stage, Int, Int)? {
        guard version.first == "v" else { return nil }
        var rest = version.dropFirst()
        guard let major = number(&rest) else { return nil }
        if rest.isEmpty { return (.stable, major, 0) }
        let stage: Stage
        if rest.hasPrefix("alpha") {
            stage = .alpha
            rest = rest.dropFirst(5)
        } else if rest.hasPrefix("beta") {
            stage = .beta
            rest = rest.dropFirst(4)
        } else {
            return nil
        }
        guard let minor = number(&rest), rest.isEmpty else { return nil }
        return (stage, major, minor)
    }

    private static func number(_ text: inout Substring) -> Int? {
        let digits = text.prefix { $0.isASCII && $0.isNumber }
        guard digits.first != "0", let value = Int(digits) else { return nil }
        text = text.dropFirst(digits.count)
        return value
    }
}
